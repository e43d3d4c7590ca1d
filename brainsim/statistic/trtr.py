"""Decoding: train on real, test on real."""

from brainsim.evidence import Evidence
from brainsim.statistic import Measure
from brainsim.statistic.tstr import TSTR


class TRTR(TSTR):
    """Accuracy of a stimulus decoder trained on the first half of each stimulus's real trials, tested on the second.

    Notes
    -----
    The yardstick of `tstr` (Esteban, Hyland and Ratsch 2017, arXiv:1706.02633): the same for every source.
    """

    name = "trtr"
    title = "decoder trained on real, accuracy"
    decides = False
    respect = ""

    def measure(self, evidence: Evidence) -> Measure:
        """Decode the held-out block with what the real training block teaches."""
        return super().measure(evidence.with_candidate(evidence.split.training))
