"""Segments and trials of a recording."""

from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError


def segments(time: NDArray[np.float64], rate: float) -> list[slice]:
    """Return the runs of frames between which the microscope stood still.

    Parameters
    ----------
    time
        Time of each frame [s], increasing, shape (time,).
    rate
        Frames per second [Hz].

    Examples
    --------
    >>> segments(np.array([0.0, 0.1, 0.2, 5.0, 5.1]), 10.0)
    [slice(0, 3, None), slice(3, 5, None)]
    """
    cuts = np.flatnonzero(np.diff(time) > 1.5 / rate) + 1 if len(time) > 1 else np.array([], int)
    edges = [0, *cuts.tolist(), len(time)]
    return [slice(a, b) for a, b in pairwise(edges)]


def is_cut(dataset: xr.Dataset, variable: str = "calcium") -> bool:
    """Tell whether a variable has a `trial` dimension already."""
    return variable in dataset and "trial" in dataset[variable].dims


def trial_frames(dataset: xr.Dataset) -> int:
    """Return how many frames a trial has: the attribute `trial_frames`, else the shortest time between onsets.

    Raises
    ------
    InputError
        If the recording has no trials.
    """
    if is_cut(dataset) or is_cut(dataset, "spikes"):
        return int(dataset.sizes["time"])
    if "onset" not in dataset.coords:
        raise InputError(
            "there are no trials",
            where="field 'onset'",
            remedy="attach a stimulus table: brainsim data read ... --stimuli FILE",
        )
    if "trial_frames" in dataset.attrs:
        return int(dataset.attrs["trial_frames"])
    onsets = np.sort(dataset["onset"].values)
    shortest = float(np.diff(onsets).min()) if len(onsets) > 1 else float(dataset["time"].values[-1] - onsets[0])
    return max(1, int(shortest * float(dataset.attrs["sampling_rate_hz"]) + 1e-6))


def held_out(label: NDArray[Any], name: str) -> NDArray[np.bool_]:
    """Tell which trials are held out, stimulus by stimulus, the trials being in order of time.

    Parameters
    ----------
    label
        Stimulus of each trial, shape (trial,).
    name
        ``"interleaved"`` (of every five trials of a stimulus two, in turn), ``"blocks"`` (the second half of the trials
        of each stimulus) or ``"none"``.

    Examples
    --------
    >>> held_out(np.zeros(5), "interleaved").tolist()
    [False, False, True, False, True]
    """
    result = np.zeros(len(label), bool)
    for kind in np.unique(label) if name != "none" else ():
        trials = np.flatnonzero(label == kind)
        order = np.arange(len(trials))
        result[trials] = (
            (order + 1) * 2 // 5 > order * 2 // 5 if name == "interleaved" else order >= (len(trials) + 1) // 2
        )
    return result


def cut_trials(dataset: xr.Dataset, frames: int | None = None) -> xr.Dataset:
    """Cut a continuous recording into trials that begin at stimulus onset.

    Parameters
    ----------
    dataset
        A recording with ``calcium`` and/or ``spikes`` on (time, neuron) and the coordinate `onset` on `trial`; one
        that is cut already is returned as it is.
    frames
        Frames per trial; by default :func:`trial_frames`.

    Returns
    -------
    Dataset
        Variables on (trial, time, neuron), `time` from onset. Trials that do not fit into their segment are left out
        and counted in the attribute `trials_left_out`.

    Raises
    ------
    InputError
        If there are no trials, or none fits.

    Examples
    --------
    >>> from brainsim.dataset import load_dataset
    >>> dict(cut_trials(load_dataset())["calcium"].sizes)
    {'trial': 228, 'time': 29, 'neuron': 50}
    """
    if is_cut(dataset) or is_cut(dataset, "spikes"):
        return dataset
    frames = frames or trial_frames(dataset)
    rate = float(dataset.attrs["sampling_rate_hz"])
    first = _first_frames(dataset, frames, rate)
    kept = np.flatnonzero(first >= 0)
    if not len(kept):
        raise InputError(
            f"no trial of {frames} frames fits into the recording", where="field 'onset'", remedy="use shorter trials"
        )
    index = xr.DataArray(first[kept, None] + np.arange(frames), dims=("trial", "time"))
    cut: dict[str, Any] = {}
    for name in ("calcium", "spikes"):
        if name in dataset:
            values = dataset[name].transpose("time", "neuron").values[index.values]
            cut[name] = (("trial", "time", "neuron"), values, dataset[name].attrs)
    coords = {k: v for k, v in dataset.isel(trial=kept).coords.items() if set(v.dims) <= {"trial", "neuron", "axis"}}
    result = xr.Dataset(cut, coords=coords, attrs=dict(dataset.attrs)).assign_coords(time=np.arange(frames) / rate)
    result.attrs.update(trial_frames=frames, trials_left_out=int(len(first) - len(kept)))
    return result


def _first_frames(dataset: xr.Dataset, frames: int, rate: float) -> NDArray[np.int64]:
    """Return the first frame of each trial, -1 where it does not fit into its segment or begins where none is."""
    time, onset = dataset["time"].values, dataset["onset"].values
    first = np.searchsorted(time, onset - 0.5 / rate)
    last_of = np.zeros(len(time) + 1, int)
    for segment in segments(time, rate):
        last_of[segment] = segment.stop
    fits = (first + frames <= last_of[np.minimum(first, len(time))]) & (first < len(time))
    fits &= time[np.minimum(first, len(time) - 1)] - onset < 1.5 / rate
    return np.where(fits, first, -1)
