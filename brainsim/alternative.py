"""What else than a synapse may have made a correlogram: hidden input to both neurons, a synapse of the other direction.

A synapse begins to act after its delay: its peak rises within the jitter of spikes and decays slowly. Hidden neurons
make peaks as well, but they rise more slowly (:mod:`brainsim.hidden_peak`). And what the other direction of the pair
does must not be taken for something that this one does. So each pair is explained in four ways: by nothing, by hidden
input, by the other direction, by both; a synapse adds to each.

    without a synapse   1 + H + B + A1 A2
    with a synapse of ratio S   S' + A1 S1 + A1 A2 S2

H and B are the odds of hidden input and of the other direction, given the scores; A1 is the larger one, A2 the odds of
the other in what is left, S1 and S2 the ratios of a synapse in what is left then. Shapes are known to some percent
only, which matters where peaks are large: what is left is divided by the error of what was taken out, and what the
shapes say is divided by the more, the larger the peak. With D how much more probable a peak of that height is with a
synapse than with hidden input, which no shape tells, S' = H D (S / (H D))^(1/doubt).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from brainsim.strength import Floats, Levels, Strength

Array = NDArray[np.float64]
Places = NDArray[np.int64]
MISFIT, AGAIN = 0.1, 0.12  # error of what is taken out, over its size; of what is taken out of the rest
DOUBT = 0.05  # ... of the shapes of a peak
REPEATED = 0.5  # how often the other direction is connected, over how often any pair is
LEAST = 0.2  # share of a score's variance that stays however much it is like what is taken out
SMALLEST = 1e-300


@dataclass(frozen=True, eq=False)
class Kind:
    """Effects of one kind: how often each kernel and each strength occurs, and their sign.

    Attributes
    ----------
    kernel
        How often each kernel occurs, (kernel,).
    strength
        Strengths, and the sign.
    """

    kernel: Array
    strength: Strength

    def weighed(self, score: Floats, level: Levels | None) -> Floats:
        """Return the log ratio of every kernel times how often it occurs, (pair, kernel); `level` is of each pair."""
        often = np.log(np.maximum(self.kernel / max(self.kernel.sum(), SMALLEST), SMALLEST))
        found: Floats = self.strength.log_ratio(score, level) + often.astype(np.float32)
        return found

    def log_ratio(self, score: Floats, level: Levels | None) -> Array:
        """Return how much more probable the scores of each pair are with such an effect, in nats, (pair,)."""
        return summed(self.weighed(score, level))


@dataclass(frozen=True, eq=False)
class Explained:
    """Scores of pairs without what else may have made them.

    Attributes
    ----------
    hidden, back, both
        Log odds of hidden input, of the other direction, and of both, (pair,).
    first
        Which of the two is the likelier one, (pair,): 0 or 1.
    left
        Scores of the kernels of synapses without the likelier one, and without both, (explanation, pair, kernel).
    doubt
        By how much less than they say shapes count against hidden input, (pair,).
    higher
        How much more probable a peak of the height of the likeliest hidden input is with an excitatory synapse than
        with hidden input, whatever its shape, in nats, (pair,).
    """

    hidden: Array
    back: Array
    both: Array
    first: Places
    left: Sequence[Floats]
    doubt: Array
    higher: Array

    @cached_property
    def nothing(self) -> Array:
        """How much more probable the scores are without a synapse than if nothing at all happened, in nats, (pair,)."""
        none: Array = np.logaddexp.reduce([np.zeros_like(self.both), self.hidden, self.back, self.both])
        return none

    @property
    def likely(self) -> tuple[Array, Array]:
        """Log odds of the likelier explanation, and of both together, (pair,) each."""
        return np.where(self.first == 0, self.hidden, self.back), self.both

    def updated(self, hidden: Array) -> Self:
        """Return the same with other log odds of hidden input, (pair,)."""
        return replace(self, hidden=hidden, both=self.both + hidden - self.hidden)

    def evidence(self, alone: Array, ratio: Callable[[Floats], Array], excites: bool) -> Array:
        """Return how much more probable the scores are with a synapse than without, in nats, (pair,).

        Parameters
        ----------
        alone
            How much more probable they are with a synapse and nothing else than with nothing, (pair,).
        ratio
            Gives the same for scores of which something has been taken out.
        excites
            Whether it is an excitatory synapse.
        """
        return self.joined(alone, [ratio(each) for each in self.left], excites)

    def joined(self, alone: Array, beyond: Sequence[Array], excites: bool) -> Array:
        """Return the same where the ratio in what each explanation leaves is known, (explanation, pair)."""
        more = [likely + ratio for likely, ratio in zip(self.likely, beyond, strict=True)]
        whole: Array = np.logaddexp.reduce([self.alone(alone, excites), *more])
        return whole - self.nothing

    def alone(self, alone: Array, excites: bool) -> Array:
        """Bring a synapse without any explanation nearer to hidden input, as far as shapes are not known."""
        rival = np.maximum(self.hidden, 0.0) + (self.higher if excites else 0.0)
        return np.where(self.hidden > 0, rival + (alone - rival) / self.doubt, alone)


@dataclass(frozen=True, eq=False)
class Alternatives:
    """What else there may be in a recording.

    Attributes
    ----------
    kinds
        Number of kernels of synapses, of hidden input, and of the other direction.
    overlap
        Correlation of the scores of all kernels without a synapse, (kernel, kernel).
    hidden
        Hidden input, and the log odds of it before anything is seen.
    back
        Synapses of the other direction, excitatory and inhibitory, and the log odds of each.
    excites
        Strengths of excitatory synapses.
    """

    kinds: tuple[int, int, int]
    overlap: Array
    hidden: tuple[Kind, float]
    back: tuple[tuple[Kind, float], ...]
    excites: Strength

    def explain(self, score: Floats, level: Levels | None) -> Explained:
        """Explain pairs of some levels, (pair,), by scores of the kernels of all kinds, (pair, kernel)."""
        synapses = self.kinds[0]
        odds, best = self._odds(score, level)
        first = np.argmax(odds, axis=0)
        one, other = np.arange(len(score)), 1 - first
        taken = best[first, one]
        size = score[one, taken][:, None]
        left = self._left(score, self.overlap[taken], size, MISFIT)
        again, found = self._odds(left, level)
        both = odds[first, one] + again[other, one]
        second = found[other, one]
        rest = self._left(left[:, :synapses], self._partial(taken, second), left[one, second][:, None], AGAIN)
        height = score[one, best[0]]
        doubt = 1 + (DOUBT * height.astype(float)) ** 2
        higher = self.excites.log_ratio(height, level) - self.hidden[0].strength.log_ratio(height, level)
        return Explained(odds[0], odds[1], both, first, (left[:, :synapses], rest), doubt, higher.astype(float))

    def _odds(self, score: Floats, level: Levels | None) -> tuple[Array, Places]:
        """Return the log odds of hidden input and of the other direction, and the likeliest kernel, (2, pair)."""
        synapses, peaks, _ = self.kinds
        (kind, odds), ahead = self.hidden, synapses + peaks
        each = kind.weighed(score[:, synapses:ahead], level)
        behind = [k.weighed(score[:, ahead:], level) + np.float32(often) for k, often in self.back]
        either = np.maximum(*behind)
        found = np.stack([summed(each) + odds, np.logaddexp(*(summed(k) for k in behind))])
        return found, np.stack([synapses + each.argmax(1), ahead + either.argmax(1)])

    def _partial(self, taken: Places, second: Places) -> Floats:
        """Correlate the scores of synapses with the second explanation where the first is taken out, (pair, kernel)."""
        overlap, synapses = self.overlap, self.kinds[0]
        first, both = overlap[taken, :synapses], overlap[taken, second][:, None]
        free = np.sqrt(np.maximum((1 - first**2) * (1 - both**2), LEAST))
        found: Floats = np.clip((overlap[second, :synapses] - first * both) / free, -0.99, 0.99)
        return found

    def _left(self, score: Floats, overlap: Array, size: Floats, misfit: float) -> Floats:
        """Take out a kernel of which each score has its share, (pair, kernel); scores are normal again."""
        part = overlap.astype(np.float32)
        scale = np.sqrt(np.maximum(1 - part**2, np.float32(LEAST)) + (np.float32(misfit) * size) ** 2)
        found: Floats = (score - part * size) / scale
        return found


def summed(log: Floats) -> Array:
    """Return the logarithm of the sum over the last axis."""
    top = log.max(-1)
    return np.asarray(top + np.log(np.exp(log - top[..., None]).sum(-1)), np.float64)
