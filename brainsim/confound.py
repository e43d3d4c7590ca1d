"""Hidden common input as correlograms show it, and kernels matched to what is left (matched filters)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlog1py

from brainsim.kernel import Lags
from brainsim.residual import Residuals

Array = NDArray[np.float64]
HEAVY = 3.0
BEFORE = 2000.0  # pairs whose weight speaks for no common input
LOADING = 1e-2
SMALLEST = 1e-3
LINEAR = 1e-3  # a smaller skewness changes nothing


def shared_input(residuals: Residuals) -> tuple[Array, Array]:
    """Return how residual correlograms vary together in both directions of a pair.

    A synapse shows at positive lags of one direction; hidden common input shows in both. So the covariance *between*
    the two directions is that of the common input alone: its positive part is symmetric in the lag, its negative part
    antisymmetric (oscillations out of phase). Components within the noise are left out; loud pairs count less. Synapses
    that have their like in the other direction are in it as well, which matters where pairs are few: it is shrunk
    towards none by the weight of 2000 pairs.

    Returns
    -------
    symmetric, antisymmetric
        Covariance of the boxes, (box, box) each.
    """
    n, boxes = residuals.neurons, residuals.boxes
    pairs = n * (n - 1) // 2
    if pairs < boxes:
        return np.zeros((boxes, boxes)), np.zeros((boxes, boxes))
    energy = residuals.joined("energy")
    each = [energy[pre, pre + 1 :] + energy[pre + 1 :, pre] for pre in range(n)]
    loud, between = HEAVY * np.median(np.concatenate(each)), np.zeros((boxes, boxes))
    for block, (first, last) in enumerate(residuals.rows):
        there, back = residuals.pairs(block, slice(first, None))
        for pre in range(first, last):
            k, weight = pre - first, np.minimum(1.0, loud / np.maximum(each[pre], 1e-12))
            between += (there[:, k, k + 1 :].astype(float) * weight) @ back[:, k + 1 :, k].T.astype(float)
    between /= pairs + BEFORE
    values, vectors = np.linalg.eigh((between + between.T) / 2)
    noise = 2 * np.sqrt(boxes / pairs)
    symmetric = (vectors * np.where(values > noise, values, 0)) @ vectors.T
    antisymmetric = (vectors * np.where(values < -noise, -values, 0)) @ vectors.T
    return symmetric, antisymmetric


@dataclass(frozen=True, eq=False)
class Filters:
    """Kernels matched to the noise and, where they are whitened, to the hidden common input.

    Lags are then weighed by the common input as well: a kernel is looked for where common input does not vary, with
    the other direction of the pair as witness.

    Attributes
    ----------
    common
        Covariance of the common input over both directions, (direction x box, direction x box).
    shape
        The filters of kernels of all kinds (:class:`brainsim.kernel.Lags`), (direction x box, kernel).
    narrow
        How much a count weighs in each box, (direction x box,).
    """

    common: Array
    shape: Array
    narrow: Array

    @classmethod
    def of(cls, grid: Lags, symmetric: Array, antisymmetric: Array) -> "Filters":
        """Match the kernels of a grid to what :func:`shared_input` returned; zeros where it shall not count."""
        boxes = grid.box.shape[1]
        same, across = symmetric + antisymmetric, symmetric - antisymmetric
        common = np.block([[same, across], [across, same]])
        loaded = common + (1 + LOADING) * np.eye(2 * boxes)
        filters = np.linalg.solve(loaded, grid.shape)
        return cls(common, filters.astype(float), np.tile(1 / np.sqrt(grid.box.sum(0)), 2))

    def scores(self, both: Array, noise: tuple[Array, Array], chance: Array) -> Array:
        """Return the score of every kernel for pairs of one neuron, (post, kernel), about normal without a synapse.

        Parameters
        ----------
        both
            Residual correlograms of the pairs, one direction above the other, (direction x box, post).
        noise
            Correlation of the noise between boxes of this neuron, and on average over all, (box, box) each.
        chance
            How many counts noise alone gives per bin of lag, (post,).
        """
        variance = (self.shape * (self._covariance(*noise) @ self.shape)).sum(0)
        unit = self.shape / np.sqrt(np.maximum(variance, SMALLEST))
        skewness = np.outer(1 / np.sqrt(np.maximum(chance, SMALLEST)), (unit**3).T @ self.narrow)
        return unskewed(both.T @ unit, skewness)

    def overlap(self, noise: Array) -> Array:
        """Return how the scores of all kernels correlate where there is no synapse, (kernel, kernel).

        Parameters
        ----------
        noise
            Correlation of the noise between boxes on average over all neurons, (box, box).
        """
        whole = self.shape.T @ self._covariance(noise, noise) @ self.shape
        own = np.sqrt(np.maximum(np.diag(whole), SMALLEST))
        return np.asarray(whole / np.outer(own, own), np.float64)

    def _covariance(self, there: Array, back: Array) -> Array:
        boxes, covariance = len(there), self.common.copy()
        covariance[:boxes, :boxes] += there
        covariance[boxes:, boxes:] += back
        return covariance


def unskewed(score: Array, skewness: Array) -> Array:
    """Return standard scores of counts as normal scores: the signed root of the deviance of a Poisson count.

    Few counts are skewed: where 0.1 are expected, a single one is 3 standard deviations off, and nothing rare. With
    m = 1 / skewness^2 counts expected and c = m (1 + skewness z) found, z becomes +-sqrt(2 (c log(c / m) - c + m)).

    Parameters
    ----------
    score
        Standard scores z.
    skewness
        Skewness of each under the null.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, 2.4 (deviance residuals are the more normal ones).
    """
    excess = np.maximum(score * skewness, -1.0)
    deviance = 2 * (xlog1py(1 + excess, excess) - excess)
    rooted = np.sign(score) * np.sqrt(np.maximum(deviance, 0.0)) / np.maximum(np.abs(skewness), LINEAR)
    return np.asarray(np.where(np.abs(excess) < LINEAR, score, rooted), np.float64)
