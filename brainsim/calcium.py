"""From fluorescence to spikes, neuron by neuron."""

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim import catalog, schema
from brainsim.deconvolution import Deconvolution
from brainsim.error import InputError
from brainsim.fluorescence import delta_f_over_f
from brainsim.progress import Progress, silent
from brainsim.trial import segments

Floats = NDArray[np.float64]

SHORTEST_RUN = 3
ESTIMATES = {"decay_time": "s", "rise_time": "s", "noise": "dF/F", "baseline": "dF/F", "spike_unit": ""}


def deconvolve(
    dataset: xr.Dataset, method: Deconvolution | None = None, workers: int = 1, progress: Progress = silent
) -> xr.Dataset:
    """Add ``spikes`` to a recording: same dimensions as ``calcium``, everything else is kept.

    Every gap-free run of frames is deconvolved by itself: runs end at a trial, at a jump of `time` and at a missing
    (NaN or infinite) frame; missing frames stay missing in `spikes`, and so do runs of fewer than 3 frames. What
    describes a neuron is estimated on all its runs. Raw fluorescence goes through
    :func:`~brainsim.fluorescence.delta_f_over_f` first.

    A neuron that cannot be deconvolved stops no other: one that never changes gets 0 spikes, one without a usable run
    or on which the method fails gets NaN, and one whose decay the trace cannot tell an assumed decay; each is named by
    a warning and in the attribute `notices`.

    Parameters
    ----------
    dataset
        A recording with ``calcium``, continuous or cut into trials.
    method
        By default :class:`~brainsim.deconvolution.oasis.Oasis`.
    workers
        Processes; the result is the same for any number.
    progress
        Called after each neuron.

    Returns
    -------
    Dataset
        With the coordinates `decay_time` [s], `noise`, `baseline` [dF/F] (as the method estimates them) and
        `spike_unit` on `neuron`: ``sum(s^2) / sum(s)`` of the spikes `s` above their minimum, the mean event weighted
        by its size. ``spikes / spike_unit`` is roughly a count (too high where one spike spreads over frames).

    Raises
    ------
    InputError
        If there is no calcium, it is an active fraction, its `units` are unknown, or `method` refuses the rate.
    """
    from joblib import Parallel, delayed

    method = method or catalog.get("deconvolution", "oasis")()
    dataset = dataset.drop_vars([name for name in ESTIMATES if name in dataset.variables])
    trace, notices = delta_f(dataset)
    rate = float(dataset.attrs["sampling_rate_hz"])
    breaks = [part.start for part in segments(trace["time"].values, rate)]
    values = trace.transpose("neuron", ..., "time").values
    jobs = (delayed(_one)(method, _native(values[i]), breaks, rate) for i in range(len(values)))
    results = []
    for result in Parallel(n_jobs=workers, return_as="generator")(jobs):
        results.append(result)
        progress(len(results), len(values), "neurons")
    names = dataset["neuron"].values if "neuron" in dataset.coords else np.arange(len(values))
    notices += _notices(names, [(note, estimates) for _, estimates, note in results])
    for notice in notices:
        warnings.warn(notice, stacklevel=2)
    spikes = trace.transpose("neuron", ..., "time").copy(
        data=np.stack([spikes for spikes, _, _ in results]).reshape(values.shape)
    )
    return _assemble(dataset, spikes, [estimates for _, estimates, _ in results], method, notices)


def delta_f(dataset: xr.Dataset) -> tuple[xr.DataArray, list[str]]:
    """Return the dF/F of a recording, and what was done to get it.

    Raises
    ------
    InputError
        If there is no calcium, it is an active fraction, or its `units` are unknown.
    """
    if "calcium" not in dataset:
        raise InputError(
            "there is no calcium to deconvolve",
            where="field 'calcium'",
            remedy="an event-form recording holds its spikes already",
        )
    schema.validate(dataset.drop_vars("calcium").assign(calcium=dataset["calcium"].where(np.isfinite)))
    calcium = dataset["calcium"]
    units = str(calcium.attrs.get("units", dataset.attrs.get("units", "")))
    if units == "active fraction" or dataset.sizes["time"] < SHORTEST_RUN:
        raise InputError(
            f"{dataset.sizes['time']} frames of '{units or 'no units'}' per trace hold no time course",
            where="field 'calcium'",
            remedy="read the full traces; an active fraction is used as it is",
        )
    if units.lower() in (*schema.DELTA_F, schema.SUBTRACTED, ""):
        return calcium, [] if units else ["calcium has no units: taken as dF/F"]
    if units.lower() in schema.RAW:
        return delta_f_over_f(dataset), ["calcium is raw fluorescence: dF/F over a running percentile was taken"]
    raise InputError(
        f"the units are '{units}'", where="field 'calcium'", remedy="set them to 'dF/F' or 'raw fluorescence'"
    )


