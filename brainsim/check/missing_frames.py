"""Whether frames are missing in all neurons."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding


class MissingFrames(Check):
    """Stretches of frames that are missing in every neuron."""

    name: ClassVar[str] = "missing frames"
    severity: ClassVar[str] = "note"
    needs: ClassVar[tuple[str, ...]] = ("calcium",)
    remedy: ClassVar[str] = "kept as missing; drop them from the source if they were no frames of the recording"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Count stretches and say which is the longest."""
        parts = [np.isnan(values).all(1) for values in recording.blocks("calcium")]
        absent = np.logical_and.reduce(parts).astype(int)
        if not absent.any() or absent.all():
            return
        starts = np.flatnonzero(np.diff(absent, prepend=0) == 1)
        ends = np.flatnonzero(np.diff(absent, append=0) == -1) + 1
        at = int(np.argmax(ends - starts))
        found = (
            f"{absent.sum()} of {len(absent)} frames are missing in every neuron, in {len(starts)} stretches; "
            f"the longest has {ends[at] - starts[at]} frames from frame {starts[at]} on"
        )
        yield self.finding(found)
