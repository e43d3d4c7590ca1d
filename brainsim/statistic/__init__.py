"""Statistics that hold one recording against another: one file each, named as in ``metrics.json``."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from brainsim.description import Described
from brainsim.evidence import Evidence

Draw = Callable[[np.random.Generator], float]


@dataclass(frozen=True)
class Measure:
    """A value, or why there is none.

    Parameters
    ----------
    value
        In the unit of the statistic; None where `why` says why.
    why
        The reason.
    draw
        Gives one bootstrap replicate over trials; None where that is too dear.
    n
        Of what is counted in a histogram, how many there are on the candidate's side: a divergence means nothing
        without it; None where that is no question.
    """

    value: float | None
    why: str = ""
    draw: Draw | None = None
    n: int | None = None

    def error(self, seed: int, resamples: int = 60) -> float | None:
        """Return the bootstrap standard error over trials; None where there is none.

        Notes
        -----
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 6: 50 replicates suffice for a standard
        error.
        """
        if self.draw is None or self.value is None:
            return None
        rng = np.random.default_rng(seed)
        replicates = np.array([self.draw(rng) for _ in range(resamples)])
        replicates = replicates[np.isfinite(replicates)]
        return float(replicates.std(ddof=1)) if len(replicates) > resamples // 2 else None


@dataclass(frozen=True)
class Statistic(Described, ABC):
    """One number that says how alike two recordings are in one respect.

    Class attributes
    ----------------
    title
        What to call it in a sentence or on a figure.
    unit
        Unit of the number, ``"1"`` where it has none.
    better
        ``"lower"``, ``"higher"`` or ``"floor"`` (the nearer to the value of real held-out trials the better).
    split
        Which split of the recording it needs (:mod:`brainsim.evidence`).
    respect
        What a source misses that is far from the floor, in the plural: "the noise correlations".
    tolerance
        A distance from the floor that nobody would call a difference, in `unit`.
    decides
        Whether the verdict counts it.
    min_stimuli, min_frames, events
        What it needs: number of stimuli, frames per trial, events.
    cheap
        Whether the floor is computed on many random splits too, for its standard error.
    bounds
        Smallest and largest possible value.
    """

    title: ClassVar[str] = ""
    unit: ClassVar[str] = "1"
    better: ClassVar[str] = "lower"
    split: ClassVar[str] = "interleaved"
    respect: ClassVar[str] = ""
    tolerance: ClassVar[float] = 0.1
    decides: ClassVar[bool] = True
    min_stimuli: ClassVar[int] = 0
    min_frames: ClassVar[int] = 1
    events: ClassVar[bool] = False
    cheap: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))

    def __call__(self, evidence: Evidence) -> Measure:
        """Return the value for the candidate, or None and why."""
        return self._guarded(evidence, self.measure)

    def on_held_out(self, evidence: Evidence) -> Measure:
        """Return the real-vs-real floor: the value of real trials in place of the candidate, or None and why."""
        return self._guarded(evidence, self.floor)

    @abstractmethod
    def measure(self, evidence: Evidence) -> Measure:
        """Compute the value for the candidate; what the statistic needs is there."""

    def floor(self, evidence: Evidence) -> Measure:
        """Compute the floor: by default the training part against the held-out part of the recording."""
        return self.measure(evidence.with_candidate(evidence.split.training))

    def gap(self, value: float, floor: float) -> float:
        """Return how much worse than the floor a value is, in `unit`; not above 0 where it is not worse."""
        return {"lower": value - floor, "higher": floor - value}.get(self.better, abs(value - floor))

    def _guarded(self, evidence: Evidence, compute: Callable[[Evidence], Measure]) -> Measure:
        why = self._lacking(evidence)
        if why:
            return Measure(None, why)
        measure = compute(evidence)
        if measure.value is not None and not np.isfinite(measure.value):
            return Measure(None, "too many values are missing")
        return measure

    def _lacking(self, evidence: Evidence) -> str:
        """Return what is missing for this statistic, empty where nothing is."""
        split, candidate = evidence.split, evidence.candidate
        if min(len(split.training), len(split.held_out), len(candidate)) < 4:
            return "it needs at least four trials on each side"
        if candidate.frames < self.min_frames:
            return f"it needs {self.min_frames} frames per trial, and a trial has {candidate.frames}"
        if self.events and (candidate.event is None or split.held_out.event is None):
            return "it needs events, and a trial has one frame"
        return self._lacking_stimuli(evidence) if self.min_stimuli else ""

    def _lacking_stimuli(self, evidence: Evidence) -> str:
        kinds = (
            set(evidence.split.held_out.stimuli)
            & set(evidence.split.training.stimuli)
            & set(evidence.candidate.stimuli)
        )
        if not evidence.split.recorded.stimuli or not evidence.candidate.stimuli:
            return "it needs stimuli, and one side has none"
        return (
            f"it needs {self.min_stimuli} stimuli that both sides have, and there are {len(kinds)}"
            if len(kinds) < self.min_stimuli
            else ""
        )
