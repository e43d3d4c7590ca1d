"""Hidden common input as correlograms show it, and kernels matched to what is left (matched filters)."""

import numpy as np
from numpy.typing import NDArray

from brainsim.kernel import Lags
from brainsim.residual import Residual

Array = NDArray[np.float64]
HEAVY = 3.0
LOADING = 1e-2
SMALLEST = 1e-3


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
    back = residual.noise.mean(0)
    score = np.zeros((n, n, shape.shape[1]), np.float32)
    for pre in range(n):
        noise = common.copy()
        noise[:boxes, :boxes] += residual.noise[pre]
        noise[boxes:, boxes:] += back
        both = np.concatenate([residual.value[pre], residual.value[:, pre]], axis=1)
        variance = np.einsum("ak,ab,bk->k", filters, noise, filters)
        score[pre] = (both @ filters) / np.sqrt(np.maximum(variance, SMALLEST))
    score[np.arange(n), np.arange(n)] = 0
    return score
