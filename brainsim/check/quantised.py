"""Whether traces take few values."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding

FEW = 64
SHARE = 0.05
SHORTEST = 100


class Quantised(Check):
    """Traces that take only a few different values."""

    name: ClassVar[str] = "quantised values"
    needs: ClassVar[tuple[str, ...]] = ("calcium",)
    remedy: ClassVar[str] = "read the traces before they were rounded; counts of events are no calcium"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Count the values of the median neuron."""
        profile = recording.calcium
        seen = profile.distinct > 1
        if profile.frames < SHORTEST or recording.units == "active fraction" or not seen.any():
            return
        values = float(np.median(profile.distinct[seen]))
        if values < FEW and values < SHARE * profile.frames:
            yield self.finding(f"the median neuron takes {values:g} different values in {profile.frames} frames")
