"""Whether the baseline falls."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.missing import Floats
from brainsim.schema import RAW, Finding
from brainsim.trace_profile import TENTHS

SHORTEST = 200
LOSS = 0.15
DROP = 1.0
STEADY = -0.8


class Bleaching(Check):
    """A baseline that falls steadily in most neurons."""

    name: ClassVar[str] = "bleaching"
    needs: ClassVar[tuple[str, ...]] = ("calcium",)
    remedy: ClassVar[str] = "take dF/F over a running baseline: read it as raw fluorescence, then `brainsim deconvolve`"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Follow the 20th percentile through the tenths of the recording."""
        profile = recording.calcium
        usable = np.isfinite(profile.baseline).all(0) & (profile.noise > 0)
        if profile.frames < SHORTEST or recording.units == "active fraction" or not usable.any():
            return
        baseline = profile.baseline[:, usable]
        first = baseline[:2].mean(0)
        raw = bool((first > 0).all()) and recording.units.lower() in RAW
        scale = first if raw else np.maximum(profile.noise, profile.spread / 4)[usable]
        loss = (first - baseline[-2:].mean(0)) / scale
        if np.median(loss) < (LOSS if raw else DROP) or _trend(baseline / scale) > STEADY:
            return
        size = f"{np.median(loss):.0%}" if raw else f"{np.median(loss):.1f} standard deviations of the noise"
        yield self.finding(f"the baseline of the median neuron falls by {size} from begin to end")


def _trend(baseline: Floats) -> float:
    """Return the rank correlation of the median neuron's baseline with time."""
    curve = np.median(baseline, axis=1)
    return float(np.corrcoef(np.arange(TENTHS), np.argsort(np.argsort(curve)))[0, 1]) if np.ptp(curve) else 0.0
