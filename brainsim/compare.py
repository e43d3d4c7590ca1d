"""Hold simulated and generated recordings against the real one, every number beside its floor and its best rival."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim import __version__, verdict
from brainsim.alignment import Aligned, align
from brainsim.comparison import Comparison
from brainsim.doubt import scarce, undecodable
from brainsim.error import InputError
from brainsim.evidence import Sample
from brainsim.progress import Progress, silent
from brainsim.seen import Seen, seen
from brainsim.trial import held_out
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

    Examples
    --------
    >>> from brainsim.dataset import load_dataset
    >>> from brainsim.trial import cut_trials
    >>> recording = load_dataset().drop_dims(["spike", "pre", "post"]).isel(neuron=slice(4), trial=slice(32))
    >>> frame = cut_trials(recording).isel(time=[5]).drop_vars("stimulus")
    >>> compare(frame, {"half of them": frame.isel(trial=slice(0, 32, 2))}).verdict
    {'half of them': 'copies your trials: 100% of them are near copies, at 0.00 of the usual distance'}
    """
    _check_names(reference, others)
    aligned = align({reference: recorded, **others})
    told = {name: seen(other, name, len(aligned.samples[reference])) for name, other in others.items()}
    scores, yardsticks, warnings = _all_scores(aligned, reference, told, seed, progress)
    statistics = next(iter(yardsticks.values())).statistics
    missed = {
        name: tuple(m for m, s in of.items() if statistics[m].decides and verdict.is_missed(statistics[m], s))
        for name, of in scores.items()
    }
    sentences = {name: verdict.conclude(of, statistics) for name, of in scores.items()}
    provenance = {"brainsim compare": {"version": __version__, "seed": str(seed)}, reference: _attributes(recorded)}
    provenance.update({name: _attributes(other) for name, other in others.items()})
    splits = {name: _split_sentence(told[name], yardstick) for name, yardstick in yardsticks.items()}
    return Comparison(reference, scores, sentences, warnings, missed, aligned, provenance, splits)


def _check_names(reference: str, others: Mapping[str, xr.Dataset]) -> None:
    """Raise where there is nothing to compare, or two recordings have one name."""
    if not others or reference in others:
        raise InputError(
            "there is nothing to compare with" if not others else f"two recordings are called '{reference}'",
            where="field 'others'",
            remedy="give one or more other recordings with names of their own",
        )


def _all_scores(
    aligned: Aligned, reference: str, told: Mapping[str, Seen], seed: int, progress: Progress
) -> tuple[dict[str, dict[str, Score]], dict[str, Yardstick], tuple[str, ...]]:
    """Return every metric and the yardstick of every source, and what a reader must know; a yardstick is used again."""
    warnings = [*aligned.warnings, *(known.warning for known in told.values() if known.warning)]
    made: dict[tuple[object, ...], Yardstick] = {}
    yardsticks: dict[str, Yardstick] = {}
    scores: dict[str, dict[str, Score]] = {}
    for place, name in enumerate(told):
        ours, theirs, notes, kept = _common(aligned.samples[reference], aligned.samples[name], name)
        warnings += notes
        known = told[name].take(kept)
        key = (tuple(ours.stimuli), None if known.training is None else known.training.tobytes())
        if key not in made:
            made[key] = Yardstick(ours, aligned.rule, seed, known.training)
        yardsticks[name] = made[key]
        scores[name] = _scores(made[key], theirs, (place, len(told), name), progress)
        scores[name] = _with_notes(scores[name], made[key], known, bool(told[name].warning))
    warnings += _undecodable(next(iter(scores.values())), next(iter(yardsticks.values())))
    return scores, yardsticks, tuple(dict.fromkeys(warnings))


def _with_notes(scores: dict[str, Score], yardstick: Yardstick, known: Seen, doubtful: bool) -> dict[str, Score]:
    """Say beside every decoding metric of the source what it has seen of the trials that decoders are tested on."""
    note = known.of_block(held_out(yardstick.recorded.labels, "blocks"), doubtful)
    tested = {name for name, s in yardstick.statistics.items() if s.split == "blocks" and s.respect}
    return {name: replace(score, note=note) if name in tested else score for name, score in scores.items()}


def _undecodable(scores: Mapping[str, Score], yardstick: Yardstick) -> list[str]:
    """Warn where real trials do not tell the stimulus of real trials."""
    accuracy = scores["trtr"].floor if "trtr" in scores else None
    if accuracy is None:
        return []
    return undecodable(accuracy, len(yardstick.splits["blocks"].held_out), yardstick.recorded.labels)


def _split_sentence(known: Seen, yardstick: Yardstick) -> str:
    """Say which trials distributions were held against."""
    part = yardstick.splits["interleaved"]
    counts = f"{len(part.training)} trials for training, {len(part.held_out)} held out"
    if known.training is not None:
        return f"the trials that it was trained on against all others: {counts}"
    return f"interleaved, of every five trials of a stimulus two: {counts}"


def _scores(yardstick: Yardstick, source: Sample, place: tuple[int, int, str], progress: Progress) -> dict[str, Score]:
    """Compute every metric of one source and tell how far the work is."""
    done, sources, label = place
    scores = {}
    for step, name in enumerate(yardstick.statistics):
        scores[name] = yardstick.score(name, source)
        progress(done * len(yardstick.statistics) + step + 1, sources * len(yardstick.statistics), f"{label}: {name}")
    return scores


def _common(ours: Sample, theirs: Sample, name: str) -> tuple[Sample, Sample, list[str], NDArray[np.bool_]]:
    """Keep the trials of stimuli that both have (which of ours: last); without any in common, leave stimuli out."""
    kept = np.ones(len(ours), bool)
    shared = sorted(set(ours.stimuli) & set(theirs.stimuli))
    if not shared:
        why = (
            "shares no stimulus with the recording"
            if ours.stimuli and theirs.stimuli
            else "has no stimuli, or the recording has none"
        )
        note = f"{name}: {why}: metrics that need stimuli are not computed"
        bare = [replace(side, stimulus=None) for side in (ours, theirs)]
        return bare[0], bare[1], [note, *scarce(ours, theirs, name)], kept
    notes = [
        f"{name}: stimuli {', '.join(only)} are only in {where}; their trials are left out"
        for only, where in (
            (sorted(set(ours.stimuli) - set(shared)), "the recording"),
            (sorted(set(theirs.stimuli) - set(shared)), name),
        )
        if only
    ]
    if notes:
        kept = np.isin(ours.labels, shared)
        ours, theirs = ours.take(kept), theirs.take(np.isin(theirs.labels, shared))
    return ours, theirs, [*notes, *scarce(ours, theirs, name)], kept


def _attributes(dataset: xr.Dataset) -> dict[str, str]:
    return {str(key): str(value)[:300] for key, value in dataset.attrs.items()}
