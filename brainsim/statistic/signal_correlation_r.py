"""Signal correlations."""

import numpy as np

from brainsim.evidence import Evidence
from brainsim.missing import correlation
from brainsim.statistic import Measure, Statistic
from brainsim.statistic.noise_correlation_r import likeness, resampled_class_mean


class SignalCorrelationR(Statistic):
    """Pearson's r between the signal-correlation matrices of held-out and candidate trials.

    Notes
    -----
    Signal correlation: correlation of two neurons' mean responses across stimuli (Cohen and Kohn 2011, Nature
    Neuroscience 14:811). 1 is best. With few stimuli it is coarse: the bootstrap draws the trials of both sides again.
    """

    name = "signal_correlation_r"
    title = "signal correlations, r"
    better = "higher"
    respect = "the signal correlations"
    cheap = True
    min_stimuli = 3
    bounds = (-1.0, 1.0)

    def measure(self, evidence: Evidence) -> Measure:
        """Compare the two matrices."""
        held_out, candidate = evidence.split.held_out, evidence.candidate

        def again(rng: np.random.Generator) -> float:
            both = (correlation(resampled_class_mean(side, rng)) for side in (held_out, candidate))
            return likeness(*both)

        return Measure(likeness(correlation(held_out.class_mean), correlation(candidate.class_mean)), draw=again)
