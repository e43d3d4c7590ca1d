"""Bring recordings into one shape before anything is compared: same neurons, frames, deconvolution and threshold.

Everything is cut into trials first and then treated alike: recorded, simulated and generated trials, and the rivals.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from brainsim import doubt, event, trial
from brainsim.binning import shared_frames
from brainsim.error import InputError
from brainsim.event import EventRule
from brainsim.evidence import Sample

PSEUDO_TRIAL_S = 3.0


@dataclass(frozen=True, eq=False)
class Aligned:
    """Recordings in one shape.

    Parameters
    ----------
    samples
        Trials by name of the recording, the reference first.
    rule
        How events were made, and are to be made of rivals.
    neuron, cell_type
        Names and cell types, shape (neuron,).
    variable, units
        What the traces are, for axes.
    warnings
        What a reader must know before believing a number.
    """

    samples: dict[str, Sample]
    rule: EventRule
    neuron: list[str]
    cell_type: list[str]
    variable: str
    units: str
    warnings: tuple[str, ...]


def align(recordings: Mapping[str, xr.Dataset]) -> Aligned:
    """Bring recordings into the shape of the first one.

    Parameters
    ----------
    recordings
        By name, the reference first. Continuous ones are cut at stimulus onset; those without stimuli into
        pseudo-trials as long as the reference's trials (3 s where it has none either). Spike times are binned where
        there is nothing else in common.

    Raises
    ------
    InputError
        If neurons, sampling rates, frames per trial or units differ; both names are in the message.
    """
    names = list(recordings)
    for name, dataset in recordings.items():
        doubt.check_labels(dataset, name)
    recordings, binned = shared_frames(recordings)
    variable = _shared_variable(recordings)
    for other in names[1:]:
        _check_alike(recordings, names[0], other, variable)
    warnings = [
        f"{name}: {found}"
        for name, dataset in recordings.items()
        for found in doubt.doubts(dataset, _rate(dataset), own_time=name == names[0])
    ]
    warnings += [binned] if binned else []
    frames = _frames(recordings)
    samples = {}
    for name, dataset in recordings.items():
        same, note = _same_order(recordings[names[0]], dataset)
        warnings += [f"{name}: {note}"] if note else []
        samples[name] = _cut(same, variable, frames, name)
        warnings += [f"{name}: {found}" for found in doubt.doubtful_values(samples[name])]
    first = recordings[names[0]]
    cells = first["cell_type"].values.astype(str).tolist() if "cell_type" in first.coords else []
    rule, samples[names[0]], note = event.learn(samples[names[0]], EventRule(variable, _units(first, variable)))
    warnings += [note] if note else []
    samples |= {name: rule(samples[name]) for name in names[1:]}
    neuron = first["neuron"].values.astype(str).tolist()
    return Aligned(samples, rule, neuron, cells, variable, _units(first, variable), tuple(warnings))


def _shared_variable(recordings: Mapping[str, xr.Dataset]) -> str:
    for name in ("calcium", "spikes"):
        if all(name in dataset for dataset in recordings.values()):
            return name
    held = "; ".join(
        f"{name} holds {', '.join(map(str, dataset.data_vars)) or 'nothing'}" for name, dataset in recordings.items()
    )
    raise InputError(
        f"they have neither `calcium` nor binned `spikes` in common: {held}",
        where=f"{', '.join(recordings)}, field 'calcium'",
        remedy="compare recordings of the same kind",
    )


def _units(dataset: xr.Dataset, variable: str) -> str:
    return (
        str(dataset[variable].attrs.get("units", dataset.attrs.get("units", "")))
        if variable == "calcium"
        else "spikes per frame"
    )


def _rate(dataset: xr.Dataset) -> float:
    return float(dataset.attrs.get("sampling_rate_hz", 1) or 1)


def _check_alike(recordings: Mapping[str, xr.Dataset], first: str, other: str, variable: str) -> None:
    """Raise where two recordings cannot be held against each other."""
    ours, theirs = recordings[first], recordings[other]
    both = f"{first} and {other}"
    a, b = ours.sizes["neuron"], theirs.sizes["neuron"]
    if a != b:
        raise InputError(
            f"{first} has {a} neurons, {other} has {b}",
            where=f"{both}, field 'neuron'",
            remedy="compare recordings of the same neurons",
        )
    rates = _rate(ours), _rate(theirs)
    timed = ours.sizes["time"] > 1 and theirs.sizes["time"] > 1
    if timed and abs(rates[0] - rates[1]) > 1e-3 * max(rates):
        raise InputError(
            f"{first} has {rates[0]:g} Hz, {other} has {rates[1]:g} Hz",
            where=f"{both}, field 'sampling_rate_hz'",
            remedy="resample one of them, or simulate and generate at the recording's rate",
        )
    units = _units(ours, variable), _units(theirs, variable)
    if all(units) and units[0] != units[1]:
        raise InputError(
            f"{first} is in '{units[0]}', {other} in '{units[1]}'",
            where=f"{both}, field 'units'",
            remedy="convert one of them",
        )
    if trial.is_cut(ours, variable) and trial.is_cut(theirs, variable) and ours.sizes["time"] != theirs.sizes["time"]:
        raise InputError(
            f"a trial has {ours.sizes['time']} frames in {first} and {theirs.sizes['time']} in {other}",
            where=f"{both}, field 'time'",
            remedy="cut both into trials of the same length",
        )


def _frames(recordings: Mapping[str, xr.Dataset]) -> int:
    """Return the frames per trial that all can have: those of a cut recording, of the reference's trials, or of 3 s."""
    cut = [d for d in recordings.values() if trial.is_cut(d) or trial.is_cut(d, "spikes")]
    first = next(iter(recordings.values()))
    if cut:
        return int(cut[0].sizes["time"])
    if "onset" in first.coords:
        return trial.trial_frames(first)
    return max(1, round(PSEUDO_TRIAL_S * _rate(first)))


