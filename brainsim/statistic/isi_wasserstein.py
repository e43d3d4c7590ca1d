"""Temporal structure: intervals between events."""

from scipy.stats import wasserstein_distance

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
        ours, events = evidence.split.held_out.event, evidence.candidate.event
        if ours is None or events is None:
            return Measure(None, "it needs events on both sides")
        recorded, theirs = intervals(ours)[0], intervals(events)[0]
        if len(recorded) < 3 or not len(theirs) or not recorded.std() > 0:
            return Measure(None, "too few events for intervals on one side")
        return Measure(
            _distance(recorded, theirs),
            draw=lambda rng: _distance(recorded, intervals(events[rng.integers(len(events), size=len(events))])[0]),
            n=len(theirs),
        )


def _distance(recorded: Floats, theirs: Floats) -> float:
    if not len(theirs):
        return float("nan")
    return float(wasserstein_distance(recorded, theirs)) / float(recorded.std())
