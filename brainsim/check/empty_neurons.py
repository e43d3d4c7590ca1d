"""Whether there are neurons without data."""

from collections.abc import Iterator
from typing import ClassVar

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding


class EmptyNeurons(Check):
    """Neurons whose frames are all missing."""

    name: ClassVar[str] = "empty neurons"
    needs: ClassVar[tuple[str, ...]] = ("calcium",)
    remedy: ClassVar[str] = "leave them out of the source: nothing can be said of them"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Name neurons that have no frame."""
        empty = recording.calcium.known == 0
        if empty.any():
            found = f"{recording.listed(empty)}: every frame is missing"
            yield self.finding(found, severity="error" if empty.all() else "warning")
