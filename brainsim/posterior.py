"""Who is connected: scores of kernels against the scores of unconnected pairs, with Dale's law, as probabilities.

An empirical Bayes model of all pairs together (Efron's two groups): most pairs are unconnected and show the null; a
share is connected, with some kernel, some strength, and the sign of its presynaptic neuron. The share, how often each
kernel and strength occurs, and the type of every neuron are learned from the scores by expectation-maximisation.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

Array = NDArray[np.float64]
Floats = NDArray[Any]  # of 32 bits
PRIOR_EXCITATORY = 0.8
STRENGTHS = (12.0, 40.0, 150.0, 600.0)
NORMAL_MEDIAN = 0.6744897501960817
NEIGHBOURS = 40.0
MOST_PAIRS = 20000
ROUNDS = 40
FEW_PAIRS = 30
STRAY = 1e-6
POOLED = 20.0  # synapses; a type with fewer borrows the strengths of all
NEGLIGIBLE = 1e-3
SMALLEST_LOG = -200.0


@dataclass(frozen=True, eq=False)
class View:
    """What the scores say about pairs, seen in one way (one baseline, whitened or not): of all, or a block of pres.

    Attributes
    ----------
    sides
        Log of how much more probable the scores are with an excitatory, with an inhibitory synapse than without,
        (2, pre, post); 0 where a pair cannot be judged.
    excitatory
        Log odds of E against I of each presynaptic neuron, (pre,).
    share
        Share of connected pairs.
    kernel
        How often each kernel occurs among synapses, (type, kernel), E first.
    delay
        Mean delay of a synapse on this pair in bins, (pre, post).
    inflation
        Spread of the scores of unconnected pairs; 1 is clean.
    """

    sides: Floats
    excitatory: Array
    share: float
    kernel: Array
    delay: Floats
    inflation: float


@dataclass(frozen=True, eq=False)
class Null:
    """Scores of unconnected pairs: location and spread of each kernel, and of each neuron's pairs.

    Most pairs are unconnected, so medians show the null. A neuron whose pairs all vary more than those of others
    (pre or post) has more common input; its factor is shrunk towards 1 by the weight of 40 pairs. No spread is taken
    to be below Poisson noise, or below that of the median kernel where even this is quieter.

    Attributes
    ----------
    middle, spread
        Of each kernel, (kernel,).
    row, column
        How much wider than most the scores of each neuron's pairs are, as pre and as post, (neuron,).
    """

    middle: Array
    spread: Array
    row: Array
    column: Array

    @classmethod
    def of(cls, some: Array, neurons: int, centred: bool) -> Self:
        """Learn it from the scores of some usable pairs, (pair, kernel); every neuron is like most as yet.

        `centred` takes the median of each kernel out: common input lifts the scores of all pairs.
        """
        middle, spread = np.zeros(some.shape[1]), np.ones(some.shape[1])
        if len(some) >= FEW_PAIRS:
            middle = np.median(some, axis=0) if centred else middle
            spread = np.maximum(np.median(np.abs(some - middle), axis=0) / NORMAL_MEDIAN, 1e-6)
        return cls(middle, spread, np.ones(neurons), np.ones(neurons))

    def typical(self, score: Floats) -> Array:
        """Return the size of the scores of a neuron's pairs, (post,)."""
        return np.asarray(np.sqrt((((score - self.middle) / self.spread) ** 2).mean(1)), np.float64)

    def by_neuron(self, typical: Floats, usable: NDArray[np.bool_]) -> Self:
        """Learn the factor of each neuron from the :meth:`typical` size of all pairs, (pre, post)."""
        n, row, column = len(typical), self.row, self.column
        if usable.sum() < FEW_PAIRS:
            return self
        middle = float(np.median(typical[usable]))
        shrunk = np.where(usable, typical, np.float32(middle))
        for _ in range(3):
            row = (n * np.median(shrunk / column, axis=1) / middle + NEIGHBOURS) / (n + NEIGHBOURS)
            column = (n * np.median(shrunk / row[:, None], axis=0) / middle + NEIGHBOURS) / (n + NEIGHBOURS)
        return replace(self, row=row, column=column)

    def standardised(self, score: Floats, usable: NDArray[np.bool_], pre: int, posts: slice = slice(None)) -> Floats:
        """Bring the scores of pairs of a neuron to the null, (post, kernel); 0 where a pair cannot be judged."""
        floor = min(1.0, float(np.median(self.spread)))
        factor = self.row[pre] * self.column[posts]
        scale = np.maximum(self.spread * factor[:, None], floor)
        found: Floats = np.where(usable[:, None], (score - self.middle) / scale, 0.0).astype(np.float32)
        return found


