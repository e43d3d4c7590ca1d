"""Whether there are as many labels as there is something to label."""

from collections.abc import Iterator
from typing import ClassVar

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import COORDINATES, Finding


class LabelCounts(Check):
    """More or fewer labels, onsets or cell types than trials or neurons."""

    name: ClassVar[str] = "label counts"
    severity: ClassVar[str] = "error"
    field: ClassVar[str] = "stimulus"
    remedy: ClassVar[str] = "give the labels of the same session, one for each"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Compare what lies on another dimension than it should with the size of that one."""
        sizes = recording.dataset.sizes
        for field, (dims, _) in COORDINATES.items():
            if field not in recording.dataset.variables or len(dims) != 1 or dims == (field,) or dims[0] not in sizes:
                continue
            values = recording.dataset[field]
            if values.ndim == 1 and values.dims != dims and values.size != sizes[dims[0]]:
                found = f"there are {values.size} values of '{field}' for {sizes[dims[0]]} {dims[0]}s"
                yield self.finding(found, field=field)
