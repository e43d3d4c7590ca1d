"""Recorded trials as a generator trains on them: scaled per neuron, missing frames masked, stimuli one-hot."""

import hashlib
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.gap import missing_sentences
from brainsim.schema import validate
from brainsim.trial import cut_trials, held_out

LATTICE_VALUES = 512


@dataclass(frozen=True)
class Shape:
    """Size of what is generated: `neurons`, `frames` of a trial, number of `stimuli`."""

    neurons: int
    frames: int
    stimuli: int


@dataclass(frozen=True)
class Scaling:
    """Affine scale and recorded range of each neuron; arrays of shape (neuron,), in the units of the recording.

    Attributes
    ----------
    mean, scale
        What is subtracted and divided by: the mean, and the geometric mean of the neuron's own standard deviation and
        that of the population, so that a neuron that fires once is neither lost nor the loudest.
    lower, upper
        Recorded range; generated activity never leaves it.
    step
        Spacing of the recorded values where they lie on a lattice (fractions k/29, counts), else 0.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    step: NDArray[np.float64]

    @classmethod
    def of(cls, trace: NDArray[np.float64]) -> "Scaling":
        """Measure a recording of shape (trial, time, neuron); a neuron that is missing everywhere gets NaN."""
        flat = trace.reshape(-1, trace.shape[-1])
        count = np.isfinite(flat).sum(0)
        known = np.where(count > 0, count, np.nan)
        mean = np.nansum(flat, 0) / known
        spread = np.sqrt(np.nansum((flat - mean) ** 2, 0) / known)
        pooled = float(np.sqrt(np.nanmean(spread**2))) or 1.0
        scale = np.where(spread > 0, np.sqrt(np.where(spread > 0, spread, 1) * pooled), pooled)
        lower = np.where(count > 0, np.fmin.reduce(flat, axis=0), np.nan)
        upper = np.where(count > 0, np.fmax.reduce(flat, axis=0), np.nan)
        return cls(mean, scale, lower, upper, np.full(len(mean), lattice_step(flat)))

    def to_model(self, trace: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return activity (..., neuron) in the scaled units of the network; missing stays NaN."""
        return ((trace - self.mean) / self.scale).astype(np.float32)

    def to_units(self, activity: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return activity (..., neuron) in the units of the recording, inside its range and exactly on its lattice."""
        values = np.clip(activity * self.scale + self.mean, self.lower, self.upper)
        spacing = np.where(self.step > 0, self.step, 1.0)
        steps = np.round((values - self.lower) / spacing)
        return np.clip(np.where(self.step > 0, self.lower + steps * spacing, values), self.lower, self.upper)

    def to_arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the five arrays by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


def lattice_step(values: NDArray[np.float64]) -> float:
    """Return the spacing of the lattice on which all values lie, 0 where there is none.

    Values count as a lattice when few distinct ones occur (at most 512, each ten times on average) and all of them
    are within a hundredth of a multiple of the smallest difference, so that rounded text files are recognised.

    Examples
    --------
    >>> lattice_step(np.tile([0.0, 0.25, 1.0], 20))
    0.25
    """
    distinct, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    if not 1 < len(distinct) <= LATTICE_VALUES or counts.sum() < 10 * len(distinct):
        return 0.0
    gaps = np.diff(distinct)
    rough = float(gaps[gaps > 1e-4 * (distinct[-1] - distinct[0])].min())
    last = round((distinct[-1] - distinct[0]) / rough)
    step = float(distinct[-1] - distinct[0]) / last
    position = (distinct - distinct[0]) / step
    return step if np.abs(position - np.round(position)).max() < 0.01 else 0.0


@dataclass(frozen=True)
class TrainingTrials:
    """What a generator trains on.

    Attributes
    ----------
    activity
        Scaled activity, (trial, neuron, time), 0 (the neuron's mean) where it is missing.
    seen
        1 where a frame was recorded, 0 where it is missing, of the same shape; None where nothing is missing.
    label
        Index on `stimuli` of each trial.
    stimuli
        Names of the stimuli, sorted; ``("all",)`` where the recording has none.
    scaling
        Scale and range of each neuron.
    notices
        What a user should know: missing frames, trials left out, no stimulus.
    used
        Which trials of the cut recording these are, shape (trial,).
    """

    activity: NDArray[np.float32]
    seen: NDArray[np.float32] | None
    label: NDArray[np.int64]
    stimuli: tuple[str, ...]
    scaling: Scaling
    notices: tuple[str, ...]
    used: NDArray[np.int64]

    def take(self, trials: NDArray[np.bool_]) -> "TrainingTrials":
        """Return some of the trials, by mask; scale and stimuli stay."""
        seen = None if self.seen is None else self.seen[trials]
        return replace(
            self, activity=self.activity[trials], seen=seen, label=self.label[trials], used=self.used[trials]
        )

    def fingerprint(self) -> str:
        """Return a SHA-256 of everything the training sees, so that a training is resumed on the same trials only."""
        parts: list[NDArray[Any]] = [self.activity, self.label, *([] if self.seen is None else [self.seen])]
        digest = hashlib.sha256("\0".join(self.stimuli).encode())
        for part in parts:
            digest.update(str(part.shape).encode() + np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()


def training_trials(dataset: xr.Dataset, hold_out: str = "none") -> tuple[TrainingTrials, xr.Dataset]:
    """Cut, check, scale and mask a recording.

    Parameters
    ----------
    dataset
        A recording with `calcium`, continuous (it is cut at `onset`) or in trials.
    hold_out
        Which trials are not used at all (:func:`brainsim.trial.held_out`); nothing is measured on them.

    Returns
    -------
    TrainingTrials
        The arrays.
    Dataset
        The trials that were kept, in the units of the recording.

    Raises
    ------
    InputError
        If there is no `calcium`, no trial, or no trial with any frame.
    """
    dataset = validate(dataset)
    if "calcium" not in dataset:
        raise InputError(
            "there is no calcium",
            where="field 'calcium'",
            remedy="a generator trains on `calcium`; read the recording again with its traces",
        )
    dataset = cut_trials(dataset)
    alone = np.full(dataset.sizes["trial"], "all")
    names = dataset["stimulus"].values.astype(str) if "stimulus" in dataset.coords else alone
    training = np.flatnonzero(~held_out(names, hold_out))
    dataset, names = dataset.isel(trial=training), names[training]
    trace = dataset["calcium"].transpose("trial", "time", "neuron")
    values = trace.values.astype(np.float64)
    kept = np.flatnonzero(np.isfinite(values).any((1, 2)))
    if not len(kept):
        raise InputError(
            "every trial is missing (NaN) throughout", where="field 'calcium'", remedy="check the source file"
        )
    notices = _notices(dataset, trace, len(kept))
    dataset, values = dataset.isel(trial=kept), values[kept]
    stimuli, label = np.unique(names[kept], return_inverse=True)
    scaling = Scaling.of(values)
    scaled = scaling.to_model(values).transpose(0, 2, 1)
    seen = np.isfinite(scaled)
    trials = TrainingTrials(
        np.ascontiguousarray(np.where(seen, scaled, 0), np.float32),
        None if seen.all() else seen.astype(np.float32),
        label.astype(np.int64),
        tuple(stimuli.tolist()),
        scaling,
        notices,
        training[kept],
    )
    return trials, dataset


def _notices(dataset: xr.Dataset, trace: xr.DataArray, kept: int) -> tuple[str, ...]:
    """Say what is missing, neuron by neuron, and which trials are left out."""
    notices = [f"{found}; the training leaves them out" for found in missing_sentences(trace)]
    if kept < trace.sizes["trial"]:
        notices.append(
            f"{trace.sizes['trial'] - kept} of {trace.sizes['trial']} trials are missing throughout and left out"
        )
    if dataset.attrs.get("trials_left_out", 0):
        notices.append(f"{dataset.attrs['trials_left_out']} trials do not fit into their segment and are left out")
    if "stimulus" not in dataset.coords:
        notices.append("the trials have no stimulus: all of them are one class, 'all'")
    return tuple(notices)
