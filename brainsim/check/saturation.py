"""Whether the detector saturated."""

from collections.abc import Iterator
from typing import ClassVar

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding

FEWEST_FRAMES = 6
SHARE = 0.001
OFTENER = 5


class Saturation(Check):
    """Traces that stay at their largest value: the detector saturated, or they were clipped."""

    name: ClassVar[str] = "saturation"
    needs: ClassVar[tuple[str, ...]] = ("calcium",)
    remedy: ClassVar[str] = "spikes are underestimated there: record with less gain, or read the traces before clipping"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Name neurons at their maximum (other than 0) in far more frames than at another value."""
        profile = recording.calcium
        if recording.units == "active fraction":
            return
        usual = profile.known / profile.distinct.clip(1)
        often = (profile.at_high >= FEWEST_FRAMES) & (profile.at_high > SHARE * profile.known)
        clipped = often & (profile.at_high > OFTENER * usual) & (profile.high != 0)
        if clipped.any():
            share = float((profile.at_high / profile.known.clip(1))[clipped].max())
            yield self.finding(f"{recording.listed(clipped)}: up to {share:.2%} of the frames are at the largest value")
