"""Copying: distance to the nearest recorded trial."""

import numpy as np

from brainsim.evidence import Evidence, Sample
from brainsim.missing import Floats
from brainsim.neighbour import among, to_nearest
from brainsim.statistic import Measure, Statistic


class NNRatio(Statistic):
    """Distance of candidate trials to the nearest recorded one, over that of recorded trials to the nearest other.

    Notes
    -----
    0 is a photocopy, 1 what a new real trial has, far above 1 unlike anything recorded. Euclidean distance over neurons
    and frames, scaled by the recorded standard deviation of each neuron; after the nearest-neighbour tests of Meehan,
    Chaudhuri and Dasgupta 2020 (AISTATS). All recorded trials are searched, as nobody can know which ones a generator
    has seen. Floor: held-out against training trials.
    """

    name = "nn_ratio"
    title = "distance to nearest trial (0 = copy)"
    better = "floor"
    decides = False
    respect = "novelty"

    def measure(self, evidence: Evidence) -> Measure:
        """Hold the candidate against every recorded trial."""
        return self.of(*nearest(evidence.whole, evidence.split.recorded))

    def floor(self, evidence: Evidence) -> Measure:
        """Hold held-out trials against training trials."""
        return self.of(*nearest(evidence.split.held_out, evidence.split.training))

    def of(self, own: Floats, usual: Floats) -> Measure:
        """Return the ratio of the mean distances."""
        if not len(own) or not usual.mean() > 0:
            return Measure(None, "all recorded trials are the same")
        scale = float(usual.mean())
        return Measure(float(own.mean()) / scale, draw=lambda rng: float(rng.choice(own, len(own)).mean()) / scale)


def nearest(sample: Sample, known: Sample) -> tuple[Floats, Floats]:
    """Return distances of a sample to the nearest known trial, and of known trials to the nearest other one."""
    own, usual = to_nearest(sample, known, known), among(known)
    return own[np.isfinite(own)], usual[np.isfinite(usual)]
