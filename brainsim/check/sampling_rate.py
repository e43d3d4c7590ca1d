"""Whether times and sampling rate agree."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding

TOLERANCE = 0.01
BROKEN = 0.5
SLOWEST_S = 5.0
FACTORS = {1e3: "milliseconds", 1e6: "microseconds", 1e9: "nanoseconds"}


class SamplingRate(Check):
    """The times tell another rate than the attribute, or are in milliseconds."""

    name: ClassVar[str] = "sampling rate"
    severity: ClassVar[str] = "error"
    field: ClassVar[str] = "time"
    needs: ClassVar[tuple[str, ...]] = ("time",)
    remedy: ClassVar[str] = "give times in seconds and the rate that they have: read it again with --sampling-rate"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Compare the median step with the rate."""
        if recording.time is None or recording.rate is None:
            return
        step = float(np.median(np.diff(recording.time)))
        ratio = step * recording.rate
        told = f"a frame lasts {step:.4g} by the times, {1 / recording.rate:.4g} s by sampling_rate_hz"
        unit = next((unit for factor, unit in FACTORS.items() if abs(ratio / factor - 1) < TOLERANCE), "")
        if unit:
            yield self.finding(f"the times are in {unit}: {told}")
        elif step > 0 and abs(ratio - 1) > TOLERANCE:
            far = ratio > 1 + BROKEN or ratio < 1 - BROKEN
            yield self.finding(f"times and rate differ: {told}", severity="error" if far else "warning")
        elif step > SLOWEST_S:
            yield self.finding(f"a frame lasts {step:g} s: are the times in milliseconds?", severity="warning")
