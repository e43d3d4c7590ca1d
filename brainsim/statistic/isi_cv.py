"""Temporal structure: regularity of events."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from brainsim.evidence import Evidence
from brainsim.missing import Floats
from brainsim.statistic import Measure, Statistic


def intervals(event: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the intervals between events, within a trial and across no missing frame.

    Parameters
    ----------
    event
        Shape (trial, time, neuron), NaN where missing.

    Returns
    -------
    interval
        In frames, shape (interval,).
    neuron
        Whose it is, shape (interval,).
    """
    by_neuron = event.transpose(2, 0, 1)
    neuron, trial, frame = np.nonzero(by_neuron > 0)
    gaps = np.isnan(by_neuron).cumsum(2)[neuron, trial, frame]
    within = (np.diff(neuron) == 0) & (np.diff(trial) == 0) & (np.diff(gaps) == 0)
    return np.diff(frame)[within].astype(float), neuron[1:][within]


def interval_cv(event: Floats) -> Floats:
    """Return the coefficient of variation of the intervals between events of each neuron that has three or more.

    Parameters
    ----------
    event
        Shape (trial, time, neuron), NaN where missing.

    Returns
    -------
    ndarray
        Shape (neuron with enough intervals,).
    """
    interval, owner = intervals(event)
    n, total, square = (np.bincount(owner, w, minlength=event.shape[2]) for w in (None, interval, interval**2))
    n, total, square = n[n >= 3], total[n >= 3], square[n >= 3]
    return np.asarray(np.sqrt(np.maximum(square / n - (total / n) ** 2, 0)) / (total / n))


class ISICV(Statistic):
    """Distance between the distributions over neurons of the coefficient of variation of inter-event intervals.

    Notes
    -----
    Coefficient of variation as in Softky and Koch 1993 (Journal of Neuroscience 13:334), distance as in
    `rate_wasserstein`, in units of the coefficient. 0 is best.
    """

    name = "isi_cv"
    title = "regularity of events, distance"
    respect = "the regularity of events"
    cheap = True
    min_frames = 8
    events = True

    def measure(self, evidence: Evidence) -> Measure:
        """Compare the two distributions."""
        ours, events = evidence.events
        recorded = interval_cv(ours)

        def distance(some: Floats) -> float:
            theirs = interval_cv(some)
            return float(wasserstein_distance(recorded, theirs)) if len(recorded) and len(theirs) else float("nan")

        if not np.isfinite(distance(events)):
            return Measure(None, "too few events for intervals on one side")
        return Measure(distance(events), draw=lambda rng: distance(events[rng.integers(len(events), size=len(events))]))