def sampled(usable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return every k-th usable pair, at most 20,000 of them, as places in the flat matrix."""
    pairs = np.flatnonzero(usable)
    return pairs[:: max(1, -(-len(pairs) // MOST_PAIRS))]


def posts_sampled(neurons: int) -> slice:
    """Return the postsynaptic neurons from whose pairs the two groups are learned: at most 20,000 pairs."""
    return slice(0, neurons, max(1, -(-neurons * neurons // MOST_PAIRS)))


def view(score: Array, usable: NDArray[np.bool_], known: Array) -> View:
    """Standardise scores of one kernel, learn the two groups and judge every pair.

    Parameters
    ----------
    score
        Shape (pre, post).
    usable
        Pairs that can be judged, (pre, post).
    known
        Prior log odds of E against I of each neuron, (neuron,).
    """
    n = len(score)
    plain = np.where(usable, score, 0).astype(np.float32)[:, :, None]
    null = Null.of(plain.reshape(-1, 1)[sampled(usable)].astype(float), n, centred=False)
    null = null.by_neuron(np.stack([null.typical(each) for each in plain]), usable)
    for pre in range(n):
        plain[pre] = null.standardised(plain[pre], usable[pre], pre)
    posts = posts_sampled(n)
    groups = groups_of(plain[:, posts], usable[:, posts], known)
    return groups.judged(plain, usable, np.zeros(1, np.int64), known, null.spread)


@dataclass
class Groups:
    """Share of connected pairs, and how often each kernel and strength occurs, (type, kernel x strength)."""

    share: float
    weight: Array

    def judged(
        self,
        score: Iterable[Floats],
        usable: NDArray[np.bool_],
        delay: NDArray[np.int64],
        known: Array,
        spread: Array,
    ) -> View:
        """Judge the pairs of some presynaptic neurons.

        Parameters
        ----------
        score
            Standardised scores of each presynaptic neuron, (post, kernel).
        usable
            Pairs that can be judged, (pre, post).
        delay
            Delay of each kernel in bins, (kernel,).
        known
            Prior log odds of E against I of these neurons, (pre,).
        spread
            What the scores were divided by, (kernel,).
        """
        kept = self.weight.max(0) > NEGLIGIBLE * self.weight.max()
        when, odds = np.repeat(delay, len(STRENGTHS))[kept], known.astype(float)
        sides, late = np.zeros((2, *usable.shape), np.float32), np.zeros(usable.shape, np.float32)
        for pre, each in enumerate(score):
            side, mean_delay = np.zeros((2, len(each))), np.zeros((2, len(each)))
            for k, sign in enumerate((1.0, -1.0)):
                ratio, scale = _likelihood_ratio(each, sign, kept)
                found = ratio * self.weight[k, kept]
                side[k] = np.log(found.sum(1)) + scale
                mean_delay[k] = (found @ when) / found.sum(1)
            pair = np.where(usable[pre], log_probability(side, self.share), 0.0)
            odds[pre] += pair[0].sum() - pair[1].sum()
            sides[:, pre] = np.where(usable[pre], side, 0.0)
            late[pre] = np.where(odds[pre] + side[0] - side[1] >= 0, *mean_delay)
        kernel = self.weight.reshape(2, -1, len(STRENGTHS)).sum(2)
        inflation = float(np.sqrt((kernel.mean(0) * np.maximum(spread, 1) ** 2).sum()))
        return View(sides, odds, self.share, kernel, late, inflation)


def groups_of(score: Floats, usable: NDArray[np.bool_], known: Array) -> Groups:
    """Learn the two groups by expectation-maximisation.

    Parameters
    ----------
    score
        Standardised scores, (pre, post, kernel), of some posts.
    usable
        Pairs that can be judged, (pre, post).
    known
        Prior log odds of E against I of each neuron, (pre,).
    """
    n, posts, kernels = score.shape
    every = np.ones(kernels * len(STRENGTHS), bool)
    ratio, scale = [], np.zeros((2, n * posts))
    for s, sign in enumerate((1.0, -1.0)):
        made, scale[s] = _likelihood_ratio(score.reshape(n * posts, kernels), sign, every)
        ratio.append(made.astype(np.float32))
    groups = Groups(0.05, np.full((2, len(every)), 1 / len(every)))
    if usable.sum() < FEW_PAIRS:
        return groups
    flat = usable.ravel()
    for _ in range(ROUNDS):
        seen = np.array([ratio[s] @ groups.weight[s].astype(np.float32) for s in range(2)], float)
        sides = np.log(seen) + scale
        pair = np.where(flat, log_probability(sides, groups.share), 0.0)
        odds = known + (pair[0] - pair[1]).reshape(n, posts).sum(1)
        excitatory = np.repeat(1 / (1 + np.exp(-np.clip(odds, -50, 50))), posts)
        belongs = np.where(flat, np.exp(sides - pair) * groups.share, 0.0) * np.stack([excitatory, 1 - excitatory])
        blame = (belongs / seen).astype(np.float32)
        found = np.stack([groups.weight[s] * (blame[s] @ ratio[s]).astype(float) for s in range(2)])
        found = found.reshape(2, kernels, len(STRENGTHS))
        kernel = found.sum(2) + 1 / kernels
        strength = found.sum(1) + POOLED * (found.sum((0, 1)) + 1) / (found.sum() + len(STRENGTHS))
        kernel, strength = kernel / kernel.sum(1, keepdims=True), strength / strength.sum(1, keepdims=True)
        groups.weight = (kernel[:, :, None] * strength[:, None]).reshape(2, -1)
        groups.share = float(np.clip((belongs.sum() + 1) / (flat.sum() + 20), 1e-4, 0.5))
    return groups


def log_probability(sides: Array, share: float) -> Array:
    """Return how much more probable each pair is if its neuron is E, if it is I, than without any synapse, in nats.

    A pair has a synapse of its neuron's sign or none; one in a million looks like a synapse of either sign and is
    none. So no single pair decides the type of a neuron.

    Parameters
    ----------
    sides
        Evidence for an excitatory and for an inhibitory synapse, (2, ...).
    share
        Share of connected pairs.
    """
    without = np.logaddexp(np.log1p(-share), np.log(STRAY / 2) + np.logaddexp(*sides))
    return np.asarray(np.logaddexp(without, np.log(share) + sides), np.float64)


def _likelihood_ratio(score: NDArray[np.float32], sign: float, kept: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return how much more probable each score is with a synapse, (pair, kernel x strength that is kept).

    A synapse of variance V (in units of the noise) and the right sign, half-normal, gives the score z the ratio
    2 Phi(sign z sqrt(V/(1+V))) exp(z^2 V/(1+V)/2) / sqrt(1+V). The largest ratio of each pair is taken out, and its
    logarithm returned as well, (pair,).
    """
    columns = np.flatnonzero(kept)
    variance = np.array(STRENGTHS)[columns % len(STRENGTHS)]
    part = variance / (1 + variance)
    z = score[:, columns // len(STRENGTHS)].astype(float)
    log = 0.5 * z * z * part - 0.5 * np.log1p(variance) + np.log(2)
    z *= sign * np.sqrt(part)
    log += log_ndtr(z, out=z)
    scale = log.max(1)
    log -= scale[:, None]
    return np.exp(np.maximum(log, SMALLEST_LOG, out=log), out=log), scale
