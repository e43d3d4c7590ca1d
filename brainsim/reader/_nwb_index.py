"""What an NWB file that brainsim wrote tells beyond the standard: where each variable of the Dataset lies.

The standard places hold the data (RoiResponseSeries, PlaneSegmentation, Units, trials; anything else in tables of the
processing module `brainsim`, one for each dimension). ``/scratch/brainsim`` holds this index as JSON::

    {"attrs": {NAME: VALUE}, "order": PLACE or null,
     "variables": {NAME: {"dims": [...], "shape": [...], "dtype": DTYPE, "attrs": {...}, "coordinate": BOOL,
                          "at": PLACE  or  "values": [...]}}}

`dtype` is that of NumPy, or ``"text"``. `spike_time` and `spike_neuron` lie in ``/units``; spikes of equal time are in
order of their neuron, unless `order` names a column with the place of each.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader._hdf5 import child, read, text

INDEX = "brainsim"
PLACE = f"/scratch/{INDEX}"
SPIKES = "/units/spike_times"
TEXT = "text"


def encoded(value: Any) -> Any:
    """Turn an attribute into what JSON holds; arrays keep their type.

    Raises
    ------
    TypeError
        If JSON cannot hold it.
    """
    if isinstance(value, np.ndarray):
        kind = TEXT if value.dtype.kind not in "fiub" else value.dtype.str
        return {"dtype": kind, "values": [encoded(each) for each in value.tolist()]}
    if isinstance(value, np.generic):
        return encoded(value.item())
    if isinstance(value, list | tuple):
        return [encoded(each) for each in value]
    if isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"a {type(value).__name__} fits no JSON")


def decoded(value: Any) -> Any:
    """Turn what :func:`encoded` made into an attribute again."""
    if not isinstance(value, dict):
        return value
    return np.array(value["values"], dtype=_dtype(value["dtype"]))


def was_indexed(file: Any) -> bool:
    """Tell whether brainsim wrote the file."""
    return child(file, PLACE) is not None


def restored(file: Any) -> xr.Dataset:
    """Return the Dataset that was written.

    Raises
    ------
    InputError
        If the index is damaged, or leads to what is not in the file.
    """
    try:
        index = json.loads(text(child(file, PLACE)[()]))
        entries: dict[str, Mapping[str, Any]] = index["variables"]
        spikes = _spikes(file, index["order"]) if "at" in entries.get("spike_time", {}) else {}
        variables = {
            name: _variable(entry, spikes.get(name) if name in spikes else _values(file, entry))
            for name, entry in entries.items()
        }
        coordinates = [name for name, entry in entries.items() if entry["coordinate"]]
        attrs = {str(name): decoded(value) for name, value in index["attrs"].items()}
        return xr.Dataset(variables, attrs=attrs).set_coords(coordinates)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        told = (str(error).strip("'\" ") or type(error).__name__).splitlines()[0][:120]
        raise InputError(
            f"brainsim's index of the file does not fit it ({told})",
            where=f"{file.filename}, field '{PLACE}'",
            remedy="it is damaged or was edited: copy it again, or remove the index to read the standard part",
        ) from error


def without_stimuli(dataset: xr.Dataset) -> xr.Dataset:
    """Return a Dataset whose trials others replace; those that were cut out lose their labels only."""
    if any("trial" in variable.dims for variable in dataset.data_vars.values()):
        return dataset.drop_vars("stimulus", errors="ignore")
    return dataset.drop_dims("trial", errors="ignore")


def _values(file: Any, entry: Mapping[str, Any]) -> NDArray[Any]:
    """Return the values of a variable, flat or not."""
    if "values" in entry:
        return np.array(entry["values"], dtype=_dtype(entry["dtype"]))
    return read(file, str(entry["at"]), "text" if entry["dtype"] == TEXT else "numbers")


def _variable(entry: Mapping[str, Any], values: NDArray[Any] | None) -> xr.Variable:
    """Give values their dimensions, shape, type and attributes."""
    typed = np.asarray(values).astype(_dtype(entry["dtype"])).reshape([int(n) for n in entry["shape"]])
    return xr.Variable(entry["dims"], typed, {name: decoded(value) for name, value in entry["attrs"].items()})


def _spikes(file: Any, order: str | None) -> dict[str, NDArray[Any]]:
    """Return spike times and their neurons, in the order in which they were."""
    time, ends = read(file, SPIKES), read(file, f"{SPIKES}_index").astype(np.int64)
    cell = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    place = np.lexsort((cell, time)) if order is None else read(file, order).astype(np.int64)
    return {"spike_time": time[place], "spike_neuron": cell[place]}


def _dtype(name: str) -> np.dtype[Any]:
    """Return a type of numbers or text; no other is made from what a file says."""
    dtype = np.dtype(str if name == TEXT else name)
    if dtype.kind not in "fiubU":
        raise ValueError(f"no type is called {name}")
    return dtype
