"""Evidence of the traces of a recording, by a classifier that learned from labelled cells, with its validation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.cell_model import METHODS, Floats, Labels, Method, evidence
from brainsim.error import UnknownName
from brainsim.held_out import HeldOut, Labelled, by_cell, by_data_set
from brainsim.labelled import digests, gather, measured
from brainsim.progress import Progress, silent

MARGIN = 0.1
MANY_OUTSIDE = 0.25


@dataclass(frozen=True, eq=False)
class TraceEvidence:
    """What the traces say.

    Attributes
    ----------
    evidence
        Log odds of E against I without a prior; 0 where a trace cannot tell, (neuron,).
    answered
        Which traces could tell, (neuron,).
    rows
        What was measured of each neuron, (neuron, ...).
    columns
        Names of the features, (feature,); none where snippets were measured.
    outside
        Share of features that lie outside of the training, (neuron,).
    known
        The labelled cells.
    held_out
        What was said of them by models that had not seen them: by cell and, where possible, by data set.
    notices
        What is doubtful, a sentence each.
    """

    evidence: Floats
    answered: Labels
    rows: NDArray[Any]
    columns: tuple[str, ...]
    outside: Floats
    known: Labelled
    held_out: tuple[HeldOut, ...]
    notices: tuple[str, ...]


def of_traces(
    dataset: xr.Dataset,
    training: Sequence[tuple[str, xr.Dataset]],
    name: str,
    seed: int = 0,
    progress: Progress = silent,
) -> TraceEvidence:
    """Learn from labelled recordings, test on cells held out, and judge the neurons of a recording.

    A neuron whose trace is among the labelled ones is judged by the models that had not seen it.

    Parameters
    ----------
    dataset
        The recording.
    training
        Name and recording of labelled cells.
    name
        ``features`` or ``snippet-svm``.
    seed
        Of the folds.
    progress
        Called after each recording that was measured and each fold.

    Raises
    ------
    InputError
        If a recording holds no dF/F or the training too few cells.
    UnknownName
        If there is no such method.
    """
    if name not in METHODS:
        raise UnknownName("method", name, METHODS)
    method = METHODS[name]
    known, marks = gather(training, method, progress)
    rows, notices = measured(dataset, method, "the recording")
    if method.columns:
        known, rows, more = _comparable(known, rows, method)
        notices += more
    answered = method.answers(rows)
    cells = by_cell(known, method, seed, progress)
    sets = by_data_set(known, method, seed, progress)
    found = np.zeros(len(rows))
    if answered.any():
        model = known.trained(method, np.flatnonzero(known.answered), seed)
        found[answered] = evidence(model, rows[answered], known.excitatory[known.answered])
    found, more = _unseen(found, digests(dataset), marks, cells)
    outside, doubts = _outside(known, rows, method)
    notices += more + doubts + _without(dataset, answered)
    held_out = (cells, sets) if sets is not None else (cells,)
    return TraceEvidence(found, answered, rows, method.columns, outside, known, held_out, tuple(notices))


def _comparable(known: Labelled, rows: Floats, method: Method) -> tuple[Labelled, Floats, list[str]]:
    """Leave out features that half of the labelled cells, or all cells of the recording, do not have."""
    trained = np.isfinite(known.rows).mean(axis=0) >= 0.5
    used = trained & np.isfinite(rows).any(axis=0)
    lacking = [column for column, here, there in zip(method.columns, used, trained, strict=True) if there and not here]
    values = np.where(used, known.rows, np.nan)
    notices = [f"features that the recording does not tell were left out: {', '.join(lacking)}"] if lacking else []
    if not used.any():
        return known, np.full_like(rows, np.nan), ["no neuron of the recording has a trace that tells anything"]
    return replace(known, rows=values, answered=method.answers(values)), np.where(used, rows, np.nan), notices


def _unseen(
    found: Floats, marks: NDArray[np.str_], trained: NDArray[np.str_], cells: HeldOut
) -> tuple[Floats, list[str]]:
    """Judge neurons that are in the training as the models did that had not seen them."""
    place = {mark: at for at, mark in enumerate(trained.tolist()) if mark and np.isfinite(cells.evidence[at])}
    own = [(here, place[mark]) for here, mark in enumerate(marks.tolist()) if mark in place]
    if not own:
        return found, []
    result = found.copy()
    for here, there in own:
        result[here] = cells.evidence[there]
    return result, [f"{len(own)} neurons are in the training: they were judged by models that had not seen them"]


def _outside(known: Labelled, rows: NDArray[Any], method: Method) -> tuple[Floats, list[str]]:
    """Return the share of features of each neuron that lie outside of the training, and say so where they are many."""
    if not method.columns:
        return np.full(len(rows), np.nan), []
    trained = known.rows[known.answered]
    told = np.isfinite(trained).any(axis=0)
    low, high = np.nanmin(trained[:, told], axis=0), np.nanmax(trained[:, told], axis=0)
    margin = MARGIN * (high - low)
    beyond = (rows[:, told] < low - margin) | (rows[:, told] > high + margin)
    share = beyond.sum(axis=1) / np.maximum(np.isfinite(rows[:, told]).sum(axis=1), 1)
    many = share > MANY_OUTSIDE
    if not many.any():
        return share, []
    names = np.array(method.columns)[told][beyond[many].mean(axis=0) > 0.5]
    which = f", most in {', '.join(names.tolist())}" if len(names) else ""
    return share, [
        f"{int(many.sum())} of {len(rows)} neurons lie outside of what training has seen (more than a quarter of their "
        f"features{which}): their probabilities are extrapolated"
    ]


def _without(dataset: xr.Dataset, answered: Labels) -> list[str]:
    """Name the neurons whose traces cannot tell anything."""
    if answered.all():
        return []
    names = dataset["neuron"].values.astype(str) if "neuron" in dataset.coords else np.arange(len(answered)).astype(str)
    silent_ones = names[~answered].tolist()
    shown = ", ".join(silent_ones[:10]) + (" ..." if len(silent_ones) > 10 else "")
    return [f"{len(silent_ones)} neurons have a trace that tells nothing: {shown}"]
