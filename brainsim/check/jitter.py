"""Whether frames last equally long."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding

MUCH = 0.1
SHARE = 95


class Jitter(Check):
    """Frames that do not last equally long, gaps left out."""

    name: ClassVar[str] = "jitter"
    field: ClassVar[str] = "time"
    needs: ClassVar[tuple[str, ...]] = ("time",)
    remedy: ClassVar[str] = "frames are taken as equally long: resample the traces, or check how time was recorded"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Look at the spread of the steps."""
        steps = recording.steps
        if steps is None or len(steps) < 10:
            return
        step = float(np.median(steps))
        within = steps[steps < 1.5 * step]
        spread = float(np.percentile(np.abs(within / step - 1), SHARE))
        if spread > MUCH:
            yield self.finding(f"one frame in twenty is off its length of {step:.4g} s by {spread:.0%} or more")
