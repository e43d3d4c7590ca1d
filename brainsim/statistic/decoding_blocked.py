"""Decoding within one recording."""

from brainsim import decoder
from brainsim.evidence import Evidence, Sample, split
from brainsim.statistic import Measure, Statistic
from brainsim.statistic.c2st_linear import accuracy


class DecodingBlocked(Statistic):
    """Accuracy of a stimulus decoder within the candidate: first half of each stimulus's trials against the second.

    Notes
    -----
    Linear support vector machine. The floor is the same within the recording. Chance is one over the number of stimuli.
    A candidate without slow drift scores above the floor, which is a difference, not a merit: the nearer the better.
    """

    name = "decoding_blocked"
    title = "decoding within it, accuracy"
    better = "floor"
    split = "blocks"
    decides = False
    respect = "how well the stimulus can be decoded"
    min_stimuli = 2
    bounds = (0.0, 1.0)

    def measure(self, evidence: Evidence) -> Measure:
        """Decode within the candidate."""
        return _within(evidence.whole)

    def floor(self, evidence: Evidence) -> Measure:
        """Decode within the recording."""
        return _within(evidence.split.recorded)


def _within(sample: Sample) -> Measure:
    halves = split(sample, "blocks")
    return accuracy(decoder.decode(halves.training, halves.held_out))
