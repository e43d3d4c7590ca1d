"""Whether it is stored the wrong way round."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.missing import Floats, mean
from brainsim.schema import Finding

MOST = 2000
CLEAR = 0.1
SMOOTH = 0.3


class Orientation(Check):
    """More neurons than frames, or traces that are smoother from neuron to neuron than in time: swapped axes."""

    name: ClassVar[str] = "orientation"
    needs: ClassVar[tuple[str, ...]] = ("calcium",)
    remedy: ClassVar[str] = "look at the source: if its axes were swapped, read it again with --orientation"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Hold the two axes of a continuous recording against each other."""
        if recording.is_cut("calcium"):
            return
        traces = recording.dataset["calcium"].transpose("time", "neuron")
        values = np.array(traces[:MOST, :MOST].values, float)
        frames, neurons = traces.shape
        if min(values.shape) < 3:
            return
        in_time, across = smoothness(values)
        told = f"neighbouring frames correlate at {in_time:.2f}, neighbouring neurons at {across:.2f}"
        if neurons > frames and in_time > across + CLEAR:
            found = f"there are more neurons ({neurons}) than frames ({frames}), but it seems right: {told}"
            yield self.finding(found, severity="note")
        elif neurons > frames:
            yield self.finding(f"there are more neurons ({neurons}) than frames ({frames}); {told}")
        elif across > max(in_time + 2 * CLEAR, SMOOTH):
            yield self.finding(told)


def smoothness(values: Floats) -> tuple[float, float]:
    """Return the correlation of neighbours along each axis, shape (time, neuron), without the mean of each neuron."""
    values = np.where(np.isfinite(values), values, np.nan)
    centred = values - mean(values, 0)
    centred = np.nan_to_num(centred - mean(centred, 1)[:, None])
    power = float((centred**2).mean()) or 1.0
    return float((centred[1:] * centred[:-1]).mean()) / power, float((centred[:, 1:] * centred[:, :-1]).mean()) / power
