"""How much more probable a score is with an effect whose strength is not known than without one.

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
HALF_NORMAL = (4.0, 12.0, 40.0, 150.0, 600.0)  # variances
ALIKE, SPREAD = (1.2, 1.8, 2.7, 4.0, 6.0, 9.0), 0.3  # means; standard deviation over the mean
USUALLY = np.repeat([1.0, 0.02], [len(HALF_NORMAL), len(ALIKE)])  # as if so many synapses of each had been seen
NEGLIGIBLE_LOG = -60.0  # of ratios of a pair over its largest; numbers of 32 bits that are smaller still are slow
FURTHEST, STEP = 30.0, 0.02  # of the scores whose logarithms are looked up in a table


def likelihood_ratio(score: Floats, sign: float) -> tuple[Floats, Array]:
    """Return how much more probable each score is with an effect, (pair, kernel x strength).

    The largest ratio of each pair is taken out, and its logarithm returned as well, (pair,).

    Parameters
    ----------
    score
        Shape (pair, kernel).
    sign
        +1 or -1.
    """
    log = np.stack([each.log_ratio(score) for each in _single(sign)], axis=-1).reshape(len(score), -1)
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
        self._table, self._rise = table[:-1].astype(np.float32), np.diff(table).astype(np.float32)

    def log_ratio(self, score: Floats) -> Floats:
        """Return the logarithm of how much more probable each score is with an effect, of the scores' shape."""
        z = np.float32(self._sign) * score
        at = (np.clip(z, -FURTHEST, FURTHEST - STEP) + np.float32(FURTHEST)) * np.float32(1 / STEP)
        place = at.astype(np.int32)
        found: Floats = self._table[place] + (at - place.astype(np.float32)) * self._rise[place]
        beyond = np.abs(z) >= FURTHEST - STEP
        if beyond.any():
            each = _log_ratios(z[beyond].astype(float))
            found[beyond] = logsumexp(each, axis=1, b=self._weight)
        return found


@cache
def _ratios() -> Array:
    """Return the ratio of every score of the table and every strength, (score, strength)."""
    score = np.linspace(-FURTHEST, FURTHEST, round(2 * FURTHEST / STEP) + 1)
    return np.exp(_log_ratios(score))


def _log_ratios(score: Array) -> Array:
    """Return the logarithm of the ratio of every score, right sign, and every strength, (score, strength)."""
    z, variance, mean = score[:, None], np.array(HALF_NORMAL), np.array(ALIKE)
    part, own = variance / (1 + variance), SPREAD * mean
    wide = 1 + own**2
    many_weak = 0.5 * z * z * part - 0.5 * np.log1p(variance) + np.log(2) + log_ndtr(z * np.sqrt(part))
    positive = log_ndtr((mean + z * own**2) / (own * np.sqrt(wide))) - log_ndtr(1 / SPREAD)
    alike = positive + 0.5 * (z * z - (z - mean) ** 2 / wide - np.log(wide))
    return np.concatenate([many_weak, alike], axis=1)
