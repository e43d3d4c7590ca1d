"""How many neurons are active together."""

import numpy as np

from brainsim.evidence import Evidence, Sample
from brainsim.missing import Floats, mean
from brainsim.statistic import Measure, Statistic
from brainsim.statistic._histogram import divergence


def population_count(sample: Sample) -> Floats:
    """Return the number of active neurons in each frame, shape (trial, time).

    Missing neurons count as the mean of the others; where a trial has one frame, it is the sum of the activity.
    """
    values = sample.trace if sample.event is None else sample.event
    return np.asarray(mean(values, 2) * values.shape[2])


class PopulationCountKL(Statistic):
    """Kullback-Leibler divergence of the number of neurons active at once, recorded from candidate.

    Notes
    -----
    The k-statistic of Tkacik et al. 2014 (PLoS Computational Biology 10:e1003408); D(recorded || candidate) over the
    tenths of the recorded distribution (at most ten bins, so that the floor is small), half a count added to each bin
    (Krichevsky and Trofimov 1981). 0 is best; as many trials on either side.
    """

    name = "population_count_kl"
    title = "population count, divergence"
    unit = "nat"
    respect = "how many neurons are active together"
    cheap = True
    tolerance = 0.05

    def measure(self, evidence: Evidence) -> Measure:
        """Compare the two distributions."""
        held_out, candidate = evidence.pair
        ours, theirs = population_count(held_out), population_count(candidate)
        if not np.isfinite(ours).any():
            return Measure(None, "every frame is missing")
        edges = np.asarray(np.unique(np.nanquantile(ours, np.linspace(0, 1, 11)))[1:-1], float)
        return Measure(
            divergence(ours, theirs, edges),
            draw=lambda rng: divergence(ours, theirs[rng.integers(len(theirs), size=len(theirs))], edges),
            n=theirs.size,
        )
