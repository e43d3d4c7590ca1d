"""One recording as a yardstick: its splits, its real-vs-real floors and its rivals, computed once for all sources."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainsim import catalog, rival
from brainsim.evidence import Evidence, Sample, Split, draw, random_split, split
from brainsim.statistic import Measure, Statistic

SPLITS = ("interleaved", "blocks")
RANDOM_SPLITS = 10


@dataclass(frozen=True)
class Score:
    """One metric of one source beside its floor and its rivals.

    Parameters
    ----------
    value, floor
        In `unit`; None where they cannot be computed, `why` says the reason.
    rivals
        Value of every rival, the photocopy among them.
    n
        What a divergence of histograms rests on: how many values the source has.
    note
        What the source has seen of the trials that it is tested on; empty where it has seen none, or nothing is known.
    rival, rival_name
        The best rival that is no cheat.
    ci95
        Value plus and minus 1.96 bootstrap standard errors over trials, within the possible range; None where none.
    error
        Standard error of value minus floor, from the bootstrap and, for cheap statistics, from random splits of the
        recording; 0 where unknown.
    """

    value: float | None
    floor: float | None = None
    rival: float | None = None
    rival_name: str | None = None
    ci95: tuple[float, float] | None = None
    unit: str = "1"
    why: str = ""
    error: float = 0.0
    rivals: dict[str, float | None] = field(default_factory=dict)
    n: int | None = None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what ``metrics.json`` holds."""
        facts: dict[str, Any] = {
            "value": self.value,
            "floor": self.floor,
            "rival": self.rival,
            "rival_name": self.rival_name,
            "ci95": list(self.ci95) if self.ci95 else None,
            "unit": self.unit,
            "rivals": self.rivals,
        }
        told = {"why": self.why, "n": self.n, "note": self.note}
        return facts | {key: value for key, value in told.items() if value not in ("", None)}


class Yardstick:
    """Holds sources against one recording.

    Parameters
    ----------
    recorded
        Trials of the recording.
    with_events
        Gives the trials of a rival their events, as the recording got its own.
    seed
        Of the rivals, the bootstrap and the classifiers.
    training
        Which trials the sources were trained on, shape (trial,): the interleaved split is made of these and the others.
    """

    def __init__(
        self,
        recorded: Sample,
        with_events: Callable[[Sample], Sample],
        seed: int = 0,
        training: NDArray[np.bool_] | None = None,
    ) -> None:
        self.recorded, self.seed = recorded, seed
        held_out = {} if training is None else {"interleaved": ~training}
        self.splits = {name: split(recorded, name, held_out.get(name)) for name in SPLITS}
        self.statistics: dict[str, Statistic] = {name: kind() for name, kind in catalog.entries("statistic").items()}
        rng = np.random.default_rng(seed)
        self.rivals: dict[str, dict[str, Sample]] = {name: {} for name in SPLITS}
        for name, part in self.splits.items():
            for title, make in rival.RIVALS.items():
                made = make(part.training, rng)
                self.rivals[name][title] = with_events(made) if made.event is None and name == "interleaved" else made
        self._base: dict[str, tuple[Measure, float, dict[str, float | None]]] = {}

    def score(self, name: str, source: Sample) -> Score:
        """Return one metric of one source."""
        statistic = self.statistics[name]
        part = self.splits[statistic.split]
        measure = statistic(
            Evidence(
                part, _matched(source, part.training, self.seed), _matched(source, self.recorded, self.seed), self.seed
            )
        )
        floor, floor_error, rivals = self._floor(name, part)
        if measure.value is None:
            return Score(None, floor.value, unit=statistic.unit, why=measure.why, rivals=rivals)
        error = measure.error(self.seed)
        best = self._best(statistic, floor.value, rivals)
        low, high = statistic.bounds
        interval = (
            None if error is None else (max(low, measure.value - 1.96 * error), min(high, measure.value + 1.96 * error))
        )
        spread = float(np.hypot(error or 0.0, floor_error))
        return Score(
            measure.value, floor.value, rivals.get(best or ""), best, interval, statistic.unit, "", spread, rivals,
            measure.n,
        )  # fmt: skip

    def _floor(self, name: str, part: Split) -> tuple[Measure, float, dict[str, float | None]]:
        """Return floor, its standard error and the value of each rival, computed on first use."""
        if name not in self._base:
            statistic = self.statistics[name]
            evidence = Evidence(part, part.training, self.recorded, self.seed)
            floor = statistic.on_held_out(evidence)
            compared = self.rivals[part.name].items() if statistic.respect else ()
            rivals = {title: statistic(evidence.with_candidate(sample)).value for title, sample in compared}
            self._base[name] = floor, max(floor.error(self.seed) or 0.0, self._spread(statistic)), rivals
        return self._base[name]

    def _spread(self, statistic: Statistic) -> float:
        """Return the standard deviation of the floor over random splits, where the statistic is cheap.

        It is multiplied by the square root of 2, as splits of one recording share trials and two recordings do not
        (Nadeau and Bengio 2003, Machine Learning 52:239).
        """
        if not statistic.cheap:
            return 0.0
        rng = np.random.default_rng(self.seed)
        parts = (random_split(self.recorded, rng) for _ in range(RANDOM_SPLITS))  # one at a time: each is a copy
        floors = [statistic(Evidence(part, part.training, self.recorded, self.seed)).value for part in parts]
        known = [value for value in floors if value is not None]
        return float(np.sqrt(2) * np.std(known, ddof=1)) if len(known) > 1 else 0.0

    def _best(self, statistic: Statistic, floor: float | None, rivals: dict[str, float | None]) -> str | None:
        """Return the rival with the smallest gap to the floor; a cheat does not count."""
        fair = {title: value for title, value in rivals.items() if value is not None and title != rival.PHOTOCOPY}
        if floor is None or not fair:
            return None
        return min(fair, key=lambda title: statistic.gap(fair[title], floor))


def _matched(source: Sample, like: Sample, seed: int) -> Sample:
    """Return as many trials of each stimulus as `like` has, all of them where there are fewer."""
    rng = np.random.default_rng(seed)
    return draw(source, {name: int(like.where(name).sum()) for name in np.unique(like.labels)}, rng)
