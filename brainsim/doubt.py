"""What a reader must know before believing a number."""

import numpy as np
import xarray as xr

from brainsim import schema, trial
from brainsim.evidence import Sample
from brainsim.schema import missing_by_neuron

FEWEST_TRIALS = 10


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
    if missing:
        found.append(f"{len(missing)} neurons miss frames; these are left out of every number")
    if "onset" in dataset.coords and dataset.sizes["trial"] > 1:
        length = trial.trial_frames(dataset) / rate
        overlap = int((np.diff(np.sort(dataset["onset"].values)) < length - 1e-6 - 0.5 / rate).sum())
        if overlap:
            found.append(f"{overlap} trials overlap the next one: a split into training and held-out trials leaks")
    return found


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
