"""The checkpoints of a generator's training, each held against the recording; and what its trials add to a decoder.

A generator is judged on trials that it has not seen (:mod:`brainsim.seen`), so the checkpoint with the best card is
early stopping that no training trial has a say in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from brainsim import verdict
from brainsim.checkpoint import read_config
from brainsim.compare import compare
from brainsim.comparison import Comparison
from brainsim.error import InputError
from brainsim.gan import ConditionalGAN
from brainsim.progress import Progress, silent
from brainsim.statistic import Statistic
from brainsim.trial import cut_trials
from brainsim.yardstick import Score


@dataclass(frozen=True, eq=False)
class GanScore:
    """The card of every checkpoint.

    Parameters
    ----------
    epochs
        Of the checkpoints, increasing.
    comparison
        Its sources are the checkpoints, named as :func:`source_name` does.
    distance
        For each epoch the mean distance beyond the floor over the metrics that count, in units of what is allowed.
    best
        The epoch with the smallest distance among those that do not copy.
    """

    epochs: list[int]
    comparison: Comparison
    distance: dict[int, float]
    best: int


def source_name(epoch: int) -> str:
    """Return what the checkpoint of an epoch is called."""
    return f"epoch {epoch}"


def saved_epochs(folder: Path, most: int) -> list[int]:
    """Return the epochs of the checkpoints in a folder, evenly chosen where there are more than `most`.

    The first and the last are always among them.

    Raises
    ------
    InputError
        If there is none, or the folder is not a generator's.
    """
    read_config(folder)
    found = sorted(int(p.stem) for p in (folder / "checkpoints").glob("*.safetensors") if p.stem.isdigit())
    if not found:
        raise InputError(
            "it holds no checkpoint", where=str(folder), remedy="train with --sample-interval below --epochs"
        )
    return [found[at] for at in np.unique(np.linspace(0, len(found) - 1, most).round().astype(int))]


def score_checkpoints(
    folder: str | Path, recorded: xr.Dataset, most: int = 12, seed: int = 0, progress: Progress = silent
) -> GanScore:
    """Let checkpoints generate as many trials as were recorded, and hold them against the recording.

    Parameters
    ----------
    folder
        What ``brainsim gan train`` wrote.
    recorded
        The recording that it was trained on.
    most
        Checkpoints to look at.
    seed
        Of the noise, the rivals and the classifiers.
    progress
        Called after every metric of every checkpoint.

    Raises
    ------
    InputError
        If the folder is no generator's, has no checkpoint, or the recording has other neurons or frames.
    """
    epochs = saved_epochs(Path(folder), most)
    trials = trials_per_stimulus(recorded)
    sources = {source_name(e): ConditionalGAN.load(folder, e).sample(trials, seed=seed) for e in epochs}
    comparison = compare(recorded, sources, seed, progress)
    distance = {e: distance_of(comparison.scores[source_name(e)], comparison.statistics) for e in epochs}
    honest = [e for e in epochs if not comparison.verdict[source_name(e)].startswith("copies")] or epochs
    return GanScore(epochs, comparison, distance, min(honest, key=lambda epoch: distance[epoch]))


def trials_per_stimulus(recorded: xr.Dataset) -> int:
    """Return the number of recorded trials of the most frequent stimulus (of all where there are none)."""
    cut = cut_trials(recorded)
    if "stimulus" not in cut.coords:
        return int(cut.sizes["trial"])
    return int(np.unique(cut["stimulus"].values.astype(str), return_counts=True)[1].max())


def distance_of(scores: Mapping[str, Score], statistics: Mapping[str, Statistic]) -> float:
    """Return the mean distance beyond the floor over the metrics that count; infinite where there is none."""
    beyond = [
        max(0.0, verdict.excess(statistics[name], score))
        for name, score in scores.items()
        if statistics[name].decides and score.value is not None and score.floor is not None and not score.note
    ]
    return float(np.mean(beyond)) if beyond else float("inf")
