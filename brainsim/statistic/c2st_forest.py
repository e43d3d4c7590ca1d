"""Can a classifier tell the two apart: random forest."""

import numpy as np
from numpy.typing import NDArray

from brainsim import decoder
from brainsim.evidence import Evidence
from brainsim.statistic.c2st_linear import C2STLinear


class C2STForest(C2STLinear):
    """Accuracy of a random forest that tells candidate from held-out trials; 0.5 is best.

    Notes
    -----
    As `c2st_linear`, with a forest of 150 trees (Breiman 2001, Machine Learning 45:5), each trial judged by the trees
    that were grown without it: it sees marginal shapes, such as zeros that are not exactly zero, that no linear
    classifier does.
    """

    name = "c2st_forest"
    title = "told apart by a random forest"
    respect = "what a random forest sees"

    def told_apart(self, evidence: Evidence) -> NDArray[np.bool_]:
        """Tell for each trial whether its origin is recognised."""
        return decoder.told_by_forest(evidence.pair, evidence.seed)
