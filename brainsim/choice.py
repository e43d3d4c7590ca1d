"""Choosing the penalty's weight and the epoch to stop at, on trials that the generator is not trained on.

A fifth of the training trials of each stimulus is put aside, every candidate (penalty, epoch) is trained on the others,
and the statistics of the report card rank them; the best mean rank wins, and among equals the shortest training. The
start counts as epoch 0: adversarial training that does not improve held-out statistics is not used.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from brainsim import catalog
from brainsim.evidence import Evidence, Sample, Split
from brainsim.generated import generate
from brainsim.model import Model
from brainsim.scaling import TrainingTrials
from brainsim.setting import Plan, Setting
from brainsim.training import Trainer

FIFTH = 5
FEWEST = 20
STATISTICS = (
    "noise_correlation_r",
    "signal_correlation_r",
    "rate_wasserstein",
    "population_count_kl",
    "autocorrelation_rmse",
    "psd_rmse",
    "c2st_linear",
    "c2st_forest",
)


@dataclass(frozen=True)
class Choice:
    """What was chosen, and why.

    Attributes
    ----------
    penalty
        Weight of the penalty.
    epoch
        Where the training stops; None for its end.
    why
        How it was chosen, in words.
    candidates
        Penalty, epoch, mean rank and the gap of each statistic to its floor, for every candidate.
    """

    penalty: float
    epoch: int | None
    why: str
    candidates: tuple[dict[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for `config.json`."""
        return {**asdict(self), "candidates": list(self.candidates)}


def tried(kind: type[Model], asked: Setting) -> tuple[float, ...]:
    """Return the penalties to be tried; none where nothing is open."""
    penalties = kind.penalties if asked.penalty is None else (asked.penalty,)
    return penalties if kind.penalties and (asked.early_stop or len(penalties) > 1) else ()


def trainings(kind: type[Model], asked: Setting, trials: TrainingTrials) -> int:
    """Return how many trainings choosing takes; 0 where nothing is open or fewer than 20 trials can be put aside."""
    return len(tried(kind, asked)) if _aside(trials.label).sum() >= FEWEST else 0


def choose(
    kind: type[Model], asked: Setting, setting: Plan, trials: TrainingTrials, told: Callable[[int, str], None]
) -> Choice:
    """Choose penalty and epoch.

    Parameters
    ----------
    kind
        The model.
    asked, setting
        Hyperparameters as the user gave them, and complete.
    trials
        All training trials.
    told
        Called with the number of epochs done and what is tried.
    """
    penalties, aside = tried(kind, asked), _aside(trials.label)
    if not penalties:
        return Choice(setting.penalty, None, "as set")
    if not trainings(kind, asked, trials):
        why = f"too few trials to choose on ({aside.sum()} could be put aside): as set"
        return Choice(setting.penalty, None, why)
    judge = _Judge(trials, aside, setting.seed)
    found: list[dict[str, Any]] = []
    start = Trainer(kind(), setting, judge.training, alone=True).generator.cpu()
    for place, penalty in enumerate(penalties):
        trainer = Trainer(kind(penalty), replace(setting, penalty=penalty), judge.training, start, alone=True)
        if not place:
            found.append({"penalty": penalty, "epoch": 0, **judge.gaps(trainer)})
        for epoch in range(1, setting.epochs + 1):
            trainer.epoch()
            told(place * setting.epochs + epoch, f"trying penalty {penalty:g}")
            if epoch % setting.sample_interval == 0 or epoch == setting.epochs:
                found.append({"penalty": penalty, "epoch": epoch, **judge.gaps(trainer)})
    return _best(found, setting)


def _best(found: list[dict[str, Any]], setting: Plan) -> Choice:
    """Rank the candidates; without early stopping only whole trainings count."""
    counted = [each for each in found if setting.early_stop or each["epoch"] == setting.epochs]
    names = [name for name in STATISTICS if all(np.isfinite(each[name]) for each in counted)]
    ranks = np.mean([rankdata([each[name] for each in counted]) for name in names], 0)
    rows = tuple({**each, "mean_rank": float(rank)} for each, rank in zip(counted, ranks, strict=True))
    best = min(rows, key=lambda each: (each["mean_rank"], each["epoch"]))
    why = f"best mean rank of {len(rows)} candidates on {len(names)} statistics of trials put aside"
    plain = tuple(
        {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in row.items()} for row in rows
    )
    return Choice(best["penalty"], best["epoch"], why, plain)


def _aside(label: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return every fifth trial of each stimulus."""
    aside = np.zeros(len(label), bool)
    for each in np.unique(label):
        aside[np.flatnonzero(label == each)[FIFTH - 1 :: FIFTH]] = True
    return aside


class _Judge:
    """The trials put aside, and how far a generator's statistics are from their floors."""

    def __init__(self, trials: TrainingTrials, aside: NDArray[np.bool_], seed: int) -> None:
        self.training, self.seed = trials.take(~aside), seed
        whole = _sample(trials)
        self.split = Split("interleaved", whole, whole.take(~aside), whole.take(aside))
        self.statistics = {name: catalog.get("statistic", name)() for name in STATISTICS}
        evidence = Evidence(self.split, self.split.training, whole, seed)
        self.floors = {name: each.on_held_out(evidence).value for name, each in self.statistics.items()}

    def gaps(self, trainer: Trainer) -> dict[str, float]:
        """Return the gap of each statistic to its floor, NaN where there is none."""
        label = np.repeat(self.training.label, 2)
        network = trainer.mean_generator.cpu()
        made = generate(network, label, self.seed).astype(float)
        network.to(trainer.device)
        stimulus = np.array(self.training.stimuli)[label]
        candidate = Sample(made, 1.0, stimulus)
        half = candidate.take(np.arange(len(label)) % 2 == 0)
        evidence = Evidence(self.split, half, candidate, self.seed)
        gaps = {}
        for name, statistic in self.statistics.items():
            floor, value = self.floors[name], statistic(evidence).value
            gaps[name] = np.nan if floor is None or value is None else float(statistic.gap(value, floor))
        return gaps


def _sample(trials: TrainingTrials) -> Sample:
    """Return training trials as statistics look at them, missing frames NaN."""
    trace = trials.activity.astype(float)
    if trials.seen is not None:
        trace[trials.seen == 0] = np.nan
    return Sample(trace.transpose(0, 2, 1), 1.0, np.array(trials.stimuli)[trials.label])
