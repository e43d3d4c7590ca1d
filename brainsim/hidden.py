"""Hidden input: what spike counts do that the fitted network, driven by the recorded spikes, does not expect."""

import numpy as np
import scipy.sparse as sp
import xarray as xr
from numpy.typing import NDArray
from scipy.signal import lfilter

from brainsim.encoding import Encoded
from brainsim.recorded import Events
from brainsim.sufficient import InTime
from brainsim.trait import Train

BLOCK_BINS = 8192
COUNT_WINDOW_S = 0.1
SURE = 2.0

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def share_hidden(fit: xr.Dataset, encoded: Encoded, real: Train) -> float:
    """Return the share of the variance of the neurons' drive that is left to hidden input.

    With c the count of a neuron in a window of 0.1 s (at least a bin) and p what the fit expects of it, driven by the
    recorded spikes: H = sum over neurons of Var(c - p) - mean(p), at least 0, is what the counts vary beyond Poisson
    noise around p; the share is H / (H + sum of Var(p)). H below two of its own standard errors counts as 0. NaN where
    there is neither.

    Parameters
    ----------
    fit
        A fit of the rule ``ml``.
    encoded
        The recording in its bins.
    real
        Its spikes in the bins to look at.
    """
    window = max(1, round(COUNT_WINDOW_S / encoded.bin_s))
    count = real.windows(window).toarray()
    if len(count) < 2:
        return float("nan")
    expected = _expected(fit, encoded, real.chosen[: len(count) * window], window)
    mean = expected.mean(0)
    left = float(((count - expected).var(0) - mean).sum())
    left = left if left > SURE * np.sqrt((2 * mean**2 + mean).sum() / len(count)) else 0.0
    explained = float(expected.var(0).sum())
    return left / (left + explained) if left + explained > 0 else float("nan")


def _expected(fit: xr.Dataset, encoded: Encoded, chosen: Index, window: int) -> Array:
    """Return the spikes that the fit expects in each window of the chosen bins, a block of time at a time."""
    width, n = encoded.bin_s, fit.sizes["neuron"]
    keep, delay = float(np.exp(-width / fit.attrs["tau_s"])), max(1, round(fit.attrs["delay_s"] / width))
    warm = int(np.ceil(20 * fit.attrs["tau_s"] / width))
    source, size = fit["jump_covariate"].values.astype(int), fit["jump_size"].values
    jumps = InTime(Events.of(source, fit["jump_bin"].values.astype(int), size, fit.sizes["covariate"]))
    arrivals, gaps = InTime(encoded.spikes.shifted(delay)), InTime(encoded.gaps)
    weight = fit["weight"].values + np.diag(fit["history"].values)
    total = np.zeros((len(chosen) // window, n))
    ends = np.append(np.flatnonzero(np.diff(chosen) > 1) + 1, len(chosen))
    a = 0
    while a < len(chosen):
        b = min(a + BLOCK_BINS, int(ends[np.searchsorted(ends, a, side="right")]))
        begin, end, first = int(chosen[a]), int(chosen[b - 1]) + 1, max(0, int(chosen[a]) - warm)
        trace = lfilter([1.0], [1.0, -keep], arrivals.block(first, end).toarray(), axis=0)[begin - first :]
        level = np.asarray(jumps.block(0, begin).sum(0)) + np.cumsum(jumps.block(begin, end).toarray(), axis=0)
        drive = fit["bias"].values + trace @ weight + level @ fit["covariate_weight"].values
        rho = np.exp(np.clip(drive, -50, 10))
        rho[np.asarray(gaps.block(0, begin).sum(0)) + np.cumsum(gaps.block(begin, end).toarray(), axis=0) > 0.5] = 0.0
        place = (np.arange(a, b) // window, np.arange(b - a))
        total += sp.csr_matrix((np.ones(b - a), place), shape=(len(total), b - a)) @ rho
        a = b
    return total
