"""Intervals and units of NWB 2: stimuli on `trial`, spikes as events."""

from typing import Any

import h5py
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import ReadOptions
from brainsim.reader._hdf5 import child, children, read
from brainsim.reader._roi import named
from brainsim.reader._spikes import events
from brainsim.reader._table import columns, ragged

STIMULUS = ("stimulus", "stimulus_name", "stim_name", "stimulus_id", "stimulus_type", "stim", "trial_type", "condition",
            "image_name", "orientation", "direction", "label", "type")  # fmt: skip
NO_STIMULUS = ("invalid_times", "epochs")
TIMES = ("start_time", "stop_time")


def stimuli(file: Any, first: float, last: float) -> tuple[dict[str, Any], list[str]]:
    """Return the coordinates of the trials between two times [s], and what was left out.

    The table `trials` is taken where there is one, else all tables of intervals but `invalid_times` and `epochs`. The
    name of a stimulus is the column that is called so, else the name of the table; other columns become
    ``trial_<column>``.

    Raises
    ------
    InputError
        If an interval ends before it begins, or none lies within the recording.
    """
    root = child(file, "intervals")
    known = dict(children(root)) if isinstance(root, h5py.Group) else {}
    tables = {name: each for name, each in known.items() if isinstance(each, h5py.Group) and set(TIMES) <= set(each)}
    chosen = ["trials"] if "trials" in tables else [name for name in tables if name not in NO_STIMULUS]
    parts = [_interval(name, tables[name]) for name in chosen]
    parts = [part for part in parts if len(part["onset"])]
    if not parts:
        return {}, []
    shared = set.intersection(*map(set, parts))
    every = {key: np.concatenate([part[key] for part in parts]) for key in parts[0] if key in shared}
    inside = (every["onset"] >= first) & (every["onset"] < last)
    where = f"{file.filename}, field '/intervals/{chosen[0]}/start_time'"
    if not inside.any():
        raise InputError(
            f"no interval begins within the recording, from {first:g} to {last:g} s",
            where=where,
            remedy="the clocks of stimuli and imaging differ: correct one, in seconds",
        )
    order = np.flatnonzero(inside)[np.argsort(every["onset"][inside], kind="stable")]
    out = len(inside) - len(order)
    notices = [f"{out} of {len(inside)} intervals begin outside the recording: left out"] if out else []
    own = ("onset", "duration", "stimulus")
    coords = {key: ("trial", every[key][order]) for key in own}
    return coords | named("trial", "trial", {k: v for k, v in every.items() if k not in own}, order), notices


def _interval(name: str, table: Any) -> dict[str, NDArray[Any]]:
    """Return onset, duration [s], stimulus and other columns of one table of intervals."""
    start, stop = (read(table, each).ravel().astype(float) for each in TIMES)
    where = f"{table.file.filename}, field '{table.name}/stop_time'"
    if len(start) != len(stop) or (stop < start).any():
        row = int(np.argmax(stop < start)) if len(start) == len(stop) else 0
        raise InputError(
            f"row {row} ends at {stop[row] if len(stop) else np.nan:g} s before it begins"
            if len(start) == len(stop)
            else f"there are {len(stop)} ends for {len(start)} begins",
            where=where,
            remedy="correct the table, in seconds",
        )
    others = columns(table, len(start), (*TIMES, "timeseries"))
    label = next((each for each in STIMULUS if each in others), None)
    if label is None:
        names = np.full(len(start), name.removesuffix("_presentations"))
    else:
        names = np.array([f"{one:g}" if isinstance(one, float) else str(one) for one in others.pop(label).tolist()])
        names = np.where(names == "", name, names)
    return {"onset": start, "duration": stop - start, "stimulus": names, **others}


def units(file: Any, options: ReadOptions) -> tuple[xr.Dataset, list[str]] | None:
    """Return the spikes of ``/units`` as events, and what was assumed; `None` where there are none.

    Raises
    ------
    InputError
        If a spike time is missing, negative, or after the end that was given.
    """
    table = child(file, "units")
    found = ragged(table, "spike_times") if isinstance(table, h5py.Group) else None
    if found is None:
        return None
    edges = found[1]
    time = read(table, "spike_times").ravel().astype(float)
    cell = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    end, notices = options.duration, []
    if end is None:
        end = float(time.max()) if len(time) else 0.0
        notices = [f"the end was not given: the last spike at {end:g} s was taken; give --duration"]
    names = read(table, "id").ravel() if child(table, "id") is not None else np.arange(len(edges) - 1)
    dataset = events(time, cell, names, end, f"{file.filename}, field '/units/spike_times'")
    return dataset.assign_coords(named("unit", "neuron", columns(table, len(edges) - 1))), notices
