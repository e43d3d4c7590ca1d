"""Neuron models: one file each, Brian2 equations as text at the top."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from brainsim.description import Described


@dataclass(frozen=True)
class Neuron(Described):
    """A neuron model: Brian2 equations and the parameters that stand in them.

    The input is always called ``I_syn`` (synapses add to it at each presynaptic spike) and ``I_ext`` (a function of
    time and neuron that the engine supplies).
    """

    equations: ClassVar[str] = ""
    threshold: ClassVar[str] = ""
    reset: ClassVar[str] = ""
    method: ClassVar[str] = "euler"

    def per_cell(self, excitatory: NDArray[np.bool_], rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Return the parameters and initial values that differ between cells, as ``{variable: (neuron,)}``."""
        return {}
