"""Whether a neuron is in it twice."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding

ALIKE = 0.95
MOST_FRAMES = 2000
FEWEST_CHANGES = 20
FEWEST_SPIKES = 5
BLOCK = 1000
SHOWN = 5

Pair = tuple[int, int, float]


class DuplicateNeurons(Check):
    """Pairs of neurons whose traces rise and fall together frame by frame, or that share every spike."""

    name: ClassVar[str] = "duplicate neurons"
    remedy: ClassVar[str] = "keep one of each pair: they look like a perfect connection"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Correlate the changes from frame to frame, and compare spike trains."""
        if recording.sound("calcium"):
            yield from self._say(recording, *_correlated(recording), "calcium")
        if recording.sound("spike_time", "spike_neuron"):
            pairs = list(_same_trains(recording))
            yield from self._say(recording, len(pairs), pairs, "spike_time")

    def _say(self, recording: Examined, count: int, pairs: list[Pair], field: str) -> Iterator[Finding]:
        if count:
            names = recording.names
            shown = ", ".join(f"{names[a]} and {names[b]} (r = {r:.3f})" for a, b, r in pairs[:SHOWN])
            more = f" and {count - SHOWN} more" if count > SHOWN else ""
            what = "pairs are the same" if count > 1 else "pair is the same"
            yield self.finding(f"{count} {what}: {shown}{more}", field=field)


def _correlated(recording: Examined) -> tuple[int, list[Pair]]:
    """Count pairs of traces whose changes correlate nearly perfectly, over at most 2000 pairs of frames; give a few."""
    changes = np.concatenate([_changes(values) for values in recording.blocks("calcium")], axis=1)
    count, pairs = 0, []
    for start in range(0, changes.shape[1], BLOCK):
        r = np.triu(changes[:, start : start + BLOCK].T @ changes[:, start:], 1)
        alike = np.argwhere(r > ALIKE)
        count += len(alike)
        pairs += [(start + int(a), start + int(b), float(r[a, b])) for a, b in alike[:SHOWN]]
    return count, pairs


def _changes(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return changes from frame to frame in unit length, shape (frame, neuron); 0 where there are too few."""
    at = np.unique(np.linspace(0, max(len(values) - 2, 0), MOST_FRAMES).astype(int))
    change = np.nan_to_num(values[at + 1] - values[at]) if len(values) > 1 else np.zeros((1, values.shape[1]))
    change -= change.mean(0) * (change != 0)
    length = np.sqrt((change**2).sum(0))
    enough = ((np.abs(change) > 1e-9 * np.abs(change).max(0, initial=0)).sum(0) >= FEWEST_CHANGES) & (length > 0)
    return np.where(enough, change / np.where(length > 0, length, 1), 0).astype(np.float32)


def _same_trains(recording: Examined) -> Iterator[Pair]:
    """Give pairs of neurons with exactly the same spike times."""
    time, cells = recording.dataset["spike_time"].values, recording.dataset["spike_neuron"].values
    order = np.lexsort((time, cells))
    edges = np.flatnonzero(np.diff(cells[order])) + 1
    seen: dict[bytes, int] = {}
    for train in np.split(order, edges):
        key = time[train].tobytes()
        neuron = int(cells[train[0]])
        if len(train) >= FEWEST_SPIKES and key in seen:
            yield seen[key], neuron, 1.0
        seen.setdefault(key, neuron)
