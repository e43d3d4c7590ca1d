"""Peaks that hidden neurons make in the correlogram of a pair: common input, and paths through one of them.

A hidden cell that excites both neurons gives a peak at the difference of its two delays; it rises as it decays. A path
through a hidden cell gives one at the sum of two delays; it rises with the first of its decays and falls with the
second:

    common input   exp(-|t - at|/tau)
    path           (t - at) exp(-(t - at)/tau)    for t >= at

Hidden cells have synapses like those that are seen, so the kernels of excitatory synapses say where peaks are expected.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

Array = NDArray[np.float64]
Places = NDArray[np.int64]
JITTER = 1.2  # of the time at which a spike comes after what has caused it, in bins; a peak has that of two
COMMON = {1.0: range(-2, 31), 3.0: range(-2, 32, 2), 8.0: range(-6, 34, 4)}  # middles by decay, in bins
PATH = {1.5: range(2, 26)}  # where they begin, by decay; slower ones look like common input
SLOWEST_PATH = 3.1
PADDING = 40


@dataclass(frozen=True)
class Peaks:
    """A list of peaks.

    Attributes
    ----------
    tau
        Their decays in bins, (peak,).
    at
        Middle of common input, beginning of a path, in bins, (peak,).
    path
        Which are paths, (peak,).
    """

    tau: Array
    at: Places
    path: NDArray[np.bool_]

    @classmethod
    def all(cls) -> "Peaks":
        """Return those that are looked for."""
        listed = [(tau, at, kind is PATH) for kind in (COMMON, PATH) for tau, places in kind.items() for at in places]
        tau, at, path = zip(*listed, strict=True)
        return cls(np.array(tau), np.array(at), np.array(path))

    def shapes(self, longest: int) -> Array:
        """Return their shapes at lags -longest .. longest, blurred by the jitter of two spikes, (lag, peak)."""
        lag = np.arange(-longest - PADDING, longest + PADDING + 1.0)[:, None] - self.at
        rising = np.where(self.path, np.maximum(lag, 0.0), 1.0)
        sharp = rising * np.exp(-np.abs(lag) / self.tau)
        blurred: Array = gaussian_filter1d(sharp, np.sqrt(2) * JITTER, axis=0)[PADDING:-PADDING]
        return blurred

    def nearest(self, tau: Array, at: Array, path: bool) -> Places:
        """Return the peak nearest to each of some decays and places, or the number of all peaks where none is near."""
        taus, beyond = np.unique(self.tau[self.path == path]), 0 if path else 1
        decay = taus[np.abs(np.log(taus) - np.log(tau)[..., None]).argmin(-1)]
        found = np.full(np.shape(tau), len(self.tau))
        for each in taus:
            its = np.flatnonzero((self.path == path) & (self.tau == each))
            places = self.at[its]
            near = (decay == each) & (at >= places.min() - beyond) & (at <= places.max() + beyond)
            found[near] = its[np.abs(places - at[near][:, None]).argmin(-1)]
        return found


@dataclass(frozen=True)
class Expected:
    """Where hidden cells put their peaks, by the kernels of the synapses that are seen.

    Attributes
    ----------
    peaks
        All peaks.
    tau, delay
        Decay and delay of each kernel in bins, (kernel,).
    """

    peaks: Peaks
    tau: Array
    delay: Places

    @cached_property
    def _meet(self) -> tuple[Places, Places]:
        """Return the peak of common input and that of a path of each pair of kernels, (kernel x kernel,)."""
        slow = np.sqrt(np.outer(self.tau, self.tau))
        apart, along = self.delay - self.delay[:, None], self.delay + self.delay[:, None]
        common = self.peaks.nearest(slow, apart.astype(float), path=False)
        late = self.peaks.nearest(slow, along + np.add.outer(self.tau, self.tau), path=False)
        path = np.where(slow <= SLOWEST_PATH, self.peaks.nearest(slow, along.astype(float), path=True), late)
        return common.ravel(), path.ravel()

    def of(self, often: Array) -> Array:
        """Return how often each peak is expected where kernels of excitatory synapses occur so often, (peak,).

        Half of them are common input, half are paths; those that are beyond the lags that are looked at are left out.
        """
        both, none = np.outer(often, often).ravel(), len(self.peaks.tau)
        found = sum(np.bincount(places, both, none + 1)[:none] for places in self._meet)
        return np.asarray(found / 2, np.float64)
