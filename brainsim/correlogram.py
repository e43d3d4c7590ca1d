"""Lag-resolved cross-correlograms: all second-order statistics of recorded spikes, without an array over time."""

import ctypes
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from brainsim.native import library
from brainsim.recorded import Events

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Correlogram:
    """Cross-correlograms of every pair.

    Attributes
    ----------
    count
        How often `post` fired `lag` bins after `pre` (products of amplitudes), (pre, post, lag), lag 0 first.
    total
        Spikes of each neuron (sum of amplitudes), (neuron,).
    bins
        Length of the recording in bins.
    """

    count: NDArray[np.float32]
    total: Array
    bins: int

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return len(self.total)

    @property
    def lags(self) -> int:
        """Number of lags on one side, 0 among them."""
        return int(self.count.shape[2])

    @cached_property
    def power(self) -> Array:
        """Variance of the count in a bin, about the rate for single spikes, (neuron,)."""
        own = self.count[np.arange(self.neurons), np.arange(self.neurons), 0].astype(float)
        result: Array = np.maximum(own, 1e-12) / self.bins
        return result

    def covariance(self, pre: int) -> Array:
        """Return the covariances of one neuron with all others at all lags, in counts, (post, lag).

        The lags are -(lags - 1) .. lags - 1; at a positive lag `post` fires after `pre`.
        """
        lag = np.arange(-self.lags + 1, self.lags)
        both = np.concatenate([self.count[:, pre, :0:-1], self.count[pre]], axis=1).astype(float)
        chance = (self.total * (self.total[pre] / self.bins**2))[:, None]
        result: Array = both - chance * np.maximum(self.bins - np.abs(lag), 0)
        return result

    def lift(self, reach: int) -> Array:
        """Return how often two neurons fire within `reach` bins of each other, over chance, (pre, post).

        Common input makes it larger than 1; the noise of a correlogram grows with it.
        """
        near = self.count[:, :, 1 : reach + 1].sum(2, dtype=float)
        chance = 2 * reach * np.outer(self.total, self.total) / self.bins
        result: Array = (near + near.T + 3) / (chance + 3)
        return result


def correlogram(spikes: Events, bins: int, lags: int) -> Correlogram:
    """Count the cross-correlograms of all pairs of neurons.

    Parameters
    ----------
    spikes
        Spikes of every neuron.
    bins
        Length of the recording in bins.
    lags
        Number of lags on one side, 0 among them.
    """
    n = spikes.sources
    order = np.argsort(spikes.step, kind="stable")
    step = np.ascontiguousarray(spikes.step[order], np.int32)
    neuron = np.ascontiguousarray(spikes.source_of_each()[order], np.int32)
    amplitude = np.ascontiguousarray(spikes.amplitude[order], np.float32)
    at = np.ascontiguousarray(np.argsort(neuron, kind="stable"), np.int64)
    first = np.searchsorted(neuron[at], np.arange(n + 1)).astype(np.int64)
    count = np.zeros((n, n, lags), np.float32)
    at_, first_, count_, step_, neuron_, amplitude_ = (
        ctypes.c_void_p(array.ctypes.data) for array in (at, first, count, step, neuron, amplitude)
    )
    library("correlogram").correlogram(
        *(ctypes.c_int64(len(step)), step_, neuron_, amplitude_),
        *(ctypes.c_int64(n), first_, at_, ctypes.c_int64(lags), count_),
    )
    total = np.bincount(neuron, amplitude, minlength=n).astype(float)
    return Correlogram(count, total, bins)
