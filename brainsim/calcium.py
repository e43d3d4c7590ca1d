"""From fluorescence to spikes, neuron by neuron."""

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from brainsim import catalog
from brainsim.calcium_task import infer_apart
from brainsim.cluster import opened
from brainsim.deconvolution import Deconvolution
from brainsim.inferred import Inferred, infer, unit_of
from brainsim.progress import Progress, silent

ESTIMATES = {"decay_time": "s", "rise_time": "s", "noise": "dF/F", "baseline": "dF/F", "spike_unit": ""}


def deconvolve(
    dataset: xr.Dataset,
    method: Deconvolution | None = None,
    workers: int = 1,
    progress: Progress = silent,
    scheduler: str = "",
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
        Local processes; the result is the same for any number.
    progress
        Called after each neuron, or block of neurons.
    scheduler
        Address of a Dask scheduler whose workers are used instead; they see the folder of temporary files.

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

    Examples
    --------
    >>> from brainsim.dataset import load_dataset
    >>> recording = load_dataset().drop_dims(["spike", "pre", "post"]).isel(neuron=[0, 1])
    >>> inferred = deconvolve(recording)
    >>> inferred["spikes"].dims, inferred["spike_unit"].dims, bool((inferred["spikes"] >= 0).all())
    (('time', 'neuron'), ('neuron',), True)
    """
    method = informed(method, dataset)
    dataset = dataset.drop_vars([name for name in ESTIMATES if name in dataset.variables])
    found = _inferred(dataset, method, workers, scheduler, progress)
    for notice in (told := found.notices()):
        warnings.warn(notice, stacklevel=2)
    return described(dataset.assign(calcium=found.calcium, spikes=found.spikes), found.estimates, method, told)


def _inferred(dataset: xr.Dataset, method: Deconvolution, workers: int, scheduler: str, progress: Progress) -> Inferred:
    """Infer in this process, or by the workers."""
    if workers == 1 and not scheduler:
        return infer(dataset, method, progress)
    with opened(workers, scheduler) as pool:
        return infer_apart(dataset, method, pool, progress)


def informed(method: Deconvolution | None, dataset: xr.Dataset) -> Deconvolution:
    """Return the method (OASIS by default) with the decay of the indicator, where the recording tells it."""
    chosen: Deconvolution = method or catalog.get("deconvolution", "oasis")()
    decay = float(dataset.attrs.get("indicator_decay_s", 0))
    if getattr(chosen, "known_decay", None) != 0 or not 0 < decay < np.inf:
        return chosen
    return replace(chosen, **{"known_decay": decay})


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
    unit = unit_of(method)
    for name, its_unit in ESTIMATES.items():
        if any(name in each for each in estimates):
            column = np.array([each.get(name, np.nan) for each in estimates])
            dataset = dataset.assign_coords({name: ("neuron", column, {"units": its_unit or unit})})
    told = [*filter(None, [str(dataset.attrs.get("notices", ""))]), *notices]
    return dataset.assign_attrs(deconvolution=repr(method), **({"notices": "\n".join(told)} if notices else {}))
