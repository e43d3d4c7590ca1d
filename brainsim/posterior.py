"""Who is connected: scores of kernels against the scores of unconnected pairs, with Dale's law, as probabilities.

An empirical Bayes model of all pairs together (Efron's two groups): most pairs are unconnected and show the null; a
share is connected, with some kernel, some strength, and the sign of its presynaptic neuron. The share, how often each
kernel and strength occurs, and the type of every neuron are learned from the scores by expectation-maximisation.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

Array = NDArray[np.float64]
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
    """What the scores say about every pair, seen in one way (one baseline, whitened or not).

    Attributes
    ----------
    sides
        Log of how much more probable the scores are with an excitatory, with an inhibitory synapse than without,
        (2, pre, post); 0 where a pair cannot be judged.
    excitatory
        Log odds of E against I of each neuron, (neuron,).
    share
        Share of connected pairs.
    kernel
        How often each kernel occurs among synapses, (type, kernel), E first.
    delay
        Mean delay of a synapse on this pair in bins, (pre, post).
    inflation
        Spread of the scores of unconnected pairs; 1 is clean.
    """

    sides: Array
    excitatory: Array
    share: float
    kernel: Array
    delay: Array
    inflation: float


def standardised(
    score: NDArray[np.float32], usable: NDArray[np.bool_], centred: bool
) -> tuple[NDArray[np.float32], Array]:
    """Bring scores to the null: location and spread of each kernel from all pairs, and of each neuron's pairs.

    Most pairs are unconnected, so medians show the null. A neuron whose pairs all vary more than those of others
    (pre or post) has more common input; its factor is shrunk towards 1 by the weight of 40 pairs. No spread is taken
    to be below Poisson noise, or below that of the median kernel where even this is quieter.

    Parameters
    ----------
    score
        Shape (pre, post, kernel).
    usable
        Pairs that can be judged, (pre, post).
    centred
        Take the median of each kernel out: common input lifts the scores of all pairs.

    Returns
    -------
    score
        Standardised scores, 0 where a pair cannot be judged; in place.
    spread
        Spread of each kernel, (kernel,).
    """
    if usable.sum() < FEW_PAIRS:
        score[~usable] = 0
        return score, np.ones(score.shape[2])
    some = _sample(score[usable])
    middle = np.median(some, axis=0) if centred else np.zeros(score.shape[2])
    spread = np.maximum(np.median(np.abs(some - middle), axis=0) / NORMAL_MEDIAN, 1e-6)
    floor = min(1.0, float(np.median(spread)))
    typical = np.empty(score.shape[:2])
    for pre in range(len(score)):
        typical[pre] = np.sqrt((((score[pre] - middle) / spread) ** 2).mean(1))
    factor = _factors(np.where(usable, typical, np.nan))
    for pre in range(len(score)):
        scale = np.maximum(spread * factor[pre][:, None], floor)
        score[pre] = np.where(usable[pre][:, None], (score[pre] - middle) / scale, 0.0)
    return score, spread


def _factors(typical: Array) -> Array:
    """Return how much wider than most the scores of each pair's neurons are, (pre, post): a row times a column."""
    n = len(typical)
    row, column = np.ones(n), np.ones(n)
    middle = np.nanmedian(typical)
    empty = np.isnan(typical)
    shrunk = np.where(empty, middle, typical)
    for _ in range(3):
        row = (n * np.median(shrunk / column, axis=1) / middle + NEIGHBOURS) / (n + NEIGHBOURS)
        column = (n * np.median(shrunk / row[:, None], axis=0) / middle + NEIGHBOURS) / (n + NEIGHBOURS)
    return np.asarray(np.outer(row, column), np.float64)


def _sample(rows: NDArray[np.float32]) -> Array:
    """Return every k-th row, at most 20,000 of them."""
    return rows[:: -(-len(rows) // MOST_PAIRS)].astype(float)


def view(
    score: NDArray[np.float32], spread: Array, usable: NDArray[np.bool_], delay: NDArray[np.int64], known: Array
) -> View:
    """Learn the two groups and judge every pair.

    Parameters
    ----------
    score, spread
        Standardised scores (pre, post, kernel) and what they were divided by.
    usable
        Pairs that can be judged, (pre, post).
    delay
        Delay of each kernel in bins, (kernel,).
    known
        Prior log odds of E against I of each neuron, (neuron,).
    """
    n = len(score)
    posts = np.arange(0, n, max(1, -(-n * n // MOST_PAIRS)))
    groups = _learn(score[:, posts], usable[:, posts], known)
    kept = groups.weight.max(0) > NEGLIGIBLE * groups.weight.max()
    sides, mean_delay = np.zeros((2, n, n)), np.zeros((2, n, n))
    when = np.repeat(delay, len(STRENGTHS))[kept]
    for pre in range(n):
        for side, sign in enumerate((1.0, -1.0)):
            ratio, scale = _likelihood_ratio(score[pre], sign, kept)
            each = ratio * groups.weight[side, kept]
            sides[side, pre] = np.log(each.sum(1)) + scale
            mean_delay[side, pre] = (each @ when) / each.sum(1)
    pair = np.where(usable, log_probability(sides, groups.share), 0.0)
    odds = known + pair[0].sum(1) - pair[1].sum(1)
    kernel = groups.weight.reshape(2, -1, len(STRENGTHS)).sum(2)
    inflation = float(np.sqrt((kernel.mean(0) * np.maximum(spread, 1) ** 2).sum()))
    late = np.where(odds[:, None] + sides[0] - sides[1] >= 0, mean_delay[0], mean_delay[1])
    return View(np.where(usable, sides, 0.0), odds, groups.share, kernel, late, inflation)


@dataclass
class _Groups:
    """Share of connected pairs, and how often each kernel and strength occurs, (type, kernel x strength)."""

    share: float
    weight: Array


def _learn(score: NDArray[np.float32], usable: NDArray[np.bool_], known: Array) -> _Groups:
    """Learn the two groups by expectation-maximisation."""
    n, posts, kernels = score.shape
    every = np.ones(kernels * len(STRENGTHS), bool)
    made = [_likelihood_ratio(score.reshape(n * posts, kernels), sign, every) for sign in (1.0, -1.0)]
    ratio, scale = [each for each, _ in made], np.array([each for _, each in made])
    groups = _Groups(0.05, np.full((2, len(every)), 1 / len(every)))
    if usable.sum() < FEW_PAIRS:
        return groups
    flat = usable.ravel()
    for _ in range(ROUNDS):
        seen = np.array([ratio[s] @ groups.weight[s] for s in range(2)])
        sides = np.log(seen) + scale
        pair = np.where(flat, log_probability(sides, groups.share), 0.0)
        odds = known + (pair[0] - pair[1]).reshape(n, posts).sum(1)
        excitatory = np.repeat(1 / (1 + np.exp(-np.clip(odds, -50, 50))), posts)
        belongs = np.where(flat, np.exp(sides - pair) * groups.share, 0.0) * np.stack([excitatory, 1 - excitatory])
        found = np.stack([groups.weight[s] * ((belongs[s] / seen[s]) @ ratio[s]) for s in range(2)])
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
    log = 0.5 * z * z * part - 0.5 * np.log1p(variance) + np.log(2) + log_ndtr(sign * z * np.sqrt(part))
    scale = log.max(1)
    return np.exp(np.maximum(log - scale[:, None], SMALLEST_LOG)), scale
