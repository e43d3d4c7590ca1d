"""Recorded input of a network: spikes, an input current, stretches of time and wiring, as flat arrays.

The compiled program maps them from files (`recorded_input.h`); the NumPy target calls the functions below. Both read
the same numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEVER = 2147483647


@dataclass(frozen=True)
class Events:
    """Events of several sources, sorted by source and time.

    Parameters
    ----------
    first
        Where the events of each source begin; shape (source + 1,).
    step
        Time step of each event; shape (event,).
    amplitude
        Size of each event (1 for a spike); shape (event,).
    """

    first: NDArray[np.int64]
    step: NDArray[np.int32]
    amplitude: NDArray[np.float32]

    @classmethod
    def of(cls, source: NDArray[Any], step: NDArray[Any], amplitude: NDArray[Any], sources: int) -> "Events":
        """Sort events by source and time; events of one source in one step are added up."""
        order = np.lexsort((step, source))
        source, step, amplitude = source[order], step[order], amplitude[order]
        new = np.ones(len(step), bool)
        new[1:] = (np.diff(source) != 0) | (np.diff(step) != 0)
        total = np.add.reduceat(amplitude.astype(np.float64), np.flatnonzero(new)) if len(step) else amplitude
        first = np.searchsorted(source[new], np.arange(sources + 1))
        return cls(first.astype(np.int64), step[new].astype(np.int32), total.astype(np.float32))

    @classmethod
    def stacked(cls, parts: "Sequence[Events]") -> "Events":
        """Return the sources of all parts, one behind the other."""
        begins = np.cumsum([0, *(part.first[-1] for part in parts)])
        first = [part.first[1:] + begin for part, begin in zip(parts, begins, strict=False)]
        return cls(
            np.concatenate([np.zeros(1, np.int64), *first]),
            np.concatenate([part.step for part in parts]),
            np.concatenate([part.amplitude for part in parts]),
        )

    @property
    def sources(self) -> int:
        """Number of sources."""
        return len(self.first) - 1

    def source_of_each(self) -> NDArray[np.int64]:
        """Return the source of each event."""
        return np.repeat(np.arange(self.sources), np.diff(self.first))

    def padded(self, sources: int) -> "Events":
        """Return the same events with silent sources appended."""
        extra = np.full(sources - self.sources, self.first[-1])
        return Events(np.concatenate([self.first, extra]), self.step, self.amplitude)

    def shifted(self, steps: int) -> "Events":
        """Return the same events, later by `steps`."""
        return Events(self.first, (self.step + steps).astype(np.int32), self.amplitude)

    def until(self, step: int) -> "Events":
        """Return the events before a time step."""
        kept = self.step < step
        first = np.concatenate([[0], np.cumsum(kept)])[self.first]
        return Events(first.astype(np.int64), self.step[kept], self.amplitude[kept])

    def joined(self, other: "Events") -> "Events":
        """Return the sources of both, those of `other` behind."""
        first = np.concatenate([self.first, self.first[-1] + other.first[1:]])
        return Events(first, np.concatenate([self.step, other.step]), np.concatenate([self.amplitude, other.amplitude]))


def no_events() -> Events:
    """Return events without any source."""
    return Events(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))


def bounded_exp(x: Any) -> Any:
    """Return exp(x) for x from -50 to 30, beyond as at the border."""
    return np.exp(np.clip(x, -50.0, 30.0))


@dataclass(frozen=True)
class RecordedInput:
    """Everything that a network reads while it runs.

    Parameters
    ----------
    steps
        Length of the run in time steps.
    seed
        Seed of the random numbers inside the network.
    events
        Recorded spikes.
    stretch
        Kind of each stretch of `stretch_steps` time steps: 1 fitted, 2 held out, 0 left out.
    current, current_slope
        Input current and its slope per frame; shape (frame, neuron).
    frame_steps
        Time steps per frame of the current.
    synapse_delay
        Wiring: delay of the synapse of each pair in time steps, -1 where there is none; shape (pre, post).
    active
        How many neurons of the blueprint's `partial` group are simulated, the first ones; 0 for all. What the others
        end with is not told.
    """

    steps: int
    seed: int = 0
    events: Events = field(default_factory=no_events)
    stretch: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    stretch_steps: int = 1
    current: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 1), np.float32))
    current_slope: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 1), np.float32))
    frame_steps: int = 1
    synapse_delay: NDArray[np.int16] = field(default_factory=lambda: np.zeros((0, 1), np.int16))
    active: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes of the files that :meth:`write` writes, about."""
        arrays = (self.events.first, self.events.step, self.events.amplitude, self.stretch, self.synapse_delay)
        return sum(each.nbytes for each in (*arrays, self.current, self.current_slope))

    def write(self, folder: Path) -> None:
        """Write the files that `recorded_input.h` maps."""
        columns = self.current.shape[1], self.synapse_delay.shape[1]
        clock = [self.steps, self.seed, self.stretch_steps, self.frame_steps, *columns, self.active]
        arrays: dict[str, Any] = {
            "clock": np.array(clock, "<i8"),
            "event_first": self.events.first.astype("<i8"),
            "event_step": self.events.step.astype("<i4"),
            "event_amplitude": self.events.amplitude.astype("<f4"),
            "stretch": self.stretch.astype("i1"),
            "current": self.current.astype("<f4"),
            "current_slope": self.current_slope.astype("<f4"),
            "synapse_delay": self.synapse_delay.astype("<i2"),
        }
        for name, values in arrays.items():
            np.ascontiguousarray(values).tofile(folder / f"{name}.bin")

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the functions of `recorded_input.h` for the NumPy target."""
        return {
            "event_step": self._event_step,
            "event_amplitude": self._event_amplitude,
            "stretch_kind": self._stretch_kind,
            "input_current": self._input_current,
            "synapse_delay": self._synapse_delay,
            "bounded_exp": bounded_exp,
        }

    def _at(self, source: Any, k: Any) -> tuple[Any, Any]:
        source = np.asarray(source, int)
        at = self.events.first[source] + np.asarray(k, int)
        return at, at < self.events.first[source + 1]

    def _event_step(self, source: Any, k: Any) -> Any:
        at, there = self._at(source, k)
        return np.where(there, np.append(self.events.step, NEVER)[np.where(there, at, -1)], NEVER)

    def _event_amplitude(self, source: Any, k: Any) -> Any:
        at, there = self._at(source, k)
        return np.where(there, np.append(self.events.amplitude, 0)[np.where(there, at, -1)].astype(float), 0.0)

    def _stretch_kind(self, step: Any) -> Any:
        at = np.asarray(step, int) // self.stretch_steps
        return np.append(self.stretch, 0)[np.minimum(at, len(self.stretch))].astype(float)

    def _synapse_delay(self, source: Any, target: Any) -> Any:
        source, target = np.broadcast_arrays(np.asarray(source, int), np.asarray(target, int))
        known = (source < self.synapse_delay.shape[0]) & (target < self.synapse_delay.shape[1])
        found = np.full(source.shape, -1)
        found[known] = self.synapse_delay[source[known], target[known]]
        return found

    def _input_current(self, neuron: Any, step: Any) -> Any:
        frame, inside = divmod(int(np.asarray(step).flat[0]), self.frame_steps)
        cells = np.atleast_1d(np.asarray(neuron, int))
        found, there = np.zeros(len(cells)), cells < self.current.shape[1]
        if frame >= len(self.current):
            return found
        y, m = (each[frame : frame + 2, cells[there]].astype(float) for each in (self.current, self.current_slope))
        found[there] = y[0]
        if len(y) > 1:
            s = inside / self.frame_steps
            r = 1.0 - s
            found[there] = (1 + 2 * s) * r * r * y[0] + s * r * r * m[0] + s * s * (3 - 2 * s) * y[1] - s * s * r * m[1]
        return found
