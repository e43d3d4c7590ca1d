"""From fluorescence to spikes, neuron by neuron."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from brainsim import catalog
from brainsim.deconvolution import Deconvolution
from brainsim.fluorescence import delta_f
from brainsim.one_neuron import native, spikes_of
from brainsim.progress import Progress, silent
from brainsim.trial import segments

NO_BASELINE = (
    "its baseline (8th percentile of the fluorescence) is not above 0 throughout, so there is no dF/F: its spikes are "
    "missing; where neuropil was taken off, a smaller --neuropil of brainsim data read may help"
)
ESTIMATES = {"decay_time": "s", "rise_time": "s", "noise": "dF/F", "baseline": "dF/F", "spike_unit": ""}
INFINITE = "infinite frames are missing frames"
MISSING = "frames are missing, and stay missing in its spikes"
MANY = 20
ASSUMED = "the trace cannot tell its decay: the assumed one was taken"


def deconvolve(
    dataset: xr.Dataset, method: Deconvolution | None = None, workers: int = 1, progress: Progress = silent
) -> xr.Dataset:
    """Add ``spikes`` to a recording: same dimensions as ``calcium``, everything else is kept.

    Every gap-free run of frames is deconvolved by itself: runs end at a trial, at a jump of `time` and at a missing
    (NaN or infinite) frame; missing frames stay missing in `spikes`, and so do runs of fewer than 3 frames. What
    describes a neuron is estimated on all its runs. Raw fluorescence goes through
    :func:`~brainsim.fluorescence.delta_f_over_f` first. An infinite frame of `calcium` becomes a missing one.

    A neuron that cannot be deconvolved stops no other: one that never changes gets 0 spikes, one without a usable run
    or on which the method fails gets NaN, and one whose decay the trace cannot tell an assumed decay; each is named by
    a warning and in the attribute `notices`.

    Parameters
    ----------
    dataset
        A recording with ``calcium``, continuous or cut into trials.
    method
        By default :class:`~brainsim.deconvolution.oasis.Oasis`. Where the recording tells the decay of its indicator
        (attribute `indicator_decay_s`) and the method takes one that is known, it is told.
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
    method = informed(method, dataset)
    dataset = dataset.drop_vars([name for name in ESTIMATES if name in dataset.variables])
    found = infer(dataset, method, workers, progress)
    for notice in (told := found.notices()):
        warnings.warn(notice, stacklevel=2)
    return described(dataset.assign(calcium=found.calcium, spikes=found.spikes), found.estimates, method, told)


@dataclass(frozen=True)
class Inferred:
    """What was inferred of some neurons.

    Attributes
    ----------
    calcium, spikes
        Traces with the same dimensions; infinite frames are missing.
    estimates, notes
        Of each neuron: what was estimated, and what was wrong.
    general
        What was done to all.
    """

    calcium: xr.DataArray
    spikes: xr.DataArray
    estimates: list[dict[str, float]]
    notes: list[tuple[str, list[str]]]
    general: list[str]

    def notices(self) -> list[str]:
        """Return everything that was noticed, each sentence once, with the neurons that it is about."""
        return [*self.general, *by_note(self.notes)]


def informed(method: Deconvolution | None, dataset: xr.Dataset) -> Deconvolution:
    """Return the method (OASIS by default) with the decay of the indicator, where the recording tells it."""
    method = method or catalog.get("deconvolution", "oasis")()
    decay = float(dataset.attrs.get("indicator_decay_s", 0))
    if getattr(method, "known_decay", None) != 0 or not 0 < decay < np.inf:
        return method
    return replace(method, **{"known_decay": decay})


