"""Whether there are traces that never change."""

from collections.abc import Iterator
from typing import ClassVar

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding


class ConstantNeurons(Check):
    """Neurons whose trace never changes."""

    name: ClassVar[str] = "constant neurons"
    needs: ClassVar[tuple[str, ...]] = ("calcium",)
    remedy: ClassVar[str] = "leave them out of the source: they get no spikes, and no number can be computed of them"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Name neurons with a single value."""
        profile = recording.calcium
        constant = (profile.distinct == 1) & (profile.known > 1)
        if constant.any():
            found = f"{recording.listed(constant)}: the trace never changes"
            yield self.finding(found, severity="error" if constant.all() else "warning")
