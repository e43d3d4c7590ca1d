"""Spike times into frames, so that recordings that hold nothing else can be compared."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

RATE_HZ = 10.0


def shared_frames(recordings: Mapping[str, xr.Dataset]) -> tuple[dict[str, xr.Dataset], str]:
    """Bin the spike times of recordings that have neither calcium nor binned spikes in common.

    Returns
    -------
    recordings
        With ``spikes`` wherever there were spike times only; untouched where that is not needed, or does not help.
    warning
        Which ones were binned, in which frames; empty where none was.
    """
    common = any(all(kind in each for each in recordings.values()) for kind in ("calcium", "spikes"))
    if common or not all("spikes" in each or "spike_time" in each for each in recordings.values()):
        return dict(recordings), ""
    rates = [each.attrs["sampling_rate_hz"] for each in _binned_first(recordings) if "sampling_rate_hz" in each.attrs]
    rate = float(rates[0]) if rates else RATE_HZ
    without = [name for name, each in recordings.items() if "spikes" not in each]
    binned = {name: bin_spikes(each, rate) if name in without else each for name, each in recordings.items()}
    whose = "" if rates else ", as neither side has a sampling rate"
    return binned, f"spike times of {' and '.join(without)} were counted in frames of {1 / rate:g} s{whose}"


def bin_spikes(dataset: xr.Dataset, rate: float) -> xr.Dataset:
    """Count the spikes of each neuron in each frame, which lasts from its time to 1 / rate later.

    Parameters
    ----------
    dataset
        A recording with `spike_time` and `spike_neuron`. Frames are those of its `time` where it has that rate, so
        that gaps stay gaps, else they fill its duration.
    rate
        Frames per second [Hz].

    Returns
    -------
    Dataset
        ``spikes (time, neuron)``, and the coordinates of neurons and trials.
    """
    spike, cell = dataset["spike_time"].values, dataset["spike_neuron"].values.astype(int)
    time = _frame_times(dataset, rate, spike)
    frame = np.searchsorted(time, spike + 1e-9, side="right") - 1
    inside = (frame >= 0) & (spike < time[np.maximum(frame, 0)] + 1 / rate + 1e-9)
    neurons = dataset.sizes["neuron"]
    counts = np.bincount(frame[inside] * neurons + cell[inside], minlength=len(time) * neurons)
    coords = {k: v for k, v in dataset.coords.items() if set(v.dims) <= {"neuron", "trial", "axis"}}
    attrs = {**dataset.attrs, "sampling_rate_hz": rate}
    values = counts.reshape(len(time), neurons).astype(float)
    return xr.Dataset({"spikes": (("time", "neuron"), values)}, {**coords, "time": time}, attrs)


def _frame_times(dataset: xr.Dataset, rate: float, spike: NDArray[np.float64]) -> NDArray[np.float64]:
    own = float(dataset.attrs.get("sampling_rate_hz", 0) or 0)
    cut = "calcium" in dataset and "trial" in dataset["calcium"].dims
    if "time" in dataset.coords and not cut and abs(own - rate) < 1e-3 * rate:
        return np.asarray(dataset["time"].values, float)
    duration = float(dataset.attrs.get("duration_s", spike.max() if len(spike) else 1 / rate))
    return np.arange(max(1, int(np.ceil(duration * rate - 1e-6)))) / rate


def _binned_first(recordings: Mapping[str, xr.Dataset]) -> list[xr.Dataset]:
    """Return those with binned spikes before the others, whose frames can still be chosen."""
    return sorted(recordings.values(), key=lambda each: "spikes" not in each)
