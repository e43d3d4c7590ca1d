"""Recordings whose connectivity is known, made ready for a contest of methods."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from brainsim.calcium import deconvolve
from brainsim.error import InputError
from brainsim.peer import Floats

TRUTH = ("true_weight", "true_weight_before")
STARTS = ("lif-", "izhikevich-", "calcium-")


@dataclass(frozen=True)
class Case:
    """A recording as a method gets it, and the truth that it does not get.

    Attributes
    ----------
    name
        Preset or file.
    dataset
        One kind of spikes, no truth, no cell types.
    true_weight
        True weights, (pre, post).
    cell_type
        True type of each neuron, (neuron,); None where it is not known.
    """

    name: str
    dataset: xr.Dataset
    true_weight: Floats
    cell_type: NDArray[np.str_] | None


def prepare(name: str, dataset: xr.Dataset, source: str = "auto", duration: float | None = None) -> Case:
    """Take the truth out of a recording and leave one kind of spikes in it.

    Parameters
    ----------
    name
        What to call it.
    dataset
        A recording with ``true_weight``.
    source
        ``"events"`` (spike times), ``"calcium"`` (deconvolved, or the ``spikes`` that are there), or ``"auto"``:
        calcium where the recording was made to show what an indicator does (presets ``calcium-...``), else spike times
        where there are any.
    duration
        Keep only so much from the beginning [s].

    Raises
    ------
    InputError
        If there is no truth, or no such spikes.
    """
    if "true_weight" not in dataset:
        raise InputError("it has no true weights", where=f"{name}, field 'true_weight'", remedy="give --truth FILE")
    weight = np.nan_to_num(dataset["true_weight"].transpose("pre", "post").values.astype(float))
    kinds = dataset["cell_type"].values.astype(str) if "cell_type" in dataset.coords else None
    blind = dataset.drop_vars([each for each in (*TRUTH, "cell_type") if each in dataset.variables])
    blind = one_kind(blind if duration is None else shortened(blind, duration), _source(name, blind, source), name)
    return Case(name, blind, weight, kinds)


def _source(name: str, dataset: xr.Dataset, source: str) -> str:
    if source != "auto":
        return source
    seen = any(text.startswith("calcium-") for text in (name, str(dataset.attrs.get("model", ""))[len("preset ") :]))
    return "calcium" if seen or "spike_time" not in dataset else "events"


def one_kind(dataset: xr.Dataset, source: str, name: str) -> xr.Dataset:
    """Leave either spike times or inferred spikes in a recording.

    Raises
    ------
    InputError
        If there are no such spikes.
    """
    if source == "events":
        if "spike_time" not in dataset:
            raise InputError("it has no spike times", where=f"{name}, field 'spike_time'", remedy="use --input calcium")
        return dataset.drop_vars([each for each in ("calcium", "spikes") if each in dataset])
    framed = dataset.drop_vars([each for each in ("spike_time", "spike_neuron") if each in dataset])
    return framed if "spikes" in framed else deconvolve(framed)


def shortened(dataset: xr.Dataset, seconds: float) -> xr.Dataset:
    """Return the first seconds of a continuous recording, with the trials that end before."""
    if "spike_time" in dataset:
        dataset = dataset.isel(spike=dataset["spike_time"].values < seconds)
    if "time" in dataset.dims and "trial" not in dataset.get("calcium", dataset.get("spikes", xr.DataArray(0))).dims:
        dataset = dataset.isel(time=dataset["time"].values < seconds)
        if "onset" in dataset.coords:
            span = float(dataset.attrs.get("trial_frames", 0)) / float(dataset.attrs.get("sampling_rate_hz", 1.0))
            dataset = dataset.isel(trial=dataset["onset"].values + span < seconds)
    kept = min(seconds, float(dataset.attrs.get("duration_s", seconds)))
    return dataset.assign_attrs(duration_s=kept)


def read_truth(path: Path, names: Sequence[object]) -> Floats:
    """Read true weights from a table with the columns pre, post and weight; pairs that are not in it have none.

    Parameters
    ----------
    path
        CSV file.
    names
        Names of the neurons of the recording, (neuron,).

    Raises
    ------
    InputError
        If a column is missing, or a neuron is not one of the recording.
    """
    try:
        table = pd.read_csv(path, dtype={"pre": str, "post": str})
    except (OSError, ValueError) as error:
        raise InputError(f"it cannot be read ({error})", where=str(path), remedy="give a CSV file") from error
    missing = [each for each in ("pre", "post", "weight") if each not in table.columns]
    if missing:
        raise InputError(
            f"there is no column {', '.join(missing)}", where=str(path), remedy="name the columns pre,post,weight"
        )
    place = {str(name): at for at, name in enumerate(names)}
    unknown = sorted((set(table["pre"]) | set(table["post"])) - set(place))
    if unknown:
        raise InputError(
            f"the recording has no neuron {unknown[0]} ({len(unknown)} such)",
            where=f"{path}, field 'pre' or 'post'",
            remedy="name neurons as the recording does",
        )
    weight = np.zeros((len(place), len(place)))
    weight[table["pre"].map(place), table["post"].map(place)] = table["weight"].astype(float)
    return weight
