"""CalciumGAN's own metric of correlations."""

import numpy as np

from brainsim.evidence import Evidence, Sample
from brainsim.missing import Floats, correlation
from brainsim.statistic import Measure, Statistic
from brainsim.statistic._histogram import divergence, even_edges

BINS = 30


def pair_correlations(sample: Sample) -> Floats:
    """Return Pearson's r of every pair over all frames of all trials, shape (pair,).

    Of the events where there are any, else of the trace. A pair with a neuron that never varies is NaN.
    """
    values = sample.trace if sample.event is None else sample.event
    r = correlation(values.reshape(-1, values.shape[2]))
    return np.asarray(r[np.triu_indices(len(r), 1)])


class CalciumGANCorrelationKL(Statistic):
    """Divergence of the distribution of pairwise correlations, recorded from candidate.

    Notes
    -----
    The second of the three figures of Li et al. 2020 (CalciumGAN, arXiv:2009.02707): of frames in which a neuron is
    active, or of the activity where a trial has one frame; histograms of 30 equal bins with half a count in each. It
    does not ask which pairs are correlated: `noise_correlation_r` does. `n` is the number of pairs.
    """

    name = "calciumgan_correlation_kl"
    title = "CalciumGAN: correlations, divergence"
    unit = "nat"
    respect = "the distribution of correlations"
    decides = False

    def measure(self, evidence: Evidence) -> Measure:
        """Compare the two distributions."""
        ours, theirs = (pair_correlations(side) for side in evidence.pair)
        if not np.isfinite(ours).any():
            return Measure(None, "no pair of recorded neurons varies")
        n = int(np.isfinite(theirs).sum())
        return Measure(divergence(ours, theirs, even_edges(ours, theirs, BINS)), n=n)
