"""What a reader must know before believing a number."""

import numpy as np
import xarray as xr

from brainsim import schema, trial
from brainsim.error import InputError
from brainsim.evidence import Sample
from brainsim.gap import missing_by_neuron
from brainsim.missing import Floats, deviation, mean

FEWEST_TRIALS = 10
SHARE = 0.9  # of the neurons that must look scaled
SCALED = 0.02
FEWEST_RUNS = 0.5  # of the runs that stimuli in random order would have
LOOKED_AT = 5


def doubts(dataset: xr.Dataset, rate: float, own_time: bool) -> list[str]:
    """Return what makes the numbers of a recording doubtful: warnings of the schema, overlapping trials.

    Blocks of stimuli matter in the reference only (`own_time`): a generated file may be sorted as it likes.
    """
    warnings = [finding for finding in schema.check(dataset) if finding.severity == "warning"]
    missing = {cell for name in ("calcium", "spikes") if name in dataset for cell in missing_by_neuron(dataset[name])}
    found = [
        f"{f.found}; {f.remedy}"
        for f in warnings
        if f.check != "missing" and (own_time or f.check != "stimulus blocks")
    ]
    if own_time and not any(f.check == "stimulus blocks" for f in warnings):
        found += _runs(dataset)
    if missing:
        found.append(f"{len(missing)} neurons miss frames; these are left out of every number")
    if "onset" in dataset.coords and dataset.sizes["trial"] > 1:
        length = trial.trial_frames(dataset) / rate
        overlap = int((np.diff(np.sort(dataset["onset"].values)) < length - 1e-6 - 0.5 / rate).sum())
        if overlap:
            found.append(f"{overlap} trials overlap the next one: a split into training and held-out trials leaks")
    return found


def check_labels(dataset: xr.Dataset, name: str) -> None:
    """Refuse stimuli that are not one for each trial.

    Raises
    ------
    InputError
        If they lie on another dimension than the trials.
    """
    if "stimulus" not in dataset.variables or "trial" not in dataset.dims:
        return
    labels, trials = dataset["stimulus"], dataset.sizes["trial"]
    if labels.dims != ("trial",):
        raise InputError(
            f"there are {labels.size} stimuli for {trials} trials",
            where=f"{name}, field 'stimulus'",
            remedy="give the labels of the same session, one for each trial",
        )


def doubtful_values(sample: Sample) -> list[str]:
    """Return what the values of trials give away: scaled before they were split, windows that overlap."""
    flat = sample.trace.reshape(-1, sample.trace.shape[2])
    found = _scaled(flat) if len(flat) >= FEWEST_TRIALS else []
    shared = _shared_frames(sample.trace)
    if shared:
        found.append(
            f"{shared} trials hold frames of the trial before: windows overlap, and a split into training and held-out "
            "trials leaks"
        )
    return found


def undecodable(accuracy: float, trials: int, labels: np.ndarray[tuple[int], np.dtype[np.str_]]) -> list[str]:
    """Warn where a decoder trained on real trials is at chance: the labels may belong to other trials.

    Parameters
    ----------
    accuracy
        Of the decoder on real held-out trials.
    trials
        Their number.
    labels
        Stimuli of the recording, shape (trial,).
    """
    chance = float(np.unique(labels, return_counts=True)[1].max() / len(labels))
    if trials < 20 or accuracy > chance + 1.64 * np.sqrt(chance * (1 - chance) / trials):
        return []
    return [
        f"the stimulus cannot be decoded from the recording itself ({accuracy:.2f}, chance is {chance:.2f}): either "
        "nothing responds, or the labels belong to other trials"
    ]


def scarce(ours: Sample, theirs: Sample, name: str) -> list[str]:
    """Warn where there are too few trials to say much."""
    notes = []
    fewest = min((int(ours.where(kind).sum()) for kind in ours.stimuli), default=len(ours))
    if fewest < FEWEST_TRIALS:
        notes.append(
            f"the recording has as few as {fewest} trials of a stimulus: floors are wide and decoding is coarse"
        )
    if len(theirs) < 0.6 * len(ours):
        notes.append(
            f"{name}: {len(theirs)} trials against {len(ours)} recorded ones: its numbers are noisier than their floors"
        )
    return notes


def _runs(dataset: xr.Dataset) -> list[str]:
    """Tell where stimuli come in runs, far fewer than trials in random order would make."""
    if "stimulus" not in dataset.coords or dataset.sizes["trial"] < 2 * FEWEST_TRIALS:
        return []
    labels = dataset["stimulus"].values.astype(str)
    counts = np.unique(labels, return_counts=True)[1]
    runs = 1 + int((labels[1:] != labels[:-1]).sum())
    expected = 1 + len(labels) - float((counts**2).sum()) / len(labels)
    if len(counts) < 2 or runs >= FEWEST_RUNS * expected:
        return []
    return [
        f"the {len(labels)} trials come in {runs} blocks of one stimulus; slow drift looks like stimulus coding here, "
        "and decoding measures both"
    ]


def _scaled(flat: Floats) -> list[str]:
    """Tell where every neuron has mean 0 and deviation 1, or runs from 0 to 1, over the whole recording."""
    spread = deviation(flat, 0)
    varies = spread > 0
    if not varies.any():
        return []
    flat, spread = flat[:, varies], spread[varies]
    standard = (np.abs(mean(flat, 0)) < SCALED) & (np.abs(spread - 1) < SCALED)
    unit = (np.nanmin(flat, 0) == 0) & (np.nanmax(flat, 0) == 1)
    graded = len(np.unique(flat[:, 0][np.isfinite(flat[:, 0])])) > 2  # ones and zeros are events, not a scale
    if standard.mean() >= SHARE or (graded and unit.mean() >= SHARE):
        how = "have mean 0 and standard deviation 1" if standard.mean() >= SHARE else "run from 0 to 1"
        return [
            f"all neurons {how} over the whole recording: it was scaled before it was split, so held-out trials "
            "have helped to scale the training trials; compare the values as they were recorded"
        ]
    return []


def _shared_frames(trace: Floats) -> int:
    """Return how many trials begin with frames that the trial before ends with, or repeat it."""
    varying = np.flatnonzero(deviation(trace.reshape(-1, trace.shape[2]), 0) > 0)[:LOOKED_AT]
    some, frames = trace[:, :, varying], trace.shape[1]
    if frames < 4 or len(trace) < 2 or not len(varying):
        return 0
    shared = np.zeros(len(trace) - 1, bool)
    for shift in range(frames - 3):
        before, after = some[:-1, shift:], some[1:, : frames - shift]
        moves = np.ptp(np.nan_to_num(before), axis=1).max(1) > 0  # silence is like any other silence
        shared |= moves & np.all((before == after) | (np.isnan(before) & np.isnan(after)), (1, 2))
    return int(shared.sum())
