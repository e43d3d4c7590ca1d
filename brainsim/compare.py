"""Hold simulated and generated recordings against the real one: every number beside its floor and its best cheap rival."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from brainsim import __version__, rival, verdict
from brainsim.alignment import Aligned, align
from brainsim.error import InputError
from brainsim.evidence import Sample
from brainsim.progress import Progress, silent
from brainsim.yardstick import Score, Yardstick

FEWEST_TRIALS = 10


@dataclass(frozen=True, eq=False)
class Comparison:
    """What :func:`compare` found.

    Parameters
    ----------
    reference
        Name of the recording that the others are held against.
    scores
        Metric by metric, for each source.
    verdict
        One sentence for each source.
    warnings
        What a reader must know before believing a number.
    missed
        Names of the metrics that each source misses, by the rules of :mod:`brainsim.verdict`.
    aligned
        All recordings in one shape, for figures.
    provenance
        Seeds, versions and attributes of the files.
    """

    reference: str
    scores: dict[str, dict[str, Score]]
    verdict: dict[str, str]
    warnings: tuple[str, ...]
    missed: dict[str, tuple[str, ...]]
    aligned: Aligned
    provenance: dict[str, dict[str, str]]

    def to_dict(self) -> dict[str, Any]:
        """Return the object of ``metrics.json``: plain numbers, strings and null, no NaN."""
        sources = {source: {name: score.to_dict() for name, score in scores.items()} for source, scores in self.scores.items()}
        return {"reference": self.reference, "sources": sources, "verdict": dict(self.verdict)}

    def to_dataset(self) -> xr.Dataset:
        """Return every number on (source, metric), NaN where there is none, as ``metrics.nc`` holds it.

        Returns
        -------
        Dataset
            `value`, `floor`, `rival`, `photocopy`, `ci95_low`, `ci95_high`, `rival_name` and `why`; the coordinate `unit` on
            `metric` and `verdict` on `source`.
        """
        names = list(next(iter(self.scores.values())))
        rows = [[self.scores[source][name] for name in names] for source in self.scores]
        numbers = {key: _numbers([[_field(score, key) for score in row] for row in rows])
                   for key in ("value", "floor", "rival", "photocopy", "ci95_low", "ci95_high")}
        words = {key: [[str(getattr(score, key) or "") for score in row] for row in rows] for key in ("rival_name", "why")}
        coords = {"source": list(self.scores), "metric": names, "unit": ("metric", [score.unit for score in rows[0]]),
                  "verdict": ("source", [self.verdict[source] for source in self.scores])}
        variables = {key: (("source", "metric"), values) for key, values in {**numbers, **words}.items()}
        attrs = {"reference": self.reference, "warnings": "\n".join(self.warnings), **self.provenance["brainsim compare"]}
        return xr.Dataset(variables, coords=coords, attrs=attrs)


def compare(recorded: xr.Dataset, others: Mapping[str, xr.Dataset], seed: int = 0, progress: Progress = silent, *,
            reference: str = "recorded") -> Comparison:
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
    >>> result = compare(recorded, {"generated": generated})  # doctest: +SKIP
    >>> result.verdict["generated"]  # doctest: +SKIP
    'misses the noise correlations; nearer to the recording than resampling your own trials on 7 of 10 metrics'
    """
    if not others or reference in others:
        raise InputError("there is nothing to compare with" if not others else f"two recordings are called '{reference}'",
                         where="field 'others'", remedy="give one or more other recordings with names of their own")
    aligned = align({reference: recorded, **others})
    warnings = list(aligned.warnings)
    yardsticks: dict[tuple[str, ...], Yardstick] = {}
    scores: dict[str, dict[str, Score]] = {}
    for place, name in enumerate(others):
        ours, theirs, notes = _common(aligned.samples[reference], aligned.samples[name], name)
        warnings += notes
        key = tuple(ours.stimuli)
        if key not in yardsticks:
            yardsticks[key] = Yardstick(ours, aligned.with_events, seed)
        scores[name] = _scores(yardsticks[key], theirs, (place, len(others), name), progress)
    statistics = yardsticks[key].statistics
    missed = {name: tuple(m for m, s in of.items() if statistics[m].decides and verdict.is_missed(statistics[m], s)) for name, of in scores.items()}
    sentences = {name: verdict.conclude(of, statistics) for name, of in scores.items()}
    provenance = {"brainsim compare": {"version": __version__, "seed": str(seed)}, reference: _attributes(recorded)}
    provenance.update({name: _attributes(other) for name, other in others.items()})
    return Comparison(reference, scores, sentences, tuple(dict.fromkeys(warnings)), missed, aligned, provenance)


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
        why = "shares no stimulus with the recording" if ours.stimuli and theirs.stimuli else "has no stimuli, or the recording has none"
        note = f"{name}: {why}: metrics that need stimuli are not computed"
        return replace(ours, stimulus=None), replace(theirs, stimulus=None), [note, *_scarce(ours, theirs, name)]
    notes = [f"{name}: stimuli {', '.join(only)} are only in {where}; their trials are left out"
             for only, where in ((sorted(set(ours.stimuli) - set(shared)), "the recording"), (sorted(set(theirs.stimuli) - set(shared)), name)) if only]
    if notes:
        ours, theirs = (side.take(np.isin(side.labels, shared)) for side in (ours, theirs))
    return ours, theirs, [*notes, *_scarce(ours, theirs, name)]


def _scarce(ours: Sample, theirs: Sample, name: str) -> list[str]:
    """Warn where there are too few trials to say much."""
    notes = []
    fewest = min((int(ours.where(kind).sum()) for kind in ours.stimuli), default=len(ours))
    if fewest < FEWEST_TRIALS:
        notes.append(f"the recording has as few as {fewest} trials of a stimulus: floors are wide and decoding is coarse")
    if len(theirs) < 0.6 * len(ours):
        notes.append(f"{name}: {len(theirs)} trials against {len(ours)} recorded ones: its numbers are noisier than their floors; make more trials")
    return notes


def _attributes(dataset: xr.Dataset) -> dict[str, str]:
    return {str(key): str(value)[:300] for key, value in dataset.attrs.items()}


def _field(score: Score, key: str) -> float | None:
    if key == "photocopy":
        return score.rivals.get(rival.PHOTOCOPY)
    if key.startswith("ci95"):
        return score.ci95[int(key.endswith("high"))] if score.ci95 else None
    found: float | None = getattr(score, key)
    return found


def _numbers(rows: list[list[float | None]]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([[np.nan if value is None else value for value in row] for row in rows])
