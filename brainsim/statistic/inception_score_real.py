"""Inception score of real trials."""

from brainsim.evidence import Evidence
from brainsim.statistic import Measure
from brainsim.statistic.inception_score import InceptionScore


class InceptionScoreReal(InceptionScore):
    """Inception score of real held-out trials, the yardstick of `inception_score`: the same for every source.

    Notes
    -----
    Salimans et al. 2016 (NeurIPS).
    """

    name = "inception_score_real"
    title = "inception score of real trials"
    decides = False
    respect = ""

    def measure(self, evidence: Evidence) -> Measure:
        """Score the held-out trials, whatever the candidate is."""
        return self.floor(evidence)
