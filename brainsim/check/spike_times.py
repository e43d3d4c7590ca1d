"""Whether spikes and frames belong together."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.missing import Floats
from brainsim.schema import Finding

SHARE = 0.01
ENOUGH = 50
SLOW_HZ = 0.05


class SpikeTimes(Check):
    """Spikes outside the frames of the recording, or in milliseconds."""

    name: ClassVar[str] = "spikes outside"
    severity: ClassVar[str] = "error"
    field: ClassVar[str] = "spike_time"
    needs: ClassVar[tuple[str, ...]] = ("spike_time", "spike_neuron")
    remedy: ClassVar[str] = "give spikes and frames the same clock, in seconds, and drop spikes beyond the recording"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Hold spike times against the times of the frames."""
        spikes = np.asarray(recording.dataset["spike_time"].values, float)
        spikes = spikes[np.isfinite(spikes)]
        if not len(spikes):
            return
        if recording.time is not None and recording.extent is not None:
            first, end = recording.extent
            outside = (spikes < first) | (spikes > end)
            if outside.any():
                found = f"{outside.sum()} of {len(spikes)} spikes lie outside the frames, which last from {first:g} to "
                found += f"{end:g} s; spikes from {spikes.min():g} to {spikes.max():g}"
                yield self.finding(found, severity="error" if outside.mean() > SHARE else "warning")
        elif len(spikes) >= ENOUGH and (spikes == np.round(spikes)).all() and _rate(recording, spikes) < SLOW_HZ:
            found = f"spike times are whole numbers, {_rate(recording, spikes):.2g} spikes per neuron and unit of time"
            yield self.finding(f"{found}: are they in milliseconds or samples?", severity="warning")


def _rate(recording: Examined, spikes: Floats) -> float:
    """Return spikes per neuron and unit of time, of neurons that fire."""
    firing = len(np.unique(recording.dataset["spike_neuron"].values))
    return float(len(spikes) / firing / max(spikes.max() - spikes.min(), 1e-12))
