"""Whether trials overlap."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding


class TrialOverlap(Check):
    """Trials that begin before the one before them has ended."""

    name: ClassVar[str] = "trial overlap"
    field: ClassVar[str] = "onset"
    needs: ClassVar[tuple[str, ...]] = ("onset", "duration")
    remedy: ClassVar[str] = "a split into training and held-out trials leaks: shorten or drop them"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Hold the end of each trial against the next onset."""
        onset = np.asarray(recording.dataset["onset"].values, float)
        stop = onset + np.asarray(recording.dataset["duration"].values, float)
        order = np.argsort(onset, kind="stable")
        slack = 0.5 / recording.rate if recording.rate else 1e-6
        overlap = (stop[order][:-1] > onset[order][1:] + slack) | (np.diff(onset[order]) == 0)
        if overlap.any():
            trial = int(order[1:][overlap][0])
            found = f"{overlap.sum()} of {len(onset)} trials overlap the one before (the first: trial {trial})"
            yield self.finding(f"{found} at {onset[trial]:g} s")
