"""Whether there is enough to learn from."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding

FEW = 10
SHORTEST = 100


class FewEvents(Check):
    """Neurons with fewer than ten events: spikes, frames with inferred spikes, or rises of the calcium."""

    name: ClassVar[str] = "few events"
    remedy: ClassVar[str] = "record longer: connections, responses and cell types of such neurons are mostly guesses"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Count the events of each neuron."""
        kinds = [name for name in ("spike_time", "spikes", "calcium") if recording.sound(name)]
        if not kinds or (kinds[0] == "calcium" and recording.calcium.frames < SHORTEST):
            return
        counts = recording.events
        few = None if counts is None else np.asarray(counts < FEW)
        if few is not None and counts is not None and few.any():
            most = 2 * few.sum() > len(few)
            found = f"{few.sum()} of {len(few)} neurons have fewer than {FEW} events (median {np.median(counts):g})"
            yield self.finding(found, severity="warning" if most else "note", field=kinds[0])
