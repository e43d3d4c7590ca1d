"""Fidelity: density."""

import numpy as np
from numpy.typing import NDArray

from brainsim.evidence import Evidence
from brainsim.neighbour import distances
from brainsim.statistic import Measure, Statistic

NEIGHBOURS = 5


def within_reach(evidence: Evidence) -> NDArray[np.bool_]:
    """Tell which candidate trials lie nearer to a held-out trial than its fifth held-out neighbour.

    Returns
    -------
    ndarray
        Shape (held-out trial, candidate trial).
    """
    held_out, candidate = evidence.pair
    among = distances(held_out, held_out, evidence.split.recorded)
    np.fill_diagonal(among, np.inf)
    radius = np.sort(among, 1)[:, min(NEIGHBOURS, len(held_out) - 1) - 1]
    return np.asarray(distances(held_out, candidate, evidence.split.recorded) <= radius[:, None])


class Density(Statistic):
    """How densely the held-out trials around each candidate trial lie; 1 is expected of real trials.

    Notes
    -----
    Naeem et al. 2020 (ICML), five neighbours, as many trials of each stimulus on either side. It exceeds 1 for a
    candidate that stays where recorded trials crowd.
    """

    name = "density"
    title = "density"
    better = "floor"
    decides = False
    respect = "the typical trials"

    def measure(self, evidence: Evidence) -> Measure:
        """Count the neighbourhoods that hold each candidate trial."""
        count = within_reach(evidence).sum(0) / NEIGHBOURS
        return Measure(float(count.mean()), draw=lambda rng: float(rng.choice(count, len(count)).mean()))
