"""LDNS's own metric of intervals."""

import numpy as np

from brainsim.evidence import Evidence
from brainsim.missing import Floats
from brainsim.statistic import Measure, Statistic
from brainsim.statistic.isi_cv import intervals


def mean_interval(event: Floats, rate: float) -> Floats:
    """Return the mean interval between events of each neuron [s], NaN where there are fewer than three."""
    interval, owner = intervals(event)
    n, total = (np.bincount(owner, w, minlength=event.shape[2]) for w in (None, interval))
    return np.asarray(np.where(n >= 3, total / np.maximum(n, 1), np.nan) / rate)


class LDNSISIRMSE(Statistic):
    """Root mean square difference of the neurons' mean inter-event intervals.

    Notes
    -----
    Kapoor et al. 2024 (LDNS, NeurIPS), in seconds; over neurons with three intervals on both sides, `n` of them.
    Intervals lie within a trial. 0 is best.
    """

    name = "ldns_isi_rmse"
    title = "LDNS: mean interval, difference"
    unit = "s"
    respect = "the mean intervals"
    tolerance = 0.02
    decides = False
    min_frames = 8
    events = True

    def measure(self, evidence: Evidence) -> Measure:
        """Compare neuron by neuron."""
        ours, theirs = (
            np.full(side.trace.shape[2], np.nan) if side.event is None else mean_interval(side.event, side.rate)
            for side in evidence.pair
        )
        both = np.isfinite(ours) & np.isfinite(theirs)
        if not both.any():
            return Measure(None, "too few events for intervals on one side")
        return Measure(float(np.sqrt(np.mean((ours - theirs)[both] ** 2))), n=int(both.sum()))
