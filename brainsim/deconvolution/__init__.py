"""From fluorescence to spikes: one method per file."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainsim.description import Described


@dataclass(frozen=True)
class Deconvolution(Described):
    """A method that turns one gap-free fluorescence trace into spikes."""

    def __call__(self, trace: NDArray[np.float64], rate: float) -> tuple[NDArray[np.float64], dict[str, float]]:
        """Return the spikes per frame (time,) and what was estimated on the way.

        Parameters
        ----------
        trace
            dF/F of one neuron, shape (time,), finite.
        rate
            Frames per second [Hz].
        """
        raise NotImplementedError
