"""Temporal structure: intervals between events."""

import numpy as np

from brainsim.evidence import Evidence
from brainsim.missing import Floats
from brainsim.statistic import Measure, Statistic
from brainsim.statistic.isi_cv import intervals


class ISIWasserstein(Statistic):
    """Distance between the distributions of inter-event intervals, all neurons together, in recorded SD.

    Notes
    -----
    First Wasserstein distance, divided by the standard deviation of the recorded intervals; intervals within a trial,
    so that long ones are missing on both sides alike. 0 is best. `isi_cv` compares their regularity neuron by neuron.
    """

    name = "isi_wasserstein"
    title = "intervals between events, distance"
    unit = "SD"
    respect = "the intervals between events"
    decides = False
    min_frames = 8
    events = True

    def measure(self, evidence: Evidence) -> Measure:
        """Compare the two distributions."""
        ours, events = evidence.events
        recorded, theirs = _counts(ours).sum(0), _counts(events)
        n, frames = recorded.sum(), np.arange(len(recorded))
        spread = np.sqrt(np.maximum(recorded @ frames**2 / n - (recorded @ frames / n) ** 2, 0)) if n else 0.0
        if n < 3 or not theirs.any() or not spread > 0:
            return Measure(None, "too few events for intervals on one side")

        def distance(counts: Floats) -> float:
            if not counts.any():
                return float("nan")
            gap = np.cumsum(recorded) / n - np.cumsum(counts) / counts.sum()
            return float(np.abs(gap).sum() / spread)

        return Measure(
            distance(theirs.sum(0)),
            draw=lambda rng: distance(theirs[rng.integers(len(theirs), size=len(theirs))].sum(0)),
            n=int(theirs.sum()),
        )


def _counts(event: Floats) -> Floats:
    """Return how many intervals of each length each trial has, all neurons together, shape (trial, frames)."""
    frames = event.shape[1]
    return np.stack([np.bincount(intervals(each[None])[0].astype(int), minlength=frames) for each in event]).astype(
        float
    )
