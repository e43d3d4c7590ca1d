"""Few counts are skewed: scores of weighted counts as normal scores.

A score is a sum of counts, one weight for each lag. Where 0.1 counts are expected a single one is 3 standard deviations
off, and nothing rare. How rare a sum z is (of unit variance, with c counts expected per lag and weights w of norm 1) is
told by the large deviations of independent Poisson counts:

    z  becomes  sign(z) sqrt(2 sup_s (s z - K(s))),   K(s) = c sum_lag (exp(w s / sqrt(c)) - 1 - w s / sqrt(c))

which is the signed root of the deviance where there is a single weight. It is z itself times a function of z / sqrt(c),
one for each kernel: a table.

References
----------
Daniels (1954), Ann Math Stat 25:631. McCullagh & Nelder (1989), Generalized Linear Models, 2.4 (deviance residuals are
the more normal ones).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FURTHEST, STEP = 10.0, 0.01  # of asinh(z / sqrt(c)): the table
POINTS, STEEP = 501, 6.0  # of s, denser around 0
SERIES = 0.02  # of the largest weight times s; below, three terms are more exact than their difference
SMALLEST = 1e-9
LIGHT = 0.05  # weights below, over the largest, count by three terms of the exponential


@dataclass(frozen=True, eq=False)
class Deviance:
    """What makes scores of kernels normal, kernel by kernel.

    Attributes
    ----------
    table
        By what a score is multiplied, (kernel, asinh(z / sqrt(c))).
    ends
        Lowest and highest z / sqrt(c), (2, kernel): there are no fewer counts than none.
    third
        Sum of the cubes of the weights, (kernel,): the skewness of z times sqrt(c).
    """

    table: Array
    ends: Array
    third: Array

    @classmethod
    def of(cls, weight: Array) -> Self:
        """Tabulate it for what each count weighs, (lag, kernel); zeros where a kernel weighs nothing."""
        unit = weight / np.maximum(np.linalg.norm(weight, axis=0), SMALLEST)
        tables, ends = zip(*(_factor(each) for each in unit.T), strict=True)
        return cls(np.stack(tables), np.array(ends).T, (unit**3).sum(0))

    def middle(self, counts: Array) -> Array:
        """Return where about normal scores of so many counts have their mean, (pair, kernel): below 0."""
        return np.asarray(-self.third / 6 / np.sqrt(counts), np.float64)

    def normal(self, score: Array, counts: Array) -> Array:
        """Return scores as normal ones.

        Parameters
        ----------
        score
            Of variance 1 by its counting noise, (pair, kernel).
        counts
            Counts expected per lag, or as many as give this skewness where other noise is in the score, (pair, kernel).
        """
        scale = np.sqrt(counts)
        at = (np.clip(np.arcsinh(score / scale), -FURTHEST, FURTHEST - STEP) + FURTHEST) / STEP
        place = at.astype(np.int32)
        row = np.arange(len(self.table))
        low = self.table[row, place]
        factor = low + (at - place) * (self.table[row, place + 1] - low)
        return np.asarray(factor * np.clip(score, *(self.ends[:, None] * scale)), np.float64)


def _factor(weight: Array) -> tuple[Array, Array]:
    """Return by what a score of one kernel, of weights of norm 1, is multiplied, and between which ends it is."""
    wanted = np.sinh(np.linspace(-FURTHEST, FURTHEST, round(2 * FURTHEST / STEP) + 1))
    largest = float(np.abs(weight).max())
    if largest < SMALLEST:
        return np.ones_like(wanted), wanted[[0, -1]]
    light = np.abs(weight) < LIGHT * largest
    unit, square, cube = weight[~light], (weight[light] ** 2).sum(), (weight[light] ** 3).sum()
    reach = np.log1p(np.sinh(FURTHEST) / largest) / largest
    s = reach * np.sinh(STEEP * np.linspace(-1, 1, POINTS)) / np.sinh(STEEP)
    grows = np.expm1(np.outer(s, unit))
    score = grows @ unit + square * s + cube * s**2 / 2
    cumulant = (grows - np.outer(s, unit)).sum(1) + square * s**2 / 2 + cube * s**3 / 6
    third = float((weight**3).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.sqrt(2 * np.maximum(s * score - cumulant, 0)) / np.abs(score)
    near = np.abs(s) * largest < SERIES
    factor[near] = 1 - third * score[near] / 6
    return np.interp(wanted, score, factor), score[[0, -1]]
