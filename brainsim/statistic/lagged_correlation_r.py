"""Temporal structure: who follows whom."""

import numpy as np

from brainsim.evidence import Evidence, Sample
from brainsim.missing import Floats, mean
from brainsim.statistic import Measure, Statistic


def lagged_correlation(deviation: Floats, times: Floats | None = None) -> Floats:
    """Return the correlation of each neuron with each other one a frame later, shape (earlier, later), diagonal NaN.

    Parameters
    ----------
    deviation
        Trials without their mean response, shape (trial, time, neuron); 0 where missing.
    times
        How often each trial counts, shape (trial,); once by default.
    """
    trials, frames, neurons = deviation.shape
    times = np.ones(trials) if times is None else times
    square = (deviation**2).sum(1)
    weighted = (times[:, None, None] * deviation[:, :-1]).reshape(-1, neurons)
    product = weighted.T @ deviation[:, 1:].reshape(-1, neurons)
    earlier, later = (times @ (square - deviation[:, end] ** 2) for end in (frames - 1, 0))
    scale = np.sqrt(np.maximum(np.outer(earlier, later), 0))
    r: Floats = np.divide(product, scale, out=np.full(scale.shape, np.nan), where=scale > 0)
    np.fill_diagonal(r, np.nan)
    return r


def deviations(sample: Sample) -> Floats:
    """Return each trial less the mean time course under its stimulus, 0 where missing."""
    result = np.empty_like(sample.trace)
    for name in np.unique(sample.labels):
        trials = sample.where(name)
        result[trials] = sample.trace[trials] - mean(sample.trace[trials], 0)
    return np.nan_to_num(result)


class LaggedCorrelationR(Statistic):
    """Pearson's r between the matrices of correlations one frame apart, of held-out and candidate trials.

    Notes
    -----
    Correlation of each neuron with each other one in the next frame, the mean response to the stimulus taken off (as
    Molano-Mazon et al. 2018, ICLR, hold Spike-GAN against its data). The matrix is not symmetric. 1 is best; the floor
    is below 1, as two halves of one recording differ.
    """

    name = "lagged_correlation_r"
    title = "lagged correlations, r"
    better = "higher"
    respect = "the lagged correlations"
    decides = False
    min_frames = 4
    bounds = (-1.0, 1.0)

    def measure(self, evidence: Evidence) -> Measure:
        """Compare the two matrices."""
        ours = lagged_correlation(deviations(evidence.split.held_out)).ravel()
        deviation = deviations(evidence.candidate)

        known = np.isfinite(ours)

        def likeness(times: Floats) -> float:
            theirs = np.nan_to_num(lagged_correlation(deviation, times).ravel())
            if known.sum() < 3 or not ours[known].std() > 0:
                return float("nan")
            return float(np.corrcoef(ours[known], theirs[known])[0, 1]) if theirs[known].std() > 0 else 0.0

        trials = len(deviation)
        return Measure(
            likeness(np.ones(trials)),
            draw=lambda rng: likeness(rng.multinomial(trials, np.full(trials, 1 / trials)).astype(float)),
        )
