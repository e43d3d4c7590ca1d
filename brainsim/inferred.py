"""Spikes of every neuron of a recording in memory, and what was noticed of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from brainsim.deconvolution import Deconvolution
from brainsim.fluorescence import delta_f
from brainsim.one_neuron import native, spikes_of
from brainsim.progress import Progress, silent
from brainsim.trial import segments

NO_BASELINE = (
    "its baseline (8th percentile of the fluorescence) is not above 0 throughout, so there is no dF/F: its spikes are "
    "missing; where neuropil was taken off, a smaller --neuropil of brainsim data read may help"
)
INFINITE = "infinite frames are missing frames"
MISSING = "frames are missing, and stay missing in its spikes"
MANY = 20
ASSUMED = "the trace cannot tell its decay: the assumed one was taken"


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


def infer(dataset: xr.Dataset, method: Deconvolution, progress: Progress = silent, *, whole: bool = True) -> Inferred:
    """Deconvolve every neuron of a recording.

    Parameters
    ----------
    dataset
        A recording, or some neurons of it.
    method
        The method.
    progress
        Called after each neuron.
    whole
        These are all neurons of the recording.

    Raises
    ------
    InputError
        As :func:`deconvolve`.
    """
    trace, general = delta_f(dataset, whole=whole)
    rate = float(dataset.attrs["sampling_rate_hz"])
    breaks = [part.start for part in segments(trace["time"].values, rate)]
    values = trace.transpose("neuron", ..., "time").values
    results = []
    for one in values:
        results.append(spikes_of(method, native(one), breaks, rate))
        progress(len(results), len(values), "neurons")
    spikes = trace.transpose("neuron", ..., "time").copy(
        data=np.stack([spikes for spikes, _, _ in results]).reshape(values.shape)
    )
    calcium, notes = finite(dataset["calcium"])
    across = [dim for dim in calcium.dims if dim != "neuron"]
    divided = (calcium.notnull().any(across) & trace.isnull().all(across)).values
    for (_, said), (_, estimates, note), lost in zip(notes, results, divided, strict=True):
        note = NO_BASELINE if lost else note
        if note and MISSING in said:
            said.remove(MISSING)
        said += [*filter(None, [note]), *[ASSUMED] * bool(estimates.get("assumed"))]
    attrs = {"units": unit_of(method), "method": method.name}
    spikes = spikes.transpose(*calcium.dims).drop_attrs().assign_attrs(attrs)
    return Inferred(calcium, spikes, [estimates for _, estimates, _ in results], notes, general)


def finite(calcium: xr.DataArray) -> tuple[xr.DataArray, list[tuple[str, list[str]]]]:
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


def unit_of(method: Deconvolution) -> str:
    """Return the unit of the spikes that a method infers."""
    return "dF/F" if method.name == "oasis" else "dF/F per frame"