def _native(trace: NDArray[Any]) -> Floats:
    """Return a neuron's trace as contiguous native float64, shape (trial, time); infinite frames become missing."""
    plain = np.array(np.atleast_2d(trace), dtype=np.float64, order="C")
    plain[~np.isfinite(plain)] = np.nan
    return plain


def _one(
    method: Deconvolution, trace: Floats, breaks: Sequence[int], rate: float
) -> tuple[Floats, dict[str, float], str]:
    """Deconvolve one neuron, shape (trial, time): its spikes, its estimates, and what was wrong with it."""
    from threadpoolctl import threadpool_limits

    spikes = np.full_like(trace, np.nan)
    places = [(row, run) for row in range(len(trace)) for run in _runs(trace[row], breaks)]
    pieces = [np.ascontiguousarray(trace[row, run]) for row, run in places]
    if not pieces:
        return spikes, {}, "no usable run of frames: its spikes are missing"
    if all(np.ptp(piece) == 0 for piece in pieces) and len({piece[0] for piece in pieces}) == 1:
        for row, run in places:
            spikes[row, run] = 0
        return spikes, {}, "its trace never changes: it has no spikes"
    try:
        with threadpool_limits(1), np.errstate(all="ignore"):
            found, estimates = method.runs(pieces, rate)
    except (ArithmeticError, ValueError, IndexError, np.linalg.LinAlgError) as error:
        return spikes, {}, f"{method.name} failed ({error}): its spikes are missing"
    if not all(np.isfinite(one).all() for one in found):
        return spikes, {}, f"{method.name} gave no finite numbers: its spikes are missing"
    for (row, run), one in zip(places, found, strict=True):
        spikes[row, run] = one
    return spikes, {**estimates, "spike_unit": _unit(np.concatenate(found))}, ""


def _runs(trace: Floats, breaks: Sequence[int]) -> Iterable[slice]:
    """Return the gap-free runs of at least 3 frames."""
    seen = np.isfinite(trace)
    starts = seen & ~np.concatenate([[False], seen[:-1]])
    starts[list(breaks)] = seen[list(breaks)]
    ends = seen & np.concatenate([starts[1:] | ~seen[1:], [True]])
    for start, end in zip(np.flatnonzero(starts), np.flatnonzero(ends) + 1, strict=True):
        if end - start >= SHORTEST_RUN:
            yield slice(int(start), int(end))


def _unit(spikes: Floats) -> float:
    """Return the size-weighted mean event, NaN where there is none."""
    above = spikes - spikes.min()
    return float(np.sum(above**2) / np.sum(above)) if above.any() else np.nan


def _notices(names: NDArray[Any], results: Sequence[tuple[str, dict[str, float]]]) -> list[str]:
    """Say which neurons were not deconvolved as the others were."""
    by_note: dict[str, list[str]] = {}
    for name, (note, estimates) in zip(names, results, strict=True):
        if estimates.get("assumed"):
            note = "the trace cannot tell its decay: the assumed one was taken"
        if note:
            by_note.setdefault(note, []).append(str(name))
    return [f"neuron {', '.join(cells)}: {note}" for note, cells in by_note.items()]


def _assemble(
    dataset: xr.Dataset,
    spikes: xr.DataArray,
    estimates: Sequence[dict[str, float]],
    method: Deconvolution,
    notices: list[str],
) -> xr.Dataset:
    """Put spikes, estimates and notices into a copy of the recording."""
    unit = "dF/F" if method.name == "oasis" else "dF/F per frame"
    attrs = {"units": unit, "method": method.name}
    result = dataset.assign(spikes=spikes.transpose(*dataset["calcium"].dims).drop_attrs().assign_attrs(attrs))
    for name, its_unit in ESTIMATES.items():
        if any(name in each for each in estimates):
            column = np.array([each.get(name, np.nan) for each in estimates])
            result = result.assign_coords({name: ("neuron", column, {"units": its_unit or unit})})
    result.attrs["deconvolution"] = repr(method)
    if notices:
        result.attrs["notices"] = "\n".join([*filter(None, [str(dataset.attrs.get("notices", ""))]), *notices])
    return result
