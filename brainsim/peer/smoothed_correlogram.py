"""Peaks and troughs of cross-correlograms at synaptic lags, against the baseline that jittering would give."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from scipy import stats
from scipy.ndimage import convolve1d, correlate1d

from brainsim.description import quantity
from brainsim.peer import Floats, Inferred, Peer
from brainsim.peer._correlogram import both_sides, correlograms, hollow_gaussian
from brainsim.peer._spikes import binned

LONGEST_INFERRED_S = 0.2
NARROWEST = 2.0
OUTLYING = 4.0
ROUNDS = 3


@dataclass(frozen=True)
class SmoothedCorrelogram(Peer):
    """Cross-correlograms against their jittered baseline: the extreme |z| over synaptic lags.

    The correlogram is smoothed by a box, and so is its baseline: the correlogram convolved with a partially hollow
    Gaussian, lags of more than four Poisson deviations first set to what is there around them, so that a large peak
    makes no trough on the other side. z is the excess over its Poisson spread. A pair is called where the Poisson p
    value of a lag, times the number of lags, signs and pairs (Bonferroni), is below `alpha`. Inferred spikes are events
    of half a spike or more; lags are then frames from 0 (a synapse acts within a frame) to 0.2 s, unsmoothed, and the
    baseline is two frames or wider.

    References
    ----------
    Stark & Abeles (2009), J Neurosci Methods 179:90. English et al. (2017), Neuron 96:505.
    """

    width: float = quantity(5.0, "ms", "standard deviation of the baseline's Gaussian")
    box: float = quantity(3.0, "ms", "over how long a correlogram is smoothed")
    longest: float = quantity(20.0, "ms", "longest synaptic lag")
    alpha: float = quantity(0.05, "1", "probability that any unconnected pair is called")

    name: ClassVar[str] = "smoothed-correlogram"

    def infer(self, dataset: xr.Dataset, bin_s: float) -> Inferred:
        """Return the extreme z over causal lags of every pair."""
        spikes = binned(dataset, bin_s, events=True)
        n, first = spikes.neurons, 0 if spikes.framed else 1
        longest, box = spikes.within(self.longest / 1000, LONGEST_INFERRED_S), spikes.within(self.box / 1000, 0)
        kernel = hollow_gaussian(max(self.width / 1000 / spikes.bin_s, NARROWEST if spikes.framed else 0.5))
        counts = correlograms(spikes.count, longest + len(kernel) // 2 + box)
        middle = counts.shape[2] - 1
        causal = slice(middle + first, middle + longest + 1)
        z, p = np.zeros((n, n)), np.ones((n, n))
        for pre in range(n):
            z[pre], p[pre] = _extreme(both_sides(counts, pre), kernel, box, causal)
        np.fill_diagonal(z, 0)
        np.fill_diagonal(p, 1)
        tests = 2 * (longest + 1 - first) * max(1, n * (n - 1))
        return Inferred(np.abs(z), np.sign(z), p * tests < self.alpha)


def _extreme(counts: Floats, kernel: Floats, box: int, causal: slice) -> tuple[Floats, Floats]:
    """Return the z of largest size over lags and the smallest p of each postsynaptic neuron; counts are (post, lag)."""
    baseline = convolve1d(counts, kernel, axis=1, mode="reflect")
    for _ in range(ROUNDS):
        outlying = np.abs(counts - baseline) > OUTLYING * np.sqrt(np.maximum(baseline, 1))
        baseline = convolve1d(np.where(outlying, baseline, counts), kernel, axis=1, mode="reflect")
    difference = np.convolve(-kernel, np.ones(box))
    difference[len(kernel) // 2 : len(kernel) // 2 + box] += 1
    seen, expected = (
        correlate1d(x, np.ones(box), axis=1, mode="constant", origin=-((box - 1) // 2))[:, causal]
        for x in (counts, baseline)
    )
    spread = np.sqrt(np.maximum(expected / box, 1e-9) * (difference**2).sum())
    z = np.where(expected > 0, (seen - expected) / spread, 0.0)
    extreme: Floats = np.take_along_axis(z, np.abs(z).argmax(1)[:, None], 1)[:, 0]
    return extreme, _poisson(seen, expected).min(1)


def _poisson(seen: Floats, expected: Floats) -> Floats:
    """Return the smaller one-sided Poisson p value, half of the seen count's probability left out (English et al.)."""
    half = 0.5 * stats.poisson.pmf(seen, expected)
    above = stats.poisson.sf(seen, expected) + half
    below = stats.poisson.cdf(seen - 1, expected) + half
    p: Floats = np.where(expected > 0, np.minimum(above, below), 1.0)
    return p
