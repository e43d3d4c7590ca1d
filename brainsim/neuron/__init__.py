"""Neuron models: one file each, Brian2 equations as text at the top."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from brainsim.description import Described


@dataclass(frozen=True)
class Neuron(Described):
    """A neuron model: Brian2 equations and the parameters that stand in them.

    In one time step a network does, in this order: threshold, synapses (``I_syn += w``), reset, then `update`;
    `leak` comes just before the next synapses. The equations declare ``I_syn`` (what synapses add to) and ``I_ext``
    (input from outside). `equations` may hold differential equations, `update` explicit steps, or both.
    """

    equations: ClassVar[str] = ""
    update: ClassVar[str] = ""
    leak: ClassVar[str] = ""
    threshold: ClassVar[str] = ""
    reset: ClassVar[str] = ""

    def step(self) -> str:
        """Return the explicit steps that these parameters need: `update`, without what they switch off."""
        return self.update

    def per_cell(self, excitatory: NDArray[np.bool_], rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Return the parameters and initial values that differ between cells, as ``{variable: (neuron,)}``."""
        return {}
