"""What is left of every correlogram when the other neurons are taken out: a linear network in the covariance domain.

Second-order statistics are enough for a linear network model (least-squares Hawkes process). For every ordered pair,
the covariance of `post` with `pre` at each box of lags is freed of what all other neurons explain by their own
kernels; its noise has unit variance. No array over time is held, and one matrix serves all postsynaptic neurons.

Everything is by blocks of presynaptic neurons: `survey` tells the overlap of their regressors with all others,
`inverse` needs all of them, `remainder` is again that of a block.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from brainsim.correlogram import Correlograms
from brainsim.kernel import Lags, high_pass, overlap, reading

Array = NDArray[np.float64]
LOADING = 1e-3
NEAR = 20
STRIP = 256  # rows that are made symmetric at a time


@dataclass(frozen=True, eq=False)
class Reading:
    """What is read off the covariances of a neuron at two-sided lags.

    Attributes
    ----------
    grid
        Boxes of lags, and the kernels of the other neurons.
    baseline
        Takes the baseline off, (lag, lag).
    box, model
        Covariance of `post` with each box of `pre`, (lag, box), with each kernel of it, (lag, model).
    gram
        Covariance of both trains, filtered by the kernels, (lag, model x model).
    cross
        The same of boxes of `pre` and kernels of `post`, (lag, box x model).
    """

    grid: Lags
    baseline: Array
    box: Array
    model: Array
    gram: Array
    cross: Array

    @classmethod
    def of(cls, grid: Lags, sigma: float | None, lags: int) -> "Reading":
        """Lay it out for a Gaussian baseline of so many bins that is taken off first; None for none."""
        off, size = high_pass(sigma, lags), 2 * lags - 1
        box, model = (off.T @ reading(each, lags) for each in (grid.box, grid.model))
        gram, cross = (off.T @ overlap(each, grid.model, lags).reshape(size, -1) for each in (grid.model, grid.box))
        return cls(grid, off, box, model, gram, cross)


def survey(counts: Correlograms, read: Reading, first: int, last: int) -> dict[str, Array]:
    """Tell how the regressors of a block of neurons overlap with all others.

    Returns
    -------
    dict
        ``gram``, (pre, model, post, model), and ``drive``, the covariance of every neuron with them, (pre, model,
        post).
    """
    n, model = counts.neurons, read.model.shape[1]
    gram, drive = np.zeros((last - first, model, n, model)), np.zeros((last - first, model, n))
    both = np.hstack([read.model, read.gram])
    for k, pre in enumerate(range(first, last)):
        found = counts.covariance(pre) @ both
        drive[k] = found[:, :model].T
        gram[k] = found[:, model:].reshape(n, model, model).transpose(1, 0, 2)
    return {"gram": gram, "drive": drive}


def inverse(gram: Array, kinds: int) -> Array:
    """Invert the overlap of all regressors in place, each with a thousandth of the mean of its kind added.

    Parameters
    ----------
    gram
        Overlap, (neuron x kind, neuron x kind); it is overwritten.
    kinds
        Number of kinds (kernels) of each neuron.
    """
    for a in range(0, len(gram), STRIP):
        strip = slice(a, min(a + STRIP, len(gram)))
        gram[strip, a:] = (gram[strip, a:] + gram[a:, strip].T) / 2
        gram[a:, strip] = gram[strip, a:].T
    mean = np.maximum(np.diag(gram).reshape(-1, kinds).mean(0), 1e-9)
    gram[np.diag_indices_from(gram)] += LOADING * np.tile(mean, len(gram) // kinds)
    # LAPACK works on columns, and the matrix is symmetric: its transpose needs no copy
    return np.asarray(linalg.inv(gram.T, overwrite_a=True, check_finite=False, assume_a="gen").T, np.float64)


def remainder(
    counts: Correlograms, read: Reading, parts: tuple[Array, Array], first: int, last: int
) -> dict[str, NDArray[Any]]:
    """Take the influence of all other neurons out of the correlograms of a block.

    Parameters
    ----------
    counts, read
        Correlograms, and what is read off them.
    parts
        Inverse overlap of all regressors, (neuron x model, neuron x model), and their drive, (neuron x model, post).
    first, last
        The block of presynaptic neurons.

    Returns
    -------
    dict
        ``value``, residual covariance over its Poisson noise, (box, pre, post); ``energy``, its square over all boxes,
        (pre, post); ``noise``, the correlation of the noise between boxes, the same for all posts, (pre, box, box);
        ``chance``, how many counts noise alone is expected to give per bin of lag, (pre, post).
    """
    n, size, box = counts.neurons, last - first, read.box.shape[1]
    value, energy = np.zeros((box, size, n), np.float32), np.zeros((size, n))
    noise, chance = np.zeros((size, box, box)), np.zeros((size, n), np.float32)
    for k, pre in enumerate(range(first, last)):
        left, noise[k] = _partial(counts.covariance(pre), read, pre, parts)
        lift = counts.lift(pre, min(NEAR, counts.lags - 1))
        value[:, k] = left / np.sqrt(counts.power * lift)
        energy[k] = np.square(value[:, k], dtype=float).sum(0)
        chance[k] = lift * counts.total * counts.total[pre] / counts.bins
    return {"value": value, "energy": energy, "noise": noise, "chance": chance}


def _partial(covariance: Array, read: Reading, pre: int, parts: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return one neuron's residual covariances over the noise per unit variance, (box, post), and their correlation."""
    inverted, drive = parts
    n, box, model = len(covariance), read.box.shape[1], read.model.shape[1]
    mine, grid, lags = slice(pre * model, (pre + 1) * model), read.grid, len(read.baseline) // 2 + 1
    found = covariance @ np.hstack([read.box, read.cross])
    cross = found[:, box:].reshape(n, box, model).transpose(1, 0, 2).reshape(box, n * model).copy()
    cross[:, mine] = 0
    others = cross @ inverted
    others -= (cross @ inverted[:, mine]) @ np.linalg.solve(inverted[mine, mine], inverted[mine])
    others[:, mine] = 0
    left = found[:, :box].T - others @ drive
    own = (covariance[pre] @ read.baseline.T)[lags - 1 : lags + grid.longest]
    variance = grid.box.T @ linalg.toeplitz(own) @ grid.box - others @ cross.T
    scale = np.sqrt(np.maximum(np.diag(variance), 1e-9))
    return left / scale[:, None], (variance + variance.T) / 2 / np.outer(scale, scale)


