"""Diversity: coverage."""

import numpy as np

from brainsim.evidence import Evidence
from brainsim.statistic import Measure, Statistic
from brainsim.statistic.density import within_reach


class Coverage(Statistic):
    """Share of held-out trials that have a candidate trial in their neighbourhood; 1 is best.

    Notes
    -----
    Naeem et al. 2020 (ICML), five neighbours, as many trials of each stimulus on either side; 0.97 for real trials.
    """

    name = "coverage"
    title = "coverage of real trials"
    better = "higher"
    respect = "the variety of trials"
    cheap = True
    bounds = (0.0, 1.0)

    def measure(self, evidence: Evidence) -> Measure:
        """Count the held-out trials that are covered."""
        reach = within_reach(evidence)
        covered = np.asarray(reach.any(1))

        def again(rng: np.random.Generator) -> float:
            return float(rng.choice(covered, len(covered)).mean())

        return Measure(float(covered.mean()), draw=again)
