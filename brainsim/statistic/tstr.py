"""Decoding: train on synthetic, test on real."""

from brainsim import decoder
from brainsim.evidence import Evidence
from brainsim.statistic import Measure, Statistic
from brainsim.statistic.c2st_linear import accuracy


class TSTR(Statistic):
    """Accuracy of a stimulus decoder trained on candidate trials and tested on a held-out block of real ones.

    Notes
    -----
    Train on synthetic, test on real (Esteban, Hyland and Ratsch 2017, arXiv:1706.02633). Chance is one over the number
    of stimuli. Its floor is `trtr`; a candidate made from the whole recording has seen the test block.
    """

    name = "tstr"
    title = "decoder trained on it, accuracy"
    better = "higher"
    split = "blocks"
    respect = "the stimulus responses that a decoder needs"
    min_stimuli = 2
    bounds = (0.0, 1.0)

    def measure(self, evidence: Evidence) -> Measure:
        """Decode the held-out block with what the candidate teaches."""
        return accuracy(decoder.decode(evidence.candidate, evidence.split.held_out))
