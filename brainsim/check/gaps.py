"""Whether the microscope paused, or frames were dropped."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding
from brainsim.trial import segments

MANY = 0.001
SHORT_FRAMES = 10


class Gaps(Check):
    """Jumps of time of more than one and a half frames: pauses of the microscope, or dropped frames."""

    name: ClassVar[str] = "gaps"
    field: ClassVar[str] = "time"
    needs: ClassVar[tuple[str, ...]] = ("time",)
    remedy: ClassVar[str] = "each begins a new segment, which nothing crosses; put dropped frames in as NaN"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Count the jumps."""
        time, steps, rate = recording.time, recording.steps, recording.rate
        if time is None or steps is None or rate is None or np.median(steps) > 1.5 / rate:
            return
        jumps = [part.start for part in segments(time, rate)[1:]]
        if jumps:
            lost = steps[np.array(jumps) - 1] - 1 / rate
            dropped = int((lost * rate < SHORT_FRAMES).sum())
            first = f"the first before frame {jumps[0]} at {time[jumps[0]]:g} s"
            found = f"{len(jumps)} gap{'s' if len(jumps) > 1 else ''} of {lost.sum():.4g} s in all, {first}"
            often = dropped > 2 and dropped > MANY * len(time)
            found += f"; {dropped} are shorter than {SHORT_FRAMES} frames: frames were dropped" if often else ""
            yield self.finding(found, severity="warning" if often else "note")
