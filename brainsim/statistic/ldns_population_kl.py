"""LDNS's own metric of population counts."""

import numpy as np

from brainsim.evidence import Evidence
from brainsim.statistic import Measure, Statistic
from brainsim.statistic._histogram import divergence
from brainsim.statistic.population_count_kl import population_count


class LDNSPopulationKL(Statistic):
    """Divergence of the histogram of the number of neurons active at once, one bin for each number.

    Notes
    -----
    The population spike count divergence of Kapoor, Schulz, Vetter, Pei, Gao and Macke 2024 (LDNS, NeurIPS): whole
    numbers from the smallest to the largest count, half a count added to each bin. With few frames, `n`, its floor is
    far from 0: `population_count_kl`, over tenths of the recorded distribution, is the one that counts.
    """

    name = "ldns_population_kl"
    title = "LDNS: population count, divergence"
    unit = "nat"
    respect = "how many neurons are active together"
    decides = False

    def measure(self, evidence: Evidence) -> Measure:
        """Compare the two histograms."""
        ours, theirs = (population_count(side).ravel() for side in evidence.pair)
        if not (np.isfinite(ours).any() and np.isfinite(theirs).any()):
            return Measure(None, "every frame is missing")
        low, high = (int(np.round(f([f(ours), f(theirs)]))) for f in (np.nanmin, np.nanmax))
        edges = np.arange(low, high + 1).astype(np.float64) + 0.5
        return Measure(
            divergence(ours, theirs, edges),
            draw=lambda rng: divergence(ours, rng.choice(theirs, len(theirs)), edges),
            n=len(theirs),
        )
