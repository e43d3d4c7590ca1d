"""What checks look at: the parts of a recording that can be looked at, prepared once for all of them.

Nothing is taken for granted: a variable whose dimensions or values break the schema is not `sound`, and a check that
needs it is not made. Traces are gone through in blocks of neurons, so that memory stays bounded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim import schema
from brainsim.block import neuron_blocks
from brainsim.missing import Floats
from brainsim.trace_profile import Profile, joined, profile_of

BLOCK = 1 << 22
TEXTS = ("neuron", "pre", "post", "cell_type", "stimulus", "session")


@dataclass(frozen=True, eq=False)
class Examined:
    """A recording under examination; it need not obey the schema."""

    dataset: xr.Dataset

    def sound(self, *names: str) -> bool:
        """Tell whether variables are there, not empty, of the schema's dimensions, and numbers where they must be."""
        return all(self._sound(name) for name in names)

    def _sound(self, name: str) -> bool:
        if name not in self.dataset.variables:
            return False
        variable = self.dataset[name]
        allowed = schema.VARIABLES[name][0] if name in schema.VARIABLES else (schema.COORDINATES[name][0],)
        numeric = name in TEXTS or variable.dtype.kind in ("iu" if name == "spike_neuron" else "fiu")
        return tuple(variable.dims) in allowed and variable.size > 0 and numeric

    @cached_property
    def rate(self) -> float | None:
        """Frames per second [Hz] as the attribute says, None where it does not."""
        rate = schema.number(self.dataset, "sampling_rate_hz")
        return rate if 0 < rate < np.inf else None

    @cached_property
    def duration(self) -> float | None:
        """Length of a recording of spike times [s] as the attribute says, None where it does not."""
        duration = schema.number(self.dataset, "duration_s")
        return duration if 0 < duration < np.inf else None

    @cached_property
    def time(self) -> Floats | None:
        """Times [s], shape (time,); None unless there are two or more, all finite."""
        if not self.sound("time"):
            return None
        time = np.asarray(self.dataset["time"].values, float)
        return time if len(time) > 1 and np.isfinite(time).all() else None

    @cached_property
    def steps(self) -> Floats | None:
        """Differences of the times [s]; None unless they increase."""
        steps = None if self.time is None else np.diff(self.time)
        return steps if steps is not None and (steps > 0).all() else None

    @cached_property
    def extent(self) -> tuple[float, float] | None:
        """Begin and end of the recording [s]; None where it is cut into trials, or its times do not tell."""
        if self.is_cut("calcium") or self.is_cut("spikes"):
            return None
        if self.time is not None:
            frame = 1 / self.rate if self.rate else float(np.median(np.diff(self.time)))
            return float(self.time.min()), float(self.time.max()) + frame
        return None if self.duration is None else (0.0, self.duration)

    @cached_property
    def units(self) -> str:
        """Unit of ``calcium``."""
        return str(self.dataset["calcium"].attrs.get("units", self.dataset.attrs.get("units", "")))

    @cached_property
    def names(self) -> list[str]:
        """Names of the neurons."""
        if "neuron" in self.dataset.coords:
            return [str(name) for name in self.dataset["neuron"].values]
        return [str(n) for n in range(self.dataset.sizes.get("neuron", 0))]

    def is_cut(self, variable: str) -> bool:
        """Tell whether a variable is cut into trials."""
        return variable in self.dataset and "trial" in self.dataset[variable].dims

    def listed(self, neurons: NDArray[np.bool_] | Sequence[int], most: int = 5) -> str:
        """Name neurons in a sentence: the first few, and how many more."""
        indices = np.flatnonzero(neurons) if isinstance(neurons, np.ndarray) else list(neurons)
        more = f" and {len(indices) - most} more" if len(indices) > most else ""
        return f"neuron{'s' if len(indices) > 1 else ''} {', '.join(self.names[i] for i in indices[:most])}{more}"

    def blocks(self, variable: str) -> Iterator[Floats]:
        """Give the traces of some neurons after the other, shape (frame, neuron); infinite frames are missing."""
        traces = self.dataset[variable]
        frames = traces.size // traces.sizes["neuron"]
        for block in neuron_blocks(traces, block_bytes=8 * BLOCK):
            part = traces.isel(neuron=block).transpose("neuron", ..., "time")
            values = np.array(part.values, np.float64, order="C").reshape(-1, frames)
            values[~np.isfinite(values)] = np.nan
            yield values.T  # each trace in one piece of memory: sorting it is ten times faster

    @cached_property
    def calcium(self) -> Profile:
        """The profile of ``calcium``."""
        return joined([profile_of(values) for values in self.blocks("calcium")])

    @cached_property
    def events(self) -> NDArray[np.int64] | None:
        """Events of each neuron: spikes, frames with inferred spikes, or rises of the calcium; None if untold."""
        if self.sound("spike_time", "spike_neuron"):
            return self._spike_counts()
        if self.sound("spikes"):
            return np.asarray(np.concatenate([(values > 0).sum(0) for values in self.blocks("spikes")]))
        if self.sound("calcium") and self.units != "active fraction":
            return self._rises()
        return None

    def _rises(self) -> NDArray[np.int64]:
        """Count how often each trace rises above four standard deviations of the noise for two frames."""
        level = self.calcium.median + 4 * self.calcium.noise
        counts: list[NDArray[np.int64]] = []
        for values in self.blocks("calcium"):
            start = sum(map(len, counts))
            counts.append(_rises(values, level[start : start + values.shape[1]]))
        return np.concatenate(counts)

    def _spike_counts(self) -> NDArray[np.int64] | None:
        cells, neurons = self.dataset["spike_neuron"].values, self.dataset.sizes.get("neuron", 0)
        if cells.min() < 0 or cells.max() >= neurons:
            return None
        return np.asarray(np.bincount(cells, minlength=neurons))


def _rises(values: Floats, level: Floats) -> NDArray[np.int64]:
    """Count how often traces, shape (frame, neuron), rise above a level and stay for two frames."""
    above = values > level
    stay = above[:-1] & above[1:]
    return np.asarray((stay[1:] & ~stay[:-1]).sum(0) + stay[:1].sum(0))
