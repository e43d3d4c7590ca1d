"""Every neuron of a fit sorted by what it answers in a recording, for tables and figures.

Where two stimuli were paired, the groups are those of the pairing experiment (:mod:`brainsim.grouping`); else they are
the cells that respond to each stimulus. Groups overlap; a *label* names the one place where a neuron is drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim import ensemble, grouping
from brainsim.error import InputError
from brainsim.grouping import Mask
from brainsim.store import naming

OTHER, INHIBITORY = "other", "I"


@dataclass(frozen=True, eq=False)
class ResponseGroups:
    """Groups of the neurons of a fit.

    Attributes
    ----------
    members
        Members of each group, (neuron,), in the order of the fit; groups may overlap.
    label
        One name for each neuron, (neuron,): its group, or groups joined by ``+``; for cells that respond to several
        stimuli the one with the smallest q value; ``I`` for inhibitory cells and ``other`` for those of no group.
    order
        Labels in the order of figures.
    how
        How groups were found, in a sentence.
    """

    members: dict[str, Mask]
    label: NDArray[np.str_]
    order: list[str]
    how: str


def response_groups(
    recording: xr.Dataset, fit: xr.Dataset, stimuli: Mapping[str, str | None], **options: Any
) -> ResponseGroups:
    """Find what the neurons of a fit answer.

    Parameters
    ----------
    recording
        The recording that the fit was made from, with trials.
    fit
        Names of neurons on `pre`, and `cell_type`.
    stimuli
        `conditioned`, `unconditioned`, `conditioned_after`, as :func:`brainsim.grouping.design` takes them. Where none
        is given and the recording has no paired trials, groups are by stimulus.
    options
        Passed on to :func:`brainsim.ensemble.responsive`.

    Raises
    ------
    InputError
        If there are no trials, or too few; if a stimulus is given that was not paired; if neurons differ.
    """
    with naming(recording, "recording"):
        order = places(recording, fit)
        try:
            setting = grouping.design(recording, **stimuli)
        except InputError:
            if any(stimuli.values()):
                raise
            return _by_stimulus(ensemble.responsive(recording, **options).isel(neuron=order), fit)
        found = ensemble.responsive_by_phase(recording, setting, **options)
        members = {name: cells[order] for name, cells in grouping.members(found, setting).items()}
    apart = [name for name in members if name != setting.unconditioned]
    label = np.array(["+".join(n for n in apart if members[n][cell]) or OTHER for cell in range(len(order))])
    how = f"answers to {setting.conditioned} and {setting.unconditioned} before and after pairing"
    return _finished(members, label, fit, f"{how}; {_test(found)}")


def _by_stimulus(found: xr.Dataset, fit: xr.Dataset) -> ResponseGroups:
    """Return the cells that respond to each stimulus."""
    names = found["stimulus"].values.astype(str)
    members = {str(name): found["responsive"].values[k] for k, name in enumerate(names)}
    q = np.where(found["responsive"].values, found["q_value"].values, np.inf)
    best = np.lexsort((-found["effect"].values, q), axis=0)[0]
    label = np.where(np.isfinite(q).any(0), names[best], OTHER)
    return _finished(members, label, fit, f"answers to each stimulus; {_test(found)}")


def _finished(members: dict[str, Mask], label: NDArray[np.str_], fit: xr.Dataset, how: str) -> ResponseGroups:
    if "cell_type" in fit.coords:
        label = np.where(fit["cell_type"].values == "I", INHIBITORY, label)
    last = {OTHER: 1, INHIBITORY: 2}
    first = {name: place for place, name in enumerate(members)}
    order = sorted(set(label.tolist()), key=lambda name: (last.get(name, 0), first.get(name, len(first)), name))
    return ResponseGroups(members, label, order, how)


def _test(found: xr.Dataset) -> str:
    return f"{found.attrs['test']} against {found.attrs['reference']}, false discovery rate {found.attrs['level']:g}"


def places(recording: xr.Dataset, fit: xr.Dataset) -> NDArray[np.int64]:
    """Return where each neuron of a fit stands in the recording, (neuron,).

    Raises
    ------
    InputError
        If the recording lacks a neuron of the fit.
    """
    n = recording.sizes["neuron"]
    names = recording["neuron"].values if "neuron" in recording.coords else np.arange(n)
    place = {str(name): at for at, name in enumerate(names)}
    wanted = [str(name) for name in fit["pre"].values]
    lacking = [name for name in wanted if name not in place]
    if lacking:
        what = f"the recording has no neuron {lacking[0]}, which the fit has ({len(lacking)} such)"
        raise InputError(what, where="field 'neuron'", remedy="give the recording that the fit was made from")
    return np.array([place[name] for name in wanted])
