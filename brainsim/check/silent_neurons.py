"""Whether there are neurons without spikes."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding


class SilentNeurons(Check):
    """Neurons that never fire."""

    name: ClassVar[str] = "silent neurons"
    severity: ClassVar[str] = "note"
    field: ClassVar[str] = "spike_time"
    remedy: ClassVar[str] = "a fit says nothing of their connections; leave them out if they were not recorded"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Name neurons without a spike, recorded or inferred."""
        field = "spike_time" if recording.sound("spike_time", "spike_neuron") else "spikes"
        counts = recording.events if recording.sound(field) else None
        if counts is not None and (counts == 0).any():
            found = f"{recording.listed(np.asarray(counts == 0))}: no spike"
            yield self.finding(found, field=field)
