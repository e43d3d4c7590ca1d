"""A recording as CSV files that read back as the same data."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from brainsim.error import InputError
from brainsim.reader._cell import protected
from brainsim.store import check_target, write_text


def write_csv(
    dataset: xr.Dataset, path: str | Path, variable: str | None = None, *, overwrite: bool = False
) -> list[Path]:
    """Write a recording as CSV.

    Traces become a wide table (a column `time_s`, a column per neuron), spike times a long one (`neuron`, `time_s`),
    one number per trial and neuron a trial table. Stimuli go into a second file beside it: ``<name>_stimuli.csv``, or
    ``<name>_tag.csv`` for a trial table. Numbers are written so that they read back bit for bit; a missing one is an
    empty cell; names that a spreadsheet would run as a formula get an apostrophe, which the readers take off.

    Parameters
    ----------
    dataset
        A recording.
    path
        Target, ending in .csv.
    variable
        ``"calcium"``, ``"spikes"`` or ``"spike_time"``; by default the first of them that it has.
    overwrite
        Replace existing files.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        If the recording does not have the variable, is cut into trials of several frames, or a name has a line break
        or blanks around it.
    OutputError
        If a target exists or cannot be written.
    """
    path = check_target(path, overwrite=overwrite, suffixes=(".csv",))
    present = [name for name in ("calcium", "spikes", "spike_time") if name in dataset]
    variable = variable or next(iter(present), "calcium")
    if variable not in present:
        raise InputError(
            f"there is no {variable} (there are: {', '.join(present) or 'no traces, no spikes'})",
            where=f"field '{variable}'",
            remedy="choose one that the recording has",
        )
    if "trial" in dataset[variable].dims:
        tables = _trial_table(dataset, variable, path)
    else:
        rows = _events(dataset) if variable == "spike_time" else _traces(dataset, variable)
        tables = {path: rows, **_stimuli(dataset, path)}
    for target in tables:
        check_target(target, overwrite=overwrite, suffixes=(".csv",))
    texts = {target: _text(rows) for target, rows in tables.items()}
    for target, text in texts.items():
        write_text(target, text)
    return list(texts)


def left_out(dataset: xr.Dataset, variable: str) -> list[str]:
    """Return what a recording holds that is in no file which :func:`write_csv` makes of one of its variables."""
    kept = {variable, "time", "neuron", "stimulus", "spike_neuron" if variable == "spike_time" else ""}
    if {"onset", "duration", "stimulus"} <= set(dataset.coords) and "trial" not in dataset[variable].dims:
        kept |= {"onset", "duration"}
    return sorted(str(name) for name in dataset.variables if name not in kept)


def _traces(dataset: xr.Dataset, variable: str) -> Iterable[list[Any]]:
    """Give a header and a row per frame."""
    yield ["time_s", *_names(dataset)]
    values = dataset[variable].transpose("time", "neuron").values
    for time, row in zip(dataset["time"].values, values, strict=True):
        yield [float(time), *map(_cell, row)]


def _events(dataset: xr.Dataset) -> Iterable[list[Any]]:
    """Give a header and a row per spike; neurons that are numbered go by their index."""
    numbered = np.issubdtype(dataset["neuron"].dtype, np.number) if "neuron" in dataset.coords else True
    names = list(range(dataset.sizes["neuron"])) if numbered else _names(dataset)
    yield ["neuron", "time_s"]
    for neuron, time in zip(dataset["spike_neuron"].values, dataset["spike_time"].values, strict=True):
        yield [names[int(neuron)], float(time)]


def _trial_table(dataset: xr.Dataset, variable: str, path: Path) -> dict[Path, Iterable[list[Any]]]:
    """Return the matrix trial x neuron, and the tags."""
    if dataset.sizes["time"] > 1:
        raise InputError(
            f"trials of {dataset.sizes['time']} frames fit no flat table",
            where=f"field '{variable}'",
            remedy="write the continuous recording, or keep .nc",
        )
    values = dataset[variable].isel(time=0).transpose("trial", "neuron").values
    tables: dict[Path, Iterable[list[Any]]] = {path: [list(map(_cell, row)) for row in values]}
    if "stimulus" in dataset.coords:
        tags = [[_name(tag)] for tag in dataset["stimulus"].values]
        tables[path.with_name(f"{path.stem}_tag.csv")] = [["stimulus"], *tags]
    return tables


def _stimuli(dataset: xr.Dataset, path: Path) -> dict[Path, Iterable[list[Any]]]:
    """Return the table of stimuli, if the recording has one."""
    if not {"onset", "duration", "stimulus"} <= set(dataset.coords):
        return {}
    rows = zip(dataset["onset"].values, dataset["duration"].values, dataset["stimulus"].values, strict=True)
    table = [[float(onset), float(duration), _name(stimulus)] for onset, duration, stimulus in rows]
    return {path.with_name(f"{path.stem}_stimuli.csv"): [["onset_s", "duration_s", "stimulus"], *table]}


def _names(dataset: xr.Dataset) -> list[str]:
    """Return the protected names of the neurons."""
    names = dataset["neuron"].values if "neuron" in dataset.coords else np.arange(dataset.sizes["neuron"])
    return [_name(name) for name in names]


def _name(name: object) -> str:
    text = str(name)
    if text != text.strip() or not text or "\n" in text or "\r" in text:
        raise InputError(
            f"the name {text!r} does not survive in a CSV file",
            where="field 'neuron' or 'stimulus'",
            remedy="rename it: no line breaks, no blanks around it, not empty",
        )
    return protected(text)


def _cell(value: float) -> float | str:
    return "" if np.isnan(value) else float(value)


def _text(rows: Iterable[list[Any]]) -> str:
    """Write rows as CSV text."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
