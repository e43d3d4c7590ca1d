"""From fluorescence to spikes: one method per file."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainsim.description import Described

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Deconvolution(Described, ABC):
    """A method that turns the fluorescence of one neuron into spikes."""

    @abstractmethod
    def runs(self, traces: Sequence[Floats], rate: float) -> tuple[list[Floats], dict[str, float]]:
        """Return the spikes of every gap-free run of one neuron and what was estimated on the way.

        What describes the neuron (decay, noise, baseline) is estimated on all runs together; the spikes of a run
        depend on no other run.

        Parameters
        ----------
        traces
            dF/F of each run, shape (time,), finite, at least 3 frames each.
        rate
            Frames per second [Hz].

        Returns
        -------
        spikes
            One array per run, of its shape.
        estimates
            For example ``decay_time`` [s], ``noise`` and ``baseline`` [dF/F]; ``assumed`` is 1 where the trace could
            not tell the decay and a documented value was taken.
        """

    def __call__(self, trace: Floats, rate: float) -> tuple[Floats, dict[str, float]]:
        """Return the spikes per frame (time,) of one gap-free trace and what was estimated on the way.

        Parameters
        ----------
        trace
            dF/F of one neuron, shape (time,), finite.
        rate
            Frames per second [Hz].
        """
        spikes, estimates = self.runs([trace], rate)
        return spikes[0], estimates
