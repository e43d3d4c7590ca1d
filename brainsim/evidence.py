"""What statistics look at: the trials of two recordings, prepared once and alike, as frozen arrays.

Two splits of a recording, both named in every result (`Recording` below is the real one):

- *interleaved*: of every five trials of a stimulus two are held out, in turn, so that slow drift is in both parts
  alike. For distributions. Where a source says which trials it was trained on, these are its training part.
- *blocks*: the first half of the trials of each stimulus against its second half, in order of time. For decoding, where
  an interleaved split would measure slow drift as well.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from brainsim.missing import Floats, mean
from brainsim.trial import held_out


@dataclass(frozen=True, eq=False)
class Sample:
    """Trials of one recording.

    Parameters
    ----------
    trace
        Calcium (or spikes per frame), shape (trial, time, neuron); NaN where a frame is missing.
    rate
        Frames per second [Hz].
    stimulus
        Name of the stimulus of each trial, shape (trial,); None where there are no stimuli.
    event
        1 where a neuron was active in a frame, 0 where not, NaN where missing, shape (trial, time, neuron); None where
        a trial has one frame only, or where nobody needs it.
    """

    trace: Floats
    rate: float
    stimulus: NDArray[np.str_] | None = None
    event: Floats | None = None

    def __len__(self) -> int:
        return len(self.trace)

    def take(self, trials: NDArray[np.int64] | NDArray[np.bool_]) -> "Sample":
        """Return some of the trials, by index or by mask."""
        stimulus = None if self.stimulus is None else self.stimulus[trials]
        return replace(
            self, trace=self.trace[trials], stimulus=stimulus, event=None if self.event is None else self.event[trials]
        )

    @property
    def frames(self) -> int:
        """Frames per trial."""
        return int(self.trace.shape[1])

    @property
    def stimuli(self) -> list[str]:
        """Names of the stimuli, sorted."""
        return [] if self.stimulus is None else sorted(set(self.stimulus.tolist()))

    @cached_property
    def activity(self) -> Floats:
        """Mean of each trial over its frames, missing frames left out, shape (trial, neuron)."""
        return mean(self.trace, 1)

    @cached_property
    def feature(self) -> Floats:
        """Every frame of every neuron as one row per trial, shape (trial, time * neuron)."""
        return self.trace.reshape(len(self), -1)

    @cached_property
    def event_rate(self) -> Floats:
        """Events per second [Hz] in each trial, or the activity where a trial has one frame, shape (trial, neuron)."""
        return self.activity if self.event is None else mean(self.event, 1) * self.rate

    @cached_property
    def class_mean(self) -> Floats:
        """Mean activity under each of :attr:`stimuli` (of all trials where there are none), (stimulus, neuron)."""
        return np.stack([mean(self.activity[self.where(name)], 0) for name in self.stimuli or [""]])

    @cached_property
    def residual(self) -> Floats:
        """Activity minus the mean under the same stimulus (or of all trials), shape (trial, neuron)."""
        kinds = np.array(self.stimuli or [""])
        return self.activity - self.class_mean[np.searchsorted(kinds, self.labels)]

    @property
    def labels(self) -> NDArray[np.str_]:
        """The stimulus of each trial; one empty name for all where there are none."""
        return np.full(len(self), "") if self.stimulus is None else self.stimulus

    def where(self, name: str) -> NDArray[np.bool_]:
        """Return which trials have the stimulus `name`."""
        return np.asarray(self.labels == name)


@dataclass(frozen=True, eq=False)
class Split:
    """A recording and its two parts; `name` is ``"interleaved"`` or ``"blocks"``."""

    name: str
    recorded: Sample
    training: Sample
    held_out: Sample


@dataclass(frozen=True, eq=False)
class Evidence:
    """What one statistic is given: the recording, split, and the candidate to hold against it.

    Parameters
    ----------
    split
        The recording, its training part and its held-out part.
    candidate
        Trials of the other recording, as many of each stimulus as the training part has where there are enough.
    whole
        All trials of the other recording.
    seed
        Of everything random inside a statistic.
    """

    split: Split
    candidate: Sample
    whole: Sample
    seed: int = 0

    def with_candidate(self, candidate: Sample) -> "Evidence":
        """Return the same evidence on another candidate."""
        return replace(self, candidate=candidate, whole=candidate)

    @property
    def events(self) -> tuple[Floats, Floats]:
        """Events of the held-out and of the candidate trials, for statistics that need them (`Statistic.events`)."""
        ours, theirs = self.split.held_out.event, self.candidate.event
        if ours is None or theirs is None:
            raise ValueError("trials of one frame have no events")
        return ours, theirs

    @cached_property
    def pair(self) -> tuple[Sample, Sample]:
        """Held-out and candidate trials, equally many of each stimulus."""
        rng = np.random.default_rng(self.seed)
        held_out, candidate = self.split.held_out, self.candidate
        counts = {n: min(held_out.where(n).sum(), candidate.where(n).sum()) for n in np.unique(held_out.labels)}
        if not sum(counts.values()):
            size = min(len(held_out), len(candidate))
            return held_out.take(np.sort(rng.permutation(len(held_out))[:size])), candidate.take(
                np.sort(rng.permutation(len(candidate))[:size])
            )
        return draw(held_out, counts, rng), draw(candidate, counts, rng)


def draw(sample: Sample, counts: dict[str, int], rng: np.random.Generator) -> Sample:
    """Return `counts` trials of each stimulus (fewer where there are fewer), chosen at random, in order."""
    chosen = [rng.permutation(np.flatnonzero(sample.where(name)))[:count] for name, count in counts.items()]
    return sample.take(np.sort(np.concatenate(chosen)))


def random_split(recorded: Sample, rng: np.random.Generator) -> Split:
    """Hold out two fifths of the trials of each stimulus at random: how much a floor depends on which ones."""
    out = np.zeros(len(recorded), bool)
    for kind in np.unique(recorded.labels):
        trials = rng.permutation(np.flatnonzero(recorded.labels == kind))
        out[trials[: len(trials) * 2 // 5]] = True
    return Split("random", recorded, recorded.take(~out), recorded.take(out))


def split(recorded: Sample, name: str, out: NDArray[np.bool_] | None = None) -> Split:
    """Split a recording.

    Parameters
    ----------
    recorded
        All trials.
    name
        ``"interleaved"`` or ``"blocks"``: see :func:`brainsim.trial.held_out`.
    out
        Which trials to hold out in place of that, shape (trial,).
    """
    out = held_out(recorded.labels, name) if out is None else out
    return Split(name, recorded, recorded.take(~out), recorded.take(out))
