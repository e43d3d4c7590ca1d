"""LDNS's own metric of correlations."""

import numpy as np

from brainsim.evidence import Evidence
from brainsim.statistic import Measure, Statistic
from brainsim.statistic.calciumgan_correlation_kl import pair_correlations


class LDNSCorrelationRMSE(Statistic):
    """Root mean square difference of all pairwise correlations, stimulus responses and noise together.

    Notes
    -----
    Kapoor et al. 2024 (LDNS, NeurIPS): Pearson's r of every pair over all frames (activity of all trials where a trial
    has one frame). A pair that does not vary in the candidate counts as uncorrelated. 0 is best; the floor falls with
    the root of the number of frames.
    """

    name = "ldns_correlation_rmse"
    title = "LDNS: correlations, difference"
    respect = "the correlations"
    tolerance = 0.05
    decides = False

    def measure(self, evidence: Evidence) -> Measure:
        """Compare pair by pair."""
        ours, theirs = (pair_correlations(side) for side in evidence.pair)
        known = np.isfinite(ours)
        if not known.any():
            return Measure(None, "no pair of recorded neurons varies")
        return Measure(float(np.sqrt(np.mean((ours - np.nan_to_num(theirs))[known] ** 2))), n=int(known.sum()))
