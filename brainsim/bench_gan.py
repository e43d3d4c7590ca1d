"""Generators on recordings: trained without the held-out trials, and judged on those, beside rivals that cost nothing.

Two trainings of each seed, as the card has two splits: distributions (rates, correlations, what classifiers see) are
judged after a training on interleaved trials; decoding after a training on the first half of the trials of each
stimulus, so that no trial of the block that is decoded has been seen.
"""

import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from brainsim.alignment import align
from brainsim.choice import STATISTICS
from brainsim.evidence import Sample
from brainsim.gan import ConditionalGAN
from brainsim.progress import Progress, silent
from brainsim.seen import seen
from brainsim.yardstick import Score, Yardstick

FLOOR = "recorded held-out trials"
DISTRIBUTION = (*STATISTICS, "nn_ratio", "copy_share", "coverage", "inception_score")
DECODING = ("tstr",)
RECORDED, GENERATED = "recorded", "generated"
TRIALS = 2  # generated for each recorded one


@dataclass(frozen=True)
class Plan:
    """What is compared.

    Parameters
    ----------
    models
        Names of adversarial models.
    seeds
        How many seeds, from `seed` on.
    seed
        The first.
    epochs
        In place of each model's own.
    """

    models: tuple[str, ...]
    seeds: int = 3
    seed: int = 0
    epochs: int | None = None


def compete(cases: Sequence[tuple[str, xr.Dataset]], plan: Plan, progress: Progress = silent) -> list[dict[str, Any]]:
    """Train and judge every model on every recording.

    Parameters
    ----------
    cases
        Name and recording with trials.
    plan
        Models and seeds.
    progress
        Told after every training.

    Returns
    -------
    list of dict
        One for each recording and method: ``data``, ``method``, ``kind`` (floor, model or rival), ``values`` (metric ->
        a number for each seed), ``seconds`` of each training, ``parameters``, ``chosen`` (penalty and epoch).
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    total, done = len(cases) * len(plan.models) * plan.seeds * 2, 0
    for data, dataset in cases:
        for model in plan.models:
            for seed in range(plan.seed, plan.seed + plan.seeds):
                for split, names in (("interleaved", DISTRIBUTION), ("blocks", DECODING)):
                    _one(rows, data, dataset, ConditionalGAN(model, plan.epochs, hold_out=split, seed=seed), names)
                    done += 1
                    progress(done, total, f"{data}: {model}, seed {seed}, {split}")
    return list(rows.values())


def _one(
    rows: dict[tuple[str, str], dict[str, Any]], data: str, dataset: xr.Dataset, model: ConditionalGAN,
    names: Iterable[str],
) -> None:  # fmt: skip
    """Train one model, judge it and the rivals on the trials it has not seen, and add the numbers to the rows."""
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(dataset)
    seconds = time.perf_counter() - begin
    yardstick, source = _held_against(dataset, model)
    row = _row(rows, data, model.model, "model")
    row["seconds"].append(round(seconds, 1))
    row["parameters"] = sum(each.numel() for each in model.generator_.parameters())
    row["chosen"].append({name: model.choice_[name] for name in ("penalty", "epoch")})
    for name in names:
        score = yardstick.score(name, source)
        _add(row, name, score.value)
        if row["first"]:
            _others(rows, data, name, score, model.seed)


def _held_against(dataset: xr.Dataset, model: ConditionalGAN) -> tuple[Yardstick, Sample]:
    """Return the yardstick whose held-out trials the model has not seen, and trials that it makes."""
    most = max(model.description_["trials"].values())
    generated = model.sample(TRIALS * most, seed=model.seed)
    aligned = align({RECORDED: dataset, GENERATED: generated})
    recorded = aligned.samples[RECORDED]
    known = seen(generated, GENERATED, len(recorded)).training
    training = known if model.hold_out == "interleaved" else None
    return Yardstick(recorded, aligned.rule, model.seed, training), aligned.samples[GENERATED]


def _row(rows: dict[tuple[str, str], dict[str, Any]], data: str, method: str, kind: str) -> dict[str, Any]:
    first = not any(row["data"] == data and row["kind"] == "model" for row in rows.values())
    empty: dict[str, Any] = {"data": data, "method": method, "kind": kind, "values": {}, "seconds": [], "chosen": []}
    return rows.setdefault((data, method), {**empty, "parameters": None, "first": kind == "model" and first})


def _others(rows: dict[tuple[str, str], dict[str, Any]], data: str, name: str, score: Score, seed: int) -> None:
    """Add floor and rivals, which no model changes, once for each seed."""
    _add(_row(rows, data, FLOOR, "floor"), name, score.floor)
    for title, value in score.rivals.items():
        _add(_row(rows, data, title, "rival"), name, value)


def _add(row: dict[str, Any], name: str, value: float | None) -> None:
    if value is not None:
        row["values"].setdefault(name, []).append(float(value))


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the standard deviation over seeds (0 for one seed)."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
