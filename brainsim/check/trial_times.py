"""Whether trials are where they can be."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding


class TrialTimes(Check):
    """Trials without a time, that stop before they start, or that begin outside the recording."""

    name: ClassVar[str] = "trial times"
    severity: ClassVar[str] = "error"
    field: ClassVar[str] = "onset"
    needs: ClassVar[tuple[str, ...]] = ("onset",)
    remedy: ClassVar[str] = "correct the table of stimuli and read the recording again with --stimuli"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Look at onsets and durations."""
        onset = np.asarray(recording.dataset["onset"].values, float)
        if not np.isfinite(onset).all():
            yield self.finding(_count(~np.isfinite(onset), "have no onset"))
        if recording.sound("duration"):
            duration = np.asarray(recording.dataset["duration"].values, float)
            if (duration < 0).any():
                yield self.finding(_count(duration < 0, "stop before they start"), field="duration")
        if recording.extent is not None:
            first, end = recording.extent
            outside = (onset < first) | (onset >= end)
            if outside.any():
                found = f"{_count(outside, 'begin outside the recording')}, which lasts from {first:g} to {end:g} s"
                yield self.finding(found, severity="error" if outside.all() else "warning")


def _count(wrong: NDArray[np.bool_], what: str) -> str:
    """Say how many trials are wrong, and the first."""
    return f"{wrong.sum()} of {len(wrong)} trials {what} (the first: trial {int(np.argmax(wrong))})"
