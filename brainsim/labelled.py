"""Labelled cells of many recordings, gathered for training."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.cell_model import Method
from brainsim.error import InputError
from brainsim.fluorescence import delta_f
from brainsim.held_out import Labelled
from brainsim.progress import Progress, silent
from brainsim.store import SUFFIXES, open_recording

FEWEST = 5


def open_labelled(paths: Sequence[Path]) -> list[tuple[str, xr.Dataset]]:
    """Open recordings, or all recordings of folders, each with a name for messages.

    Raises
    ------
    InputError
        If one cannot be read, or a folder holds none.
    """
    found: list[tuple[str, xr.Dataset]] = []
    for path in paths:
        inside = path.is_dir() and path.suffix not in SUFFIXES
        files = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES) if inside else [path]
        if not files:
            raise InputError("it holds no recording", where=f"{path}, field 'file'", remedy="read them into .nc first")
        found += [(str(file), open_recording(file)) for file in files]
    return found


def digests(dataset: xr.Dataset) -> NDArray[np.str_]:
    """Return a checksum of the trace of each neuron, empty where it never changes, (neuron,)."""
    values = dataset["calcium"].transpose("neuron", ..., "time").values.astype(np.float64)
    changes = [np.unique(row[np.isfinite(row)]).size > 1 for row in values]
    marks = [hashlib.sha256(row.tobytes()).hexdigest() for row in values]
    return np.where(changes, marks, "")


def known_types(dataset: xr.Dataset) -> NDArray[np.str_] | None:
    """Return the cell types that a recording came with; None where it has none or they were inferred."""
    name = "cell_type_given" if "cell_type_given" in dataset.coords else "cell_type"
    inferred = name == "cell_type" and "cells_method" in dataset.attrs
    return None if name not in dataset.coords or inferred else dataset[name].values.astype(str)


def measured(dataset: xr.Dataset, method: Method, where: str) -> tuple[NDArray[Any], list[str]]:
    """Return what a method measures of each neuron, and what was assumed on the way.

    Raises
    ------
    InputError
        Naming `where`, if the recording holds no dF/F or the method cannot use it.
    """
    if "calcium" not in dataset:
        raise InputError(
            "there is no calcium in it",
            where=f"{where}, field 'calcium'",
            remedy="traces are told apart by dF/F: give a recording that has it, or a fit alone (--fit)",
        )
    try:
        trace, notices = delta_f(dataset)
        return method.measure(dataset.assign(calcium=trace)), notices
    except InputError as error:
        place = f"{where}, {error.where}" if error.where else where
        raise InputError(error.what, where=place, remedy=error.remedy) from error


def gather(
    recordings: Sequence[tuple[str, xr.Dataset]], method: Method, progress: Progress = silent
) -> tuple[Labelled, NDArray[np.str_]]:
    """Measure the cells of known type of many recordings.

    A recording belongs to the data set of its attribute `data_set`, else it is one by itself. Neurons of the same name
    in one data set are one cell.

    Parameters
    ----------
    recordings
        Name (of its file) and recording.
    method
        What to measure.
    progress
        Called after each recording.

    Returns
    -------
    labelled
        Cells with a known type.
    digest
        Checksum of the trace of each, (cell,).

    Raises
    ------
    InputError
        If a recording has no known types or no dF/F, two cells are the same trace, or fewer than 5 cells of a type hold
        anything to learn from.
    """
    rows, types, cells, sets, marks = [], [], [], [], []
    for done, (where, dataset) in enumerate(recordings, 1):
        kinds = known_types(dataset)
        known = np.flatnonzero(np.isin(kinds if kinds is not None else [], ("E", "I")))
        if kinds is None or not len(known):
            raise InputError(
                "it tells no cell types",
                where=f"{where}, field 'cell_type'",
                remedy="read it with --cell-type, or leave it out of the training",
            )
        data_set = str(dataset.attrs.get("data_set") or where)
        names = (
            dataset["neuron"].values.astype(str) if "neuron" in dataset.coords else np.arange(len(kinds)).astype(str)
        )
        rows.append(measured(dataset, method, where)[0][known])
        types += (kinds[known] == "E").tolist()
        cells += [f"{data_set}/{name}" for name in names[known]]
        sets += [data_set] * len(known)
        marks += digests(dataset)[known].tolist()
        progress(done, len(recordings), Path(where).name)
    _refuse_twins(marks, cells)
    values = np.concatenate(rows)
    found = Labelled(values, np.array(types, bool), np.array(cells), np.array(sets), method.answers(values))
    _refuse_few(found)
    return found, np.array(marks)


def _refuse_twins(marks: list[str], cells: list[str]) -> None:
    """Refuse a trace that is there twice: it would be trained on and tested on at once."""
    seen: dict[str, str] = {}
    for mark, cell in zip(marks, cells, strict=True):
        if mark and mark in seen:
            raise InputError(
                f"{seen[mark]} and {cell} are the same trace",
                where="training, field 'calcium'",
                remedy="give every labelled recording once",
            )
        seen[mark] = cell


def _refuse_few(found: Labelled) -> None:
    """Refuse a training of fewer than 5 cells of a type."""
    for kind, name in ((True, "E"), (False, "I")):
        n = len(set(found.cell[(found.excitatory == kind) & found.answered].tolist()))
        if n < FEWEST:
            raise InputError(
                f"{n} cells of type {name} hold anything to learn from",
                where="training, field 'cell_type'",
                remedy=f"give labelled recordings with at least {FEWEST} cells of each type",
            )
