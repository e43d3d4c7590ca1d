"""Our inference of connectivity and its peers on recordings whose truth is known: one table, two figures."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import xarray as xr

from brainsim import catalog
from brainsim.accuracy import Accuracy, accuracy, calibration, pooled, reliability
from brainsim.contest import Method, Ours, Outcome, run
from brainsim.error import InputError, UnknownName
from brainsim.ground_truth import STARTS, Case
from brainsim.progress import Progress, silent
from brainsim.simulate import simulate

OURS = "brainsim"
VARIANTS = ("smoothed-correlogram:width=20",)
COST = ("seconds", "peak_mib")


@dataclass(frozen=True)
class Plan:
    """How a benchmark is done.

    Parameters
    ----------
    methods
        Names, as :func:`method_of` reads them.
    seed, repeats
        First seed, and how many; the numbers of a row are medians.
    bin_s
        Width of a bin for spike times [s].
    limit_s
        Longest time of one method on one recording [s].
    workers, scheduler
        Who shares the work of our fits; the peers run in one process.
    """

    methods: tuple[str, ...]
    seed: int = 0
    repeats: int = 1
    bin_s: float = 0.001
    limit_s: float = 3600.0
    workers: int = 1
    scheduler: str = ""


def default_methods() -> tuple[str, ...]:
    """Return ours, every peer, and the variants that are shown beside."""
    return (OURS, *sorted([*catalog.names("peer"), *VARIANTS]))


def default_presets() -> tuple[str, ...]:
    """Return the presets that were made to judge connectivity."""
    return tuple(name for name in catalog.names("preset") if name.startswith(STARTS))


def method_of(text: str, seed: int = 0) -> Method:
    """Return the method called NAME, or NAME:PARAMETER=VALUE,...

    Parameters
    ----------
    text
        ``brainsim`` is ours, the others are in the catalogue of peers.
    seed
        Seed of our method.

    Raises
    ------
    UnknownName
        If there is no such method or parameter.
    InputError
        If a parameter is no number.
    """
    name, _, settings = text.partition(":")
    if name == OURS and not settings:
        return Ours(seed)
    if name not in [*catalog.names("peer"), OURS]:
        raise UnknownName("method", name, [OURS, *catalog.names("peer")])
    kind = catalog.get("peer", name)
    method: Method = replace(kind(), **_settings(text, settings, list(kind().parameters())))
    return method


def _settings(text: str, settings: str, known: list[str]) -> dict[str, float]:
    given = {}
    for part in filter(None, settings.split(",")):
        key, _, value = part.partition("=")
        if key not in known:
            raise UnknownName("parameter", key, known)
        try:
            given[key] = float(value)
        except ValueError as error:
            what = f"'{value}' is no number"
            raise InputError(what, where=f"method '{text}'", remedy="write NAME:PARAMETER=NUMBER") from error
    return given


def simulated(preset: str) -> Callable[[int], xr.Dataset]:
    """Return a function that makes a recording of a preset with a seed."""
    kind = catalog.get("preset", preset)
    return lambda seed: simulate(kind(), seed)


def compete(cases: Iterable[Callable[[int], Case]], plan: Plan, progress: Progress = silent) -> list[dict[str, Any]]:
    """Run every method on every recording.

    Parameters
    ----------
    cases
        Each makes a recording with a seed.
    plan
        Which methods, how often.
    progress
        Called after each run.

    Returns
    -------
    list of dict
        One row for each recording and method: ``preset``, ``method``, the numbers of
        :class:`~brainsim.accuracy.Accuracy`, ``seconds``, ``peak_mib``, ``density`` (share of connected pairs),
        ``calibration_pooled`` and ``reliability`` (the curve of all seeds together, see
        :func:`~brainsim.accuracy.reliability`), ``runs`` (the numbers of each seed), and ``why`` where numbers are
        missing. One failing method does not stop the others.
    """
    methods = {seed: [_told(method_of(text, seed), plan) for text in plan.methods] for seed in _seeds(plan)}
    makers, rows = list(cases), []
    total, done = len(makers) * plan.repeats * len(plan.methods), 0
    for make in makers:
        runs: list[list[dict[str, Any]]] = [[] for _ in plan.methods]
        for seed in _seeds(plan):
            case = _quietly(make, seed)
            for place, method in enumerate(methods[seed]):
                outcome = run(method, case.dataset, plan.bin_s, plan.limit_s)
                runs[place].append(_facts(case, outcome))
                done += 1
                progress(done, total, f"{case.name} {plan.methods[place]}")
        rows += [_row(case.name, name, each) for name, each in zip(plan.methods, runs, strict=True)]
    return rows


def _told(method: Method, plan: Plan) -> Method:
    """Return the method; ours with those who share its work."""
    return replace(method, workers=plan.workers, scheduler=plan.scheduler) if isinstance(method, Ours) else method


def _seeds(plan: Plan) -> range:
    return range(plan.seed, plan.seed + plan.repeats)


def _quietly(make: Callable[[int], Case], seed: int) -> Case:
    """Make a recording; what its deconvolution warns of stands in its notices."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return make(seed)


def _facts(case: Case, outcome: Outcome) -> dict[str, Any]:
    said, truth = outcome.inferred, case.true_weight
    found = Accuracy() if said is None else accuracy(said, truth, case.cell_type)
    off = ~np.eye(len(truth), dtype=bool)
    density = float((truth[off] != 0).mean()) if off.any() else None
    return {
        **found.to_dict(),
        "seconds": outcome.seconds,
        "peak_mib": outcome.peak_mib,
        "density": density,
        "reliability": None if said is None else reliability(said.probability, truth),
        "why": outcome.why,
    }


def _row(preset: str, method: str, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Take the median of the runs; a number is None where no run has it."""
    names = [*(f.name for f in fields(Accuracy)), *COST, "density"]
    known = {name: [each[name] for each in runs if each[name] is not None] for name in names}
    row: dict[str, Any] = {"preset": preset, "method": method}
    row |= {name: float(np.median(values)) if values else None for name, values in known.items()}
    curve = pooled([each["reliability"] for each in runs])
    row |= {"calibration_pooled": calibration(curve)[0], "reliability": curve, "runs": list(runs)}
    why = list(dict.fromkeys(each["why"] for each in runs if each["why"]))
    return row | {"why": "; ".join(why)}
