"""Hidden common input as correlograms show it, and kernels matched to what is left (matched filters)."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlog1py

from brainsim.kernel import Lags
from brainsim.residual import Residual

Array = NDArray[np.float64]
HEAVY = 3.0
LOADING = 1e-2
SMALLEST = 1e-3
LINEAR = 1e-3  # a smaller skewness changes nothing


def shared_input(residual: Residual) -> tuple[Array, Array]:
    """Return how residual correlograms vary together in both directions of a pair.

    A synapse shows at positive lags of one direction; hidden common input shows in both. So the covariance *between*
    the two directions is that of the common input alone: its positive part is symmetric in the lag, its negative part
    antisymmetric (oscillations out of phase). Components within the noise are left out; loud pairs count less.

    Returns
    -------
    symmetric, antisymmetric
        Covariance of the boxes, (box, box) each.
    """
    upper = np.triu_indices(len(residual.value), 1)
    there = residual.value[upper].astype(float)
    back = residual.value.transpose(1, 0, 2)[upper].astype(float)
    boxes = there.shape[1]
    if len(there) < boxes:
        return np.zeros((boxes, boxes)), np.zeros((boxes, boxes))
    energy = (there**2).sum(1) + (back**2).sum(1)
    weight = np.minimum(1.0, HEAVY * np.median(energy) / np.maximum(energy, 1e-12))
    between = (there * weight[:, None]).T @ back / len(there)
    values, vectors = np.linalg.eigh((between + between.T) / 2)
    noise = 2 * np.sqrt(boxes / len(there))
    symmetric = (vectors * np.where(values > noise, values, 0)) @ vectors.T
    antisymmetric = (vectors * np.where(values < -noise, -values, 0)) @ vectors.T
    return symmetric, antisymmetric


def matched(residual: Residual, grid: Lags, whitened: bool) -> NDArray[np.float32]:
    """Return the score of every kernel for every pair, (pre, post, kernel), of about unit variance without a synapse.

    Parameters
    ----------
    residual
        Residual correlograms.
    grid
        Kernels.
    whitened
        Weigh lags by the hidden common input as well: a kernel is then looked for where common input does not vary,
        with the other direction of the pair as witness.
    """
    n, _, boxes = residual.value.shape
    shape = grid.shape
    symmetric, antisymmetric = shared_input(residual) if whitened else (np.zeros((boxes, boxes)),) * 2
    same, across = symmetric + antisymmetric, symmetric - antisymmetric
    common = np.block([[same, across], [across, same]])
    filters = np.linalg.solve(common + (1 + LOADING) * np.eye(2 * boxes), np.vstack([shape, np.zeros_like(shape)]))
    back, narrow = residual.noise.mean(0), np.tile(1 / np.sqrt(grid.box.sum(0)), 2)
    score = np.zeros((n, n, shape.shape[1]), np.float32)
    for pre in range(n):
        noise = common.copy()
        noise[:boxes, :boxes] += residual.noise[pre]
        noise[boxes:, boxes:] += back
        both = np.concatenate([residual.value[pre], residual.value[:, pre]], axis=1)
        variance = np.einsum("ak,ab,bk->k", filters, noise, filters)
        unit = filters / np.sqrt(np.maximum(variance, SMALLEST))
        skewness = np.outer(1 / np.sqrt(np.maximum(residual.chance[pre], SMALLEST)), (unit**3).T @ narrow)
        score[pre] = unskewed(both @ unit, skewness)
    score[np.arange(n), np.arange(n)] = 0
    return score


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
