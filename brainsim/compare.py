"""Hold simulated and generated recordings against the real one, every number beside its floor and its best rival."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr

from brainsim import __version__, verdict
from brainsim.alignment import Aligned, align
from brainsim.comparison import Comparison
from brainsim.doubt import scarce
from brainsim.error import InputError
from brainsim.evidence import Sample
from brainsim.progress import Progress, silent
from brainsim.statistic import Statistic
from brainsim.yardstick import Score, Yardstick


def compare(
    recorded: xr.Dataset,
    others: Mapping[str, xr.Dataset],
    seed: int = 0,
    progress: Progress = silent,
    *,
    reference: str = "recorded",
) -> Comparison:
    """Hold recordings against a real one.

    Parameters
    ----------
    recorded
        The real recording: continuous with a table of trials, cut into trials, or without trials.
    others
        Simulated, generated or other recordings of the same neurons, by name.
    seed
        Of the rivals, the bootstrap and the classifiers.
    progress
        Called after every metric.
    reference
        Name of the real recording.

    Returns
    -------
    Comparison
        Each metric with its real-vs-real floor, the best cheap rival, a bootstrap interval, and a verdict.

    Raises
    ------
    InputError
        If there is nothing to compare, or neurons, rates, frames or units differ.
    """
    _check_names(reference, others)
    aligned = align({reference: recorded, **others})
    scores, statistics, warnings = _all_scores(aligned, reference, seed, progress)
    missed = {
        name: tuple(m for m, s in of.items() if statistics[m].decides and verdict.is_missed(statistics[m], s))
        for name, of in scores.items()
    }
    sentences = {name: verdict.conclude(of, statistics) for name, of in scores.items()}
    provenance = {"brainsim compare": {"version": __version__, "seed": str(seed)}, reference: _attributes(recorded)}
    provenance.update({name: _attributes(other) for name, other in others.items()})
    return Comparison(reference, scores, sentences, warnings, missed, aligned, provenance)


def _check_names(reference: str, others: Mapping[str, xr.Dataset]) -> None:
    """Raise where there is nothing to compare, or two recordings have one name."""
    if not others or reference in others:
        raise InputError(
            "there is nothing to compare with" if not others else f"two recordings are called '{reference}'",
            where="field 'others'",
            remedy="give one or more other recordings with names of their own",
        )


def _all_scores(
    aligned: Aligned, reference: str, seed: int, progress: Progress
) -> tuple[dict[str, dict[str, Score]], dict[str, Statistic], tuple[str, ...]]:
    """Return every metric of every source, the statistics, and what a reader must know; a yardstick is used again."""
    warnings = list(aligned.warnings)
    yardsticks: dict[tuple[str, ...], Yardstick] = {}
    scores: dict[str, dict[str, Score]] = {}
    sources = [name for name in aligned.samples if name != reference]
    for place, name in enumerate(sources):
        ours, theirs, notes = _common(aligned.samples[reference], aligned.samples[name], name)
        warnings += notes
        key = tuple(ours.stimuli)
        if key not in yardsticks:
            yardsticks[key] = Yardstick(ours, aligned.rule, seed)
        scores[name] = _scores(yardsticks[key], theirs, (place, len(sources), name), progress)
    return scores, yardsticks[key].statistics, tuple(dict.fromkeys(warnings))


def _scores(yardstick: Yardstick, source: Sample, place: tuple[int, int, str], progress: Progress) -> dict[str, Score]:
    """Compute every metric of one source and tell how far the work is."""
    done, sources, label = place
    scores = {}
    for step, name in enumerate(yardstick.statistics):
        scores[name] = yardstick.score(name, source)
        progress(done * len(yardstick.statistics) + step + 1, sources * len(yardstick.statistics), f"{label}: {name}")
    return scores


def _common(ours: Sample, theirs: Sample, name: str) -> tuple[Sample, Sample, list[str]]:
    """Keep the trials of stimuli that both have; without any in common, leave the stimuli out."""
    shared = sorted(set(ours.stimuli) & set(theirs.stimuli))
    if not shared:
        why = (
            "shares no stimulus with the recording"
            if ours.stimuli and theirs.stimuli
            else "has no stimuli, or the recording has none"
        )
        note = f"{name}: {why}: metrics that need stimuli are not computed"
        return replace(ours, stimulus=None), replace(theirs, stimulus=None), [note, *scarce(ours, theirs, name)]
    notes = [
        f"{name}: stimuli {', '.join(only)} are only in {where}; their trials are left out"
        for only, where in (
            (sorted(set(ours.stimuli) - set(shared)), "the recording"),
            (sorted(set(theirs.stimuli) - set(shared)), name),
        )
        if only
    ]
    if notes:
        ours, theirs = (side.take(np.isin(side.labels, shared)) for side in (ours, theirs))
    return ours, theirs, [*notes, *scarce(ours, theirs, name)]


def _attributes(dataset: xr.Dataset) -> dict[str, str]:
    return {str(key): str(value)[:300] for key, value in dataset.attrs.items()}
