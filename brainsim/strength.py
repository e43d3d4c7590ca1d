"""How much more probable a score is with an effect whose strength is not known than without one.

A synapse adds spikes in proportion to those of its neurons, while noise grows with the root of their product only: the
more both fire, the larger the score. So every pair has a level, and strengths are those of a pair at level 0; those of
others are larger or smaller by powers of 2^(1/4). By counting alone scores would grow with the root of the product of
the spikes; as neurons that fire much are less sensitive, and all noise is not that of counts, they grow more slowly.

Strengths are half-normal with one of a few variances (many are weak), or alike: the positive part of a normal
distribution around one of a few means, with a standard deviation of .3 of it. A score z (standard normal without an
effect), an effect of variance V, or of mean m and variance s^2 in units of the noise, and the right sign give the ratio

    2 Phi(z sqrt(V/(1+V))) exp(z^2 V/(1+V)/2) / sqrt(1+V)                                    half-normal
    Phi((m + z s^2)/(s sqrt(1+s^2)))/Phi(m/s) exp(z^2/2 - (z-m)^2/(1+s^2)/2) / sqrt(1+s^2)   alike

References
----------
Kiefer & Wolfowitz (1956), Ann Math Stat 27:887 (a distribution of effects that is learned).
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, logsumexp

Array = NDArray[np.float64]
Floats = NDArray[Any]  # of 32 bits
Levels = NDArray[np.int8]
HALF_NORMAL = (4.0, 12.0, 40.0, 150.0, 600.0)  # variances
ALIKE, SPREAD = (1.2, 1.8, 2.7, 4.0, 6.0, 9.0), 0.3  # means; standard deviation over the mean
USUALLY = np.repeat([1.0, 0.02], [len(HALF_NORMAL), len(ALIKE)])  # as if so many synapses of each had been seen
NEGLIGIBLE_LOG = -60.0  # of ratios of a pair over its largest; numbers of 32 bits that are smaller still are slow
GROWS = 0.35  # scores with the product of the spikes of both neurons, to this power
LEVEL, HIGHEST = 2**0.25, 12  # strengths over those of the level below; the highest level, and minus the lowest
FURTHEST, STEP = 30.0, 0.02  # of the scores whose logarithms are looked up in a table


def visible(spikes: Array) -> Array:
    """Return by how many levels each neuron lifts the scores of its pairs, (neuron,): by how often it fires.

    Parameters
    ----------
    spikes
        How many spikes each neuron fired, (neuron,). One with their geometric mean lifts by nothing.
    """
    log = np.log(np.maximum(spikes, 1.0))
    return np.asarray(GROWS * (log - log[spikes > 0].mean()) / np.log(LEVEL)) if (spikes > 0).any() else 0 * log


def levels(pre: Array, post: Array) -> Levels:
    """Return the level of pairs of neurons that lift their scores by so many levels each, (pre, post)."""
    level = np.add.outer(pre.astype(np.float32), post.astype(np.float32))
    return np.clip(np.round(level, out=level), -HIGHEST, HIGHEST, out=level).astype(np.int8)


def likelihood_ratio(score: Floats, sign: float, level: Levels | None = None) -> tuple[Floats, Array]:
    """Return how much more probable each score is with an effect, (pair, kernel x strength).

    The largest ratio of each pair is taken out, and its logarithm returned as well, (pair,).

    Parameters
    ----------
    score
        Shape (pair, kernel).
    sign
        +1 or -1.
    level
        Level of each pair, (pair,); None where all are at level 0.
    """
    log = np.stack([each.log_ratio(score, level) for each in _single(sign)], axis=-1).reshape(len(score), -1)
    scale = log.max(1)
    log -= scale[:, None]
    log[log < NEGLIGIBLE_LOG] = -np.inf
    return np.exp(log, out=log), scale.astype(float)


@cache
def _single(sign: float) -> tuple["Strength", ...]:
    """Return effects of one strength each."""
    return tuple(Strength(sign, weight) for weight in np.eye(len(USUALLY)))


class Strength:
    """Effects of one sign whose strengths occur with given frequencies: logarithms of ratios, from a table.

    Parameters
    ----------
    sign
        +1 or -1.
    weight
        How often each strength occurs, (strength,).
    """

    def __init__(self, sign: float, weight: Array) -> None:
        self._sign, self._weight = sign, weight
        table = np.log(_ratios() @ weight)
        self._table, self._rise = table[:, :-1].astype(np.float32), np.diff(table).astype(np.float32)

    def log_ratio(self, score: Floats, level: Levels | None = None) -> Floats:
        """Return the logarithm of how much more probable scores are with an effect, (pair, ...).

        `level` is the level of each pair, (pair,); None where all are at level 0.
        """
        row = np.int32(HIGHEST) if level is None else _along(level, score) + np.int32(HIGHEST)
        z = np.float32(self._sign) * score
        at = (np.clip(z, -FURTHEST, FURTHEST - STEP) + np.float32(FURTHEST)) * np.float32(1 / STEP)
        place = at.astype(np.int32)
        at -= place
        place += row * np.int32(self._table.shape[1])
        found: Floats = self._table.ravel()[place] + at * self._rise.ravel()[place]
        beyond = np.abs(z) >= FURTHEST - STEP
        if beyond.any():
            higher = np.broadcast_to(row - np.int32(HIGHEST), z.shape)[beyond]
            each = _log_ratios(z[beyond].astype(float), higher)
            found[beyond] = logsumexp(each, axis=1, b=self._weight)
        return found


@cache
def _ratios() -> Array:
    """Return the ratio of every score of the table and every strength at every level, (level, score, strength)."""
    score = np.linspace(-FURTHEST, FURTHEST, round(2 * FURTHEST / STEP) + 1)
    each = range(-HIGHEST, HIGHEST + 1)
    return np.exp(np.stack([_log_ratios(score, np.full(len(score), level)) for level in each]))


def _along(level: Levels, score: Floats) -> NDArray[np.int32]:
    """Return levels of pairs in a shape that goes with their scores, (pair, ...)."""
    return level.astype(np.int32).reshape(-1, *[1] * (score.ndim - 1))


def _log_ratios(score: Array, level: NDArray[np.signedinteger[Any]]) -> Array:
    """Return the logarithm of the ratio of every score, right sign, and every strength, (score, strength).

    `level` is that of each score, (score,).
    """
    z, larger = score[:, None], LEVEL ** level[:, None].astype(float)
    variance, mean = larger**2 * HALF_NORMAL, larger * ALIKE
    part, own = variance / (1 + variance), SPREAD * mean
    wide = 1 + own**2
    many_weak = 0.5 * z * z * part - 0.5 * np.log1p(variance) + np.log(2) + log_ndtr(z * np.sqrt(part))
    positive = log_ndtr((mean + z * own**2) / (own * np.sqrt(wide))) - log_ndtr(1 / SPREAD)
    alike = positive + 0.5 * (z * z - (z - mean) ** 2 / wide - np.log(wide))
    return np.concatenate([many_weak, alike], axis=1)
