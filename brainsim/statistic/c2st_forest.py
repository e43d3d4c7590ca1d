"""Can a classifier tell the two apart: random forest."""

from typing import Any

from sklearn.ensemble import RandomForestClassifier

from brainsim.statistic.c2st_linear import C2STLinear


class C2STForest(C2STLinear):
    """Accuracy of a random forest that tells candidate from held-out trials; 0.5 is best.

    Notes
    -----
    As `c2st_linear`, with a forest of 100 trees (Breiman 2001, Machine Learning 45:5): it sees marginal shapes, such as
    zeros that are not exactly zero, that no linear classifier does.
    """

    name = "c2st_forest"
    title = "told apart by a random forest"
    respect = "what a random forest sees"

    def classifier(self, seed: int) -> Any:
        """Return an untrained forest."""
        return RandomForestClassifier(100, random_state=seed, n_jobs=1)