def infer(
    dataset: xr.Dataset, method: Deconvolution, workers: int = 1, progress: Progress = silent, *, whole: bool = True
) -> Inferred:
    """Deconvolve every neuron of a recording.

    Parameters
    ----------
    dataset
        A recording, or some neurons of it.
    method
        The method.
    workers
        Processes.
    progress
        Called after each neuron.
    whole
        These are all neurons of the recording.

    Raises
    ------
    InputError
        As :func:`deconvolve`.
    """
    from joblib import Parallel, delayed

    trace, general = delta_f(dataset, whole=whole)
    rate = float(dataset.attrs["sampling_rate_hz"])
    breaks = [part.start for part in segments(trace["time"].values, rate)]
    values = trace.transpose("neuron", ..., "time").values
    jobs = (delayed(spikes_of)(method, native(one), breaks, rate) for one in values)
    results = []
    for result in Parallel(n_jobs=workers, return_as="generator")(jobs):
        results.append(result)
        progress(len(results), len(values), "neurons")
    spikes = trace.transpose("neuron", ..., "time").copy(
        data=np.stack([spikes for spikes, _, _ in results]).reshape(values.shape)
    )
    calcium, notes = _finite(dataset["calcium"])
    across = [dim for dim in calcium.dims if dim != "neuron"]
    divided = (calcium.notnull().any(across) & trace.isnull().all(across)).values
    for (_, said), (_, estimates, note), lost in zip(notes, results, divided, strict=True):
        note = NO_BASELINE if lost else note
        if note and MISSING in said:
            said.remove(MISSING)
        said += [*filter(None, [note]), *[ASSUMED] * bool(estimates.get("assumed"))]
    attrs = {"units": _unit_of(method), "method": method.name}
    spikes = spikes.transpose(*calcium.dims).drop_attrs().assign_attrs(attrs)
    return Inferred(calcium, spikes, [estimates for _, estimates, _ in results], notes, general)


def _finite(calcium: xr.DataArray) -> tuple[xr.DataArray, list[tuple[str, list[str]]]]:
    """Return the calcium with missing for infinite frames, and what each neuron, by its name, lacks."""
    across = [dim for dim in calcium.dims if dim != "neuron"]
    infinite, missing = xr.apply_ufunc(np.isinf, calcium), calcium.isnull()
    some, gaps = infinite.any(across).values, missing.any(across).values & ~missing.all(across).values
    names = calcium["neuron"].values if "neuron" in calcium.coords else np.arange(len(some))
    notes = [
        (str(name), [*[INFINITE] * bool(bad), *[MISSING] * bool(gap)])
        for name, bad, gap in zip(names, some, gaps, strict=True)
    ]
    return (calcium.where(~infinite) if some.any() else calcium), notes


def by_note(notes: Sequence[tuple[str, list[str]]]) -> list[str]:
    """Say which neurons were not deconvolved as the others were.

    Parameters
    ----------
    notes
        Name of each neuron, and what was wrong with it.
    """
    cells: dict[str, list[str]] = {}
    for name, said in notes:
        for note in said:
            cells.setdefault(note, []).append(name)
    everyone = len(notes) if len(notes) > MANY else -1
    return [
        f"all {everyone} neurons: {note}" if len(names) == everyone else f"neuron {', '.join(names)}: {note}"
        for note, names in cells.items()
    ]


def described(
    dataset: xr.Dataset, estimates: Sequence[dict[str, float]], method: Deconvolution, notices: Sequence[str]
) -> xr.Dataset:
    """Add to a recording what was estimated of its neurons and what was noticed.

    Parameters
    ----------
    dataset
        The recording, without earlier estimates.
    estimates
        Of each neuron.
    method
        What made them.
    notices
        One sentence each.
    """
    unit = _unit_of(method)
    for name, its_unit in ESTIMATES.items():
        if any(name in each for each in estimates):
            column = np.array([each.get(name, np.nan) for each in estimates])
            dataset = dataset.assign_coords({name: ("neuron", column, {"units": its_unit or unit})})
    told = [*filter(None, [str(dataset.attrs.get("notices", ""))]), *notices]
    return dataset.assign_attrs(deconvolution=repr(method), **({"notices": "\n".join(told)} if notices else {}))


def _unit_of(method: Deconvolution) -> str:
    return "dF/F" if method.name == "oasis" else "dF/F per frame"
