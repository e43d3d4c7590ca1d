"""Temporal structure: autocorrelation."""

import numpy as np

from brainsim.evidence import Evidence, Sample
from brainsim.missing import Floats, mean
from brainsim.statistic import Measure, Statistic


def lagged_products(sample: Sample, lags: int) -> Floats:
    """Return the mean product of frames `lag` apart, shape (trial, lag, neuron), lag 0 first.

    The mean of each neuron over all trials is taken off first, so that differences between trials count.
    """
    x = sample.trace - mean(sample.trace.reshape(-1, sample.trace.shape[2]), 0)
    frames = sample.frames
    return np.stack([mean(x[:, : frames - lag] * x[:, lag:], 1) for lag in range(lags + 1)], axis=1)


def autocorrelation(products: Floats) -> Floats:
    """Return the autocorrelation of each neuron from its :func:`lagged_products`, shape (lag, neuron), from lag 1."""
    total = mean(products, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        r: Floats = np.where(total[0] > 0, total[1:] / total[0], np.nan)
    return r


class AutocorrelationRMSE(Statistic):
    """Root mean square difference of the autocorrelations, over neurons and lags up to half a trial (at most 20).

    Notes
    -----
    As Molano-Mazon et al. 2018 (ICLR) judge Spike-GAN. A neuron that never varies in the candidate has autocorrelation
    0 there. 0 is best.
    """

    name = "autocorrelation_rmse"
    title = "autocorrelation, difference"
    respect = "the autocorrelations"
    cheap = True
    tolerance = 0.05
    min_frames = 4

    def measure(self, evidence: Evidence) -> Measure:
        """Compare the two autocorrelations."""
        lags = min(evidence.candidate.frames // 2, 20)
        ours = autocorrelation(lagged_products(evidence.split.held_out, lags))
        products = lagged_products(evidence.candidate, lags)

        def difference(some: Floats) -> float:
            square = mean((ours - np.nan_to_num(autocorrelation(some))).ravel() ** 2, 0)
            return float(np.sqrt(square))

        return Measure(
            difference(products), draw=lambda rng: difference(products[rng.integers(len(products), size=len(products))])
        )
