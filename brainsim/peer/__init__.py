"""Methods that infer connectivity, to be held beside ours by ``brainsim bench connectivity``: one file each."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.description import Described

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Inferred:
    """What a method says of every pair of neurons.

    Attributes
    ----------
    score
        Strength by which pairs are ranked, (pre, post): the larger its size, the surer the edge.
    sign
        +1 excitatory, -1 inhibitory, 0 no edge; NaN everywhere where the method cannot tell; (pre, post).
    called
        Which pairs the method itself calls connected, (pre, post).
    cell_type
        ``E``, ``I`` or ``unknown``, (neuron,); None where the method does not say.
    probability
        Probability that a pair is connected, (pre, post); None where the method does not say.
    """

    score: Floats
    sign: Floats
    called: Bools
    cell_type: NDArray[np.str_] | None = None
    probability: Floats | None = None


@dataclass(frozen=True)
class Peer(Described, ABC):
    """A method that infers who drives whom from recorded spikes.

    Class attributes
    ----------------
    modules
        Modules that it needs, imported before its time and memory are measured.
    """

    modules: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def infer(self, dataset: xr.Dataset, bin_s: float) -> Inferred:
        """Say of every pair whether it is connected.

        Parameters
        ----------
        dataset
            A recording: ``spikes`` per frame or ``spike_time``; the truth is not in it.
        bin_s
            Width of a bin for spike times [s]; inferred spikes stay in their frames.
        """
