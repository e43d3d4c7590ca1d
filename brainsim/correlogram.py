"""Lag-resolved cross-correlograms: all second-order statistics of recorded spikes, without an array over time.

Counts of all pairs at all lags would fill the memory, and counting is quick; so those of one presynaptic neuron are
counted whenever they are asked for, and kept only where all of them are small.
"""

import ctypes
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from brainsim.native import library
from brainsim.recorded import Events

Array = NDArray[np.float64]
KEPT_BYTES = 2**27


class Correlograms:
    """Cross-correlograms of every pair, one presynaptic neuron at a time.

    Parameters
    ----------
    spikes
        Spikes of every neuron.
    bins
        Length of the recording in bins.
    lags
        Number of lags on one side, 0 among them.
    """

    def __init__(self, spikes: Events, bins: int, lags: int) -> None:
        self.neurons, self.bins, self.lags = spikes.sources, bins, lags
        order = np.argsort(spikes.step, kind="stable")
        self._step = np.ascontiguousarray(spikes.step[order], np.int32)
        self._neuron = np.ascontiguousarray(spikes.source_of_each()[order], np.int32)
        self._amplitude = np.ascontiguousarray(spikes.amplitude[order], np.float32)
        self._at = np.ascontiguousarray(np.argsort(self._neuron, kind="stable"), np.int64)
        self._first = np.searchsorted(self._neuron[self._at], np.arange(self.neurons + 1))
        self._kept: dict[int, NDArray[np.float32]] = {}  # of all neurons, or of the one that was asked for last

    @cached_property
    def total(self) -> Array:
        """Spikes of each neuron (sum of amplitudes), (neuron,)."""
        return np.bincount(self._neuron, self._amplitude, minlength=self.neurons).astype(float)

    @cached_property
    def power(self) -> Array:
        """Variance of the count in a bin, about the rate for single spikes, (neuron,)."""
        neuron, step = self._neuron[self._at], self._step[self._at]
        begins = np.flatnonzero(np.diff(neuron, prepend=-1).astype(bool) | np.diff(step, prepend=-1).astype(bool))
        in_bin = np.add.reduceat(self._amplitude[self._at].astype(float), begins) if len(begins) else np.zeros(0)
        own = np.bincount(neuron[begins], in_bin**2, minlength=self.neurons)
        result: Array = np.maximum(own, 1e-12) / self.bins
        return result

    def count(self, pre: int) -> NDArray[np.float32]:
        """Return how often each neuron fired so many bins after one (products of amplitudes), (post, lag).

        The lags are -(lags - 1) .. lags - 1; at a positive lag `post` fires after `pre`.
        """
        if pre in self._kept:
            return self._kept[pre]
        count = np.zeros((self.neurons, 2 * self.lags - 1), np.float32)
        step, neuron, amplitude, at, count_ = (
            ctypes.c_void_p(array.ctypes.data) for array in (self._step, self._neuron, self._amplitude, self._at, count)
        )
        first, last, spikes, lags = (
            ctypes.c_int64(int(value)) for value in (*self._first[pre : pre + 2], len(self._step), self.lags)
        )
        library("correlogram").correlogram(spikes, step, neuron, amplitude, at, first, last, lags, count_)
        if count.nbytes * self.neurons > KEPT_BYTES:
            self._kept.clear()
        self._kept[pre] = count
        return count

    def covariance(self, pre: int) -> Array:
        """Return the covariances of one neuron with all others at all lags, in counts, (post, lag)."""
        lag = np.arange(-self.lags + 1, self.lags)
        chance = (self.total * (self.total[pre] / self.bins**2))[:, None]
        result: Array = self.count(pre) - chance * np.maximum(self.bins - np.abs(lag), 0)
        return result

    def lift(self, pre: int, reach: int) -> Array:
        """Return how often each neuron fires within `reach` bins of one, over chance, (post,).

        Common input makes it larger than 1; the noise of a correlogram grows with it.
        """
        count, middle = self.count(pre), self.lags - 1
        near = count[:, middle - reach : middle].sum(1, dtype=float)
        near += count[:, middle + 1 : middle + reach + 1].sum(1, dtype=float)
        chance = 2 * reach * self.total * self.total[pre] / self.bins
        result: Array = (near + 3) / (chance + 3)
        return result
