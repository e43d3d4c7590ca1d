"""The sessions of a recording: from when to when each lasts, which come before and after pairing, a part made of some.

A session lasts as long as its trials and the gap-free runs of frames around them. Where the recording names all its
sessions in order (attribute `sessions`) and each is one gap-free run, sessions without trials are known too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError, UnknownName
from brainsim.grouping import bears
from brainsim.trial import is_cut, segments, trial_frames

Mask = NDArray[np.bool_]
PAUSE_FRAMES = 10


@dataclass(frozen=True)
class Period:
    """A stretch of a recording, [`begin`, `end`) in seconds; in one that is cut into trials, in numbers of trials."""

    name: str
    begin: float
    end: float


def sessions(dataset: xr.Dataset) -> list[Period]:
    """Return the sessions of a recording in order of time; none where it does not name any.

    Parameters
    ----------
    dataset
        A recording with `session` on `trial`.
    """
    if "session" not in dataset.coords:
        return []
    names, onset = dataset["session"].values.astype(str), _onsets(dataset)
    order = np.argsort(onset, kind="stable")
    edge = np.flatnonzero(names[order][1:] != names[order][:-1]) + 1
    blocks = [order[a:b] for a, b in pairwise([0, *edge.tolist(), len(order)]) if b > a]
    runs, listed = _runs(dataset), str(dataset.attrs.get("sessions", "")).split(", ")
    if listed != [""] and not is_cut(dataset) and len(listed) == len(runs):
        return [Period(name, *run) for name, run in zip(listed, runs, strict=True)]
    periods = []
    for k, block in enumerate(blocks):
        first, last = onset[block[0]], onset[block[-1]]
        begin = next((a for a, b in runs if a <= first < b), first)
        end = next((b for a, b in runs if a <= last < b), np.inf)
        begin = first if k and begin <= onset[blocks[k - 1][-1]] else begin
        end = min(end, onset[blocks[k + 1][0]]) if k + 1 < len(blocks) else end
        periods.append(Period(str(names[block[0]]), float(begin), float(end)))
    return periods


def around_pairing(dataset: xr.Dataset) -> tuple[list[Period], list[Period]]:
    """Return what was recorded before the first and after the last trial in which two stimuli were paired.

    A paired trial bears the names of two stimuli that were also given alone (``aud_air``, ``air+aud``). Sessions count
    as a whole; where there are none, time does.

    Parameters
    ----------
    dataset
        A recording with `stimulus` on `trial`.

    Raises
    ------
    InputError
        If no trial is paired, or nothing comes before or after.
    """
    known = sessions(dataset)
    remedy = "say which sessions with --before and --after" + (
        f"; it has {', '.join(each.name for each in known)}" if known else ", in a recording that names its sessions"
    )
    if "stimulus" not in dataset.coords:
        raise InputError("it cannot be told what came before pairing", where="field 'stimulus'", remedy=remedy)
    stimulus, onset = dataset["stimulus"].values.astype(str), _onsets(dataset)
    both = paired(stimulus)
    if not both.any():
        what = "no trial bears the names of two stimuli that were also given alone, so nothing was paired"
        raise InputError(what, where="field 'stimulus'", remedy=remedy)
    first, last = onset[both].min(), onset[both].max()
    if known:
        before, after = [p for p in known if p.end <= first], [p for p in known if p.begin > last]
    else:
        length = 1.0 if is_cut(dataset) else trial_frames(dataset) / float(dataset.attrs["sampling_rate_hz"])
        runs = _runs(dataset)
        before = [Period("before", runs[0][0], first)] if first > onset.min() else []
        after = [Period("after", last + length, runs[-1][1])] if last < onset.max() else []
    if not before or not after:
        what = f"nothing was recorded {'after' if before else 'before'} the pairing"
        raise InputError(what, where="field 'stimulus'", remedy=remedy)
    return before, after


def paired(stimulus: NDArray[np.str_]) -> Mask:
    """Tell which trials bear the names of two stimuli that were also given alone, (trial,)."""
    names = sorted(set(stimulus.tolist()))
    double = {name for name in names if sum(bears(name, other) for other in names if other != name) > 1}
    return np.isin(stimulus, sorted(double))


def named(dataset: xr.Dataset, names: Sequence[str]) -> list[Period]:
    """Return the sessions of these names.

    Raises
    ------
    UnknownName
        If the recording has no such session.
    """
    known = sessions(dataset)
    for name in names:
        if name not in {each.name for each in known}:
            raise UnknownName("session", name, [each.name for each in known])
    return [each for each in known if each.name in names]


def part(dataset: xr.Dataset, periods: Sequence[Period]) -> xr.Dataset:
    """Return a part of a recording, its periods one behind the other.

    Where the recording has frames, a pause of ten of them stands between two periods, so that nothing reaches across.

    Parameters
    ----------
    dataset
        A recording.
    periods
        In order of time.

    Returns
    -------
    Dataset
        The same variables; `time`, `onset` and `spike_time` count from the first period's beginning.
    """
    onset = _onsets(dataset)
    if is_cut(dataset) or is_cut(dataset, "spikes"):
        return dataset.isel(trial=np.flatnonzero(_inside(onset, periods) >= 0))
    frames = "time" in dataset.dims
    pause = PAUSE_FRAMES / float(dataset.attrs["sampling_rate_hz"]) if frames else 0.0
    periods = [Period(p.name, p.begin, min(p.end, _runs(dataset)[-1][1])) for p in periods]
    length = np.array([p.end - p.begin for p in periods])
    begin = np.concatenate([[0.0], np.cumsum(length + pause)[:-1]])
    shift = begin - np.array([p.begin for p in periods])
    result, moved = dataset, {}
    for name, dim in (("time", "time"), ("onset", "trial"), ("spike_time", "spike")):
        if name in dataset and dim in dataset.dims:
            at = _inside(dataset[name].values, periods)
            result = result.isel({dim: np.flatnonzero(at >= 0)})
            moved[name] = (dim, result[name].values + shift[at[at >= 0]], dataset[name].attrs)
    result = result.assign({k: v for k, v in moved.items() if k == "spike_time"})
    result = result.assign_coords({k: v for k, v in moved.items() if k != "spike_time"})
    result.attrs.update(duration_s=float(begin[-1] + length[-1]), sessions=", ".join(p.name for p in periods))
    return result


def _onsets(dataset: xr.Dataset) -> NDArray[np.float64]:
    """Return the onset of each trial [s]; its number where trials are not on one axis of time."""
    cut = is_cut(dataset) or is_cut(dataset, "spikes") or "onset" not in dataset.coords
    values = np.arange(dataset.sizes.get("trial", 0)) if cut else dataset["onset"].values
    return np.asarray(values, float)


def _runs(dataset: xr.Dataset) -> list[tuple[float, float]]:
    """Return from when to when each gap-free run of frames lasts; where there are no frames, all of it."""
    if is_cut(dataset) or is_cut(dataset, "spikes"):
        return [(0.0, float(dataset.sizes["trial"]))]
    if "time" not in dataset.dims:
        return [(0.0, float(dataset.attrs["duration_s"]))]
    time, rate = dataset["time"].values, float(dataset.attrs["sampling_rate_hz"])
    half = 1e-3 / rate
    return [(float(time[r.start]) - half, float(time[r.stop - 1]) + 1 / rate - half) for r in segments(time, rate)]


def _inside(values: NDArray[np.float64], periods: Sequence[Period]) -> NDArray[np.int64]:
    """Return the period that each time lies in, -1 for none."""
    at = np.full(len(values), -1, np.int64)
    for k, period in enumerate(periods):
        at[(values >= period.begin) & (values < period.end)] = k
    return at
