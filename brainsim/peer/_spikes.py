"""Spikes as peers see them: a sparse matrix, in bins of spike times or in frames of inferred spikes."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import xarray as xr
from numpy.typing import NDArray

from brainsim.calcium import deconvolve
from brainsim.encoding import encode

HALF_A_SPIKE = 0.5


@dataclass(frozen=True)
class Spikes:
    """Spikes of a recording in bins.

    Attributes
    ----------
    count
        Spikes in each bin, sparse (neuron, bin).
    bin_s
        Width of a bin [s].
    framed
        Whether a bin is a frame of inferred spikes.
    """

    count: sp.csr_matrix
    bin_s: float
    framed: bool

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return int(self.count.shape[0])

    @property
    def bins(self) -> int:
        """Number of bins."""
        return int(self.count.shape[1])

    @property
    def total(self) -> NDArray[np.float64]:
        """Spikes of each neuron, (neuron,)."""
        return np.asarray(self.count.sum(1), float).ravel()

    def within(self, spike_time_s: float, inferred_s: float) -> int:
        """Return a length in bins, at least one: the first for spike times, the second for inferred spikes [s]."""
        return max(1, round((inferred_s if self.framed else spike_time_s) / self.bin_s))


def binned(dataset: xr.Dataset, bin_s: float, *, events: bool = False) -> Spikes:
    """Bring the spikes of a recording into bins; calcium alone is deconvolved first.

    Parameters
    ----------
    dataset
        A recording with ``spikes``, ``spike_time`` or ``calcium``.
    bin_s
        Width of a bin for spike times [s].
    events
        Count a frame as one event where at least half a spike was inferred, and as none elsewhere.

    Raises
    ------
    InputError
        If there are no spikes, or the recording has no time course.
    """
    if "spikes" not in dataset and "spike_time" not in dataset and "calcium" in dataset:
        dataset = deconvolve(dataset)
    encoded = encode(dataset, "auto", bin_s)
    spikes, framed = encoded.spikes, encoded.kind == "binned"
    count = spikes.amplitude.astype(float)
    if framed and events:
        count = (count >= HALF_A_SPIKE).astype(float)
    where = (spikes.source_of_each(), spikes.step)
    matrix = sp.csr_matrix((count, where), shape=(spikes.sources, encoded.bins))
    matrix.eliminate_zeros()
    return Spikes(matrix, encoded.bin_s, framed)
