"""Whether traces are what their unit says."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from brainsim import schema
from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.missing import Floats
from brainsim.schema import Finding

KNOWN = (*schema.DELTA_F, *schema.RAW, schema.SUBTRACTED, "active fraction")
HIGH_BASELINE = 3.0
HIGH_PEAK = 25.0
FEWEST = 20


class Scale(Check):
    """Values that do not look like their unit: raw fluorescence, percent or z-scores called dF/F, and the reverse."""

    name: ClassVar[str] = "scale"
    needs: ClassVar[tuple[str, ...]] = ("calcium",)
    remedy: ClassVar[str] = "say what the traces are: read the source again with --units"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Look at the baseline, the peak and the spread of the median neuron."""
        profile, units = recording.calcium, recording.units
        seen = profile.known > 0
        if units.lower() not in KNOWN:
            found = f"the units are '{units}'" if units else "the traces have no units: they are taken as dF/F"
            yield self.finding(found, severity="warning" if units else "note")
        if not seen.any() or units.lower() == schema.SUBTRACTED:
            return
        low, base, top = (float(np.median(each[seen])) for each in (profile.low, profile.median, profile.high))
        if units.lower() in schema.RAW:
            if base <= 0:
                yield self.finding(f"raw fluorescence has a baseline of {base:.3g}: it looks like dF/F or was shifted")
        elif units == "active fraction":
            if profile.low[seen].min() < 0 or profile.high[seen].max() > 1:
                yield self.finding("an active fraction lies between 0 and 1, and these values do not")
        elif profile.frames >= FEWEST and low > 0 and base > HIGH_BASELINE:
            yield self.finding(f"dF/F has a baseline of {base:.3g}: it looks like raw fluorescence")
        elif top > HIGH_PEAK:
            yield self.finding(f"dF/F peaks at {top:.3g}: it looks like percent or raw fluorescence")
        elif _z_scored(profile.mean[seen], profile.spread[seen], profile.frames):
            yield self.finding("every neuron has mean 0 and standard deviation 1: these are z-scores, not dF/F")


def _z_scored(mean: Floats, spread: Floats, frames: int) -> bool:
    """Tell whether all traces have mean 0 and standard deviation 1."""
    return frames >= FEWEST and bool((np.abs(mean) < 0.01).all() and (np.abs(spread - 1) < 0.02).all())