def _same_order(first: xr.Dataset, dataset: xr.Dataset) -> tuple[xr.Dataset, str]:
    """Put neurons in the order of the reference, by name where both name the same ones, else by position."""
    ours, theirs = first["neuron"].values.astype(str).tolist(), dataset["neuron"].values.astype(str).tolist()
    if ours == theirs:
        return dataset, ""
    if set(ours) == set(theirs):
        place = {name: index for index, name in enumerate(theirs)}
        return dataset.isel(neuron=[place[name] for name in ours]), "neurons were put in the order of the reference"
    return dataset, "neurons have other names than in the reference and are matched by position"


def _cut(dataset: xr.Dataset, variable: str, frames: int, name: str) -> Sample:
    """Return the trials of a recording, or pseudo-trials where it has none."""
    keep = dataset.drop_vars([other for other in dataset.data_vars if other != variable])  # trials keep their labels
    if trial.is_cut(keep, variable) or "onset" in keep.coords:
        keep = trial.cut_trials(keep, frames)
    else:
        keep = _pseudo_trials(keep, variable, frames, name)
    values = keep[variable].transpose("trial", "time", "neuron").values.astype(float)
    stimulus = keep["stimulus"].values.astype(str) if "stimulus" in keep.coords else None
    return Sample(values, _rate(dataset), stimulus)


def _pseudo_trials(dataset: xr.Dataset, variable: str, frames: int, name: str) -> xr.Dataset:
    """Cut a recording without stimuli into consecutive pieces; none spans a gap between segments."""
    time = dataset["time"].values
    starts = [at for s in trial.segments(time, _rate(dataset)) for at in range(s.start, s.stop - frames + 1, frames)]
    if not starts:
        raise InputError(
            f"it is shorter than one trial of {frames} frames",
            where=f"{name}, field 'time'",
            remedy="use a longer recording",
        )
    values = dataset[variable].transpose("time", "neuron").values
    return xr.Dataset({variable: (("trial", "time", "neuron"), np.stack([values[at : at + frames] for at in starts]))})
