"""What is left of every correlogram when the other neurons are taken out: a linear network in the covariance domain.

Second-order statistics are enough for a linear network model (least-squares Hawkes process). For every ordered pair,
the covariance of `post` with `pre` at each box of lags is freed of what all other neurons explain by their own
kernels; its noise has unit variance. No array over time is held, and one matrix serves all postsynaptic neurons.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import toeplitz

from brainsim.correlogram import Correlogram
from brainsim.kernel import Lags, high_pass, overlap, reading

Array = NDArray[np.float64]
LOADING = 1e-3
NEAR = 20


@dataclass(frozen=True, eq=False)
class Residual:
    """Residual correlograms.

    Attributes
    ----------
    value
        Residual covariance over its Poisson noise, (pre, post, box).
    noise
        Correlation of the noise between boxes, the same for all posts, (pre, box, box).
    chance
        How many counts noise alone is expected to give per bin of lag, (pre, post).
    """

    value: NDArray[np.float32]
    noise: Array
    chance: Array


def residual(counts: Correlogram, grid: Lags, sigma: float | None) -> Residual:
    """Take the influence of all other neurons out of every correlogram.

    Parameters
    ----------
    counts
        Correlograms of all pairs.
    grid
        Boxes of lags, and the kernels of the other neurons.
    sigma
        Width in bins of the Gaussian baseline that is taken off every correlogram first; None for none.
    """
    n, lags = counts.neurons, counts.lags
    box, model = grid.box.shape[1], grid.model.shape[1]
    filtered = high_pass(sigma, lags)
    read = filtered.T @ reading(np.hstack([grid.box, grid.model]), lags)
    gram_of = (filtered.T @ overlap(grid.model, grid.model, lags).reshape(2 * lags - 1, -1)).reshape(-1, model**2)
    cross_of = filtered.T @ overlap(grid.box, grid.model, lags).reshape(2 * lags - 1, -1)
    gram, seen = np.zeros((n, model, n, model)), np.zeros((n, n, box), np.float32)
    drive, own = np.zeros((n, model, n)), np.zeros((n, grid.longest + 1))
    for pre in range(n):
        covariance = counts.covariance(pre)
        both = covariance @ read
        seen[pre], drive[pre] = both[:, :box], both[:, box:].T
        gram[pre] = (covariance @ gram_of).reshape(n, model, model).transpose(1, 0, 2)
        own[pre] = (covariance[pre] @ filtered.T)[lags - 1 : lags + grid.longest]
    inverse = _inverse(gram.reshape(n * model, n * model), n)
    parts = (inverse, drive.reshape(n * model, n), own, cross_of)
    value, noise = np.zeros((n, n, box), np.float32), np.zeros((n, box, box))
    for pre in range(n):
        value[pre], noise[pre] = _partial(counts, grid, pre, seen[pre].astype(float), parts)
    lift = counts.lift(min(NEAR, lags - 1))
    value /= np.sqrt(counts.power[None, :] * lift).astype(np.float32)[:, :, None]
    return Residual(value, noise, lift * np.outer(counts.total, counts.total) / counts.bins)


def _inverse(gram: Array, neurons: int) -> Array:
    """Invert the overlap of all regressors, each with a thousandth of the mean of its kind added."""
    gram = (gram + gram.T) / 2
    kinds = gram.shape[0] // neurons
    mean = np.maximum(np.diag(gram).reshape(neurons, kinds).mean(0), 1e-9)
    gram[np.diag_indices_from(gram)] += LOADING * np.tile(mean, neurons)
    return np.asarray(np.linalg.inv(gram), np.float64)


def _partial(
    counts: Correlogram, grid: Lags, pre: int, seen: Array, parts: tuple[Array, Array, Array, Array]
) -> tuple[Array, Array]:
    """Return one neuron's residual covariances over the noise per unit variance, (post, box), and their correlation."""
    inverse, drive, own, cross_of = parts
    n, box, model = counts.neurons, grid.box.shape[1], grid.model.shape[1]
    mine = slice(pre * model, (pre + 1) * model)
    cross = (counts.covariance(pre) @ cross_of).reshape(n, box, model).transpose(1, 0, 2).reshape(box, n * model).copy()
    cross[:, mine] = 0
    others = cross @ inverse
    others -= (cross @ inverse[:, mine]) @ np.linalg.solve(inverse[mine, mine], inverse[mine])
    others[:, mine] = 0
    left = seen - (others @ drive).T
    variance = grid.box.T @ toeplitz(own[pre]) @ grid.box - others @ cross.T
    scale = np.sqrt(np.maximum(np.diag(variance), 1e-9))
    return left / scale, (variance + variance.T) / 2 / np.outer(scale, scale)
