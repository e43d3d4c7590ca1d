"""Can a classifier tell the two apart: linear."""

import numpy as np
from numpy.typing import NDArray

from brainsim import decoder
from brainsim.evidence import Evidence
from brainsim.statistic import Measure, Statistic


def accuracy(right: NDArray[np.bool_]) -> Measure:
    """Return the share of right answers; a replicate draws the answers, not the classifier, again."""
    if not len(right):
        return Measure(None, "no test trial is of a stimulus seen in training")
    return Measure(float(right.mean()), draw=lambda rng: float(rng.choice(right, len(right)).mean()))


class C2STLinear(Statistic):
    """Accuracy of a linear classifier that tells candidate from held-out trials; 0.5 is best.

    Notes
    -----
    Classifier two-sample test (Lopez-Paz and Oquab 2017, ICLR), a linear support vector machine, five folds, as many
    trials of each stimulus on either side, every neuron and frame a feature.
    """

    name = "c2st_linear"
    title = "told apart by a linear classifier"
    respect = "what a linear classifier sees"
    bounds = (0.0, 1.0)

    def measure(self, evidence: Evidence) -> Measure:
        """Classify held-out against candidate."""
        if len(evidence.pair[0]) < 10:
            return Measure(None, "it needs ten trials on each side")
        return accuracy(self.told_apart(evidence))

    def gap(self, value: float, floor: float) -> float:
        """Count from chance where the floor is below it: trials next to each other in time are that much alike."""
        return value - max(floor, 0.5)

    def told_apart(self, evidence: Evidence) -> NDArray[np.bool_]:
        """Tell for each trial whether its origin is recognised."""
        return decoder.told_by_line(evidence.pair, evidence.seed)