class Residuals:
    """Residual correlograms of all pairs, in blocks of presynaptic neurons that are read when they are asked for.

    Parameters
    ----------
    blocks
        What :func:`remainder` gave for each block, in order: arrays, or what is read when it is sliced.
    """

    def __init__(self, blocks: Sequence[Any]) -> None:
        self._blocks = blocks
        sizes = [each["value"].shape[1] for each in blocks]
        self.first = np.concatenate([[0], np.cumsum(sizes)]).astype(int).tolist()
        self.boxes, _, self.neurons = blocks[0]["value"].shape

    @property
    def rows(self) -> list[tuple[int, int]]:
        """Presynaptic neurons of each block: the first, and the one after the last."""
        return list(zip(self.first[:-1], self.first[1:], strict=True))

    def joined(self, name: str) -> NDArray[Any]:
        """Return ``noise``, ``chance`` or ``energy`` of all presynaptic neurons."""
        return np.concatenate([each[name][...] for each in self._blocks])

    def of(self, block: int, name: str) -> NDArray[Any]:
        """Return one array of a block."""
        found: NDArray[Any] = self._blocks[block][name][...]
        return found

    def pairs(self, block: int, posts: slice = slice(None)) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return both directions of the pairs of a block with some neurons, (box, pre, post) and (box, post, pre)."""
        mine, back = slice(*self.rows[block]), []
        start, stop, step = posts.indices(self.neurons)
        for (first, last), each in zip(self.rows, self._blocks, strict=True):
            begin, end = start + max(0, -(-(first - start) // step)) * step, min(last, stop)
            if begin < end:
                back.append(each["value"][:, begin - first : end - first : step, mine])
        return self._blocks[block]["value"][:, :, posts], np.concatenate(back, axis=1)
