"""Whether spikes follow each other as those of one neuron can."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding

SHORTEST_S = 0.0009
SHARE = 0.01


class SpikeIntervals(Check):
    """Spikes that are not in order of time, or that follow each other faster than a neuron can fire."""

    name: ClassVar[str] = "spike intervals"
    field: ClassVar[str] = "spike_time"
    needs: ClassVar[tuple[str, ...]] = ("spike_time", "spike_neuron")
    remedy: ClassVar[str] = "sort spikes by time; drop those counted twice, and units that hold more than one neuron"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Look at the order of all spikes and the intervals of each neuron."""
        time = np.asarray(recording.dataset["spike_time"].values, float)
        cell = recording.dataset["spike_neuron"].values
        if (np.diff(time) < 0).any():
            yield self.finding(
                f"spike times are not in order (the first: spike {int(np.argmax(np.diff(time) < 0)) + 1})"
            )
        order = np.lexsort((time, cell))
        same = np.diff(cell[order]) == 0
        interval = np.diff(time[order])[same]
        twice = int((interval == 0).sum())
        if twice:
            yield self.finding(f"{twice} spikes are at the same time as the one before of the same neuron")
        if len(interval) and (interval < SHORTEST_S).mean() > SHARE:
            share = float((interval < SHORTEST_S).mean())
            yield self.finding(f"{share:.1%} of the intervals between spikes of a neuron are shorter than 1 ms")
