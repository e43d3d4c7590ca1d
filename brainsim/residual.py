"""What is left of every correlogram when the other neurons are taken out: a linear network in the covariance domain.

Second-order statistics are enough for a linear network model (least-squares Hawkes process). For every ordered pair,
the covariance of `post` with `pre` at each box of lags is freed of what all other neurons explain by their own
kernels; its noise has unit variance. No array over time is held, and one matrix serves all postsynaptic neurons.

Everything is by blocks of presynaptic neurons: `survey` tells the overlap of their regressors with all others,
`solve` needs all of them, `remainder` is again that of a block.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.linalg import blas, lapack

from brainsim.correlogram import Correlograms
from brainsim.error import FitError
from brainsim.kernel import Lags, high_pass, overlap, reading

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
LOADING, ONE_SPIKE = 1e-3, 1.0
SMALLEST, LEAST_NEW = 1e-12, 1e-3
NEAR = 20
STRIP = 256  # rows that are made symmetric at a time
TOGETHER = 16  # neurons that are solved for at a time


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


def survey(counts: Correlograms, reads: Sequence[Reading], first: int, last: int) -> list[dict[str, Array]]:
    """Tell how the regressors of a block of neurons overlap with all others, read in several ways.

    Returns
    -------
    list
        For each way ``gram``, (pre, model, post, model), and ``drive``, the covariance of every neuron with them,
        (pre, model, post).
    """
    n, model = counts.neurons, reads[0].model.shape[1]
    both = np.hstack([each for read in reads for each in (read.model, read.gram)])
    found = np.zeros((last - first, n, len(reads), model + model**2))
    for k, pre in enumerate(range(first, last)):
        found[k] = (counts.covariance(pre) @ both).reshape(n, len(reads), -1)
    drive, gram = found[..., :model].transpose(2, 0, 3, 1), found[..., model:].reshape(*found.shape[:3], model, model)
    return [
        {"gram": np.ascontiguousarray(gram[:, :, k].transpose(0, 2, 1, 3)), "drive": np.ascontiguousarray(drive[k])}
        for k in range(len(reads))
    ]


def solve(gram: Array, drive: Array, kinds: int) -> dict[str, NDArray[np.float32]]:
    """Solve for the influence of all regressors on every neuron, by Cholesky's factor of their overlap.

    A thousandth of the mean overlap of its kind is added to each, but at least what one spike has: a few spikes do not
    explain each other. Ten times that, and so on, where the covariances of a short recording are not those of any
    process.

    Parameters
    ----------
    gram
        Overlap of all regressors, (neuron x kind, neuron x kind); it is overwritten.
    drive
        Their covariance with every neuron, (neuron x kind, post), in Fortran's order; it is overwritten.
    kinds
        Number of kinds (kernels) of each neuron.

    Returns
    -------
    dict
        ``root``, the factor as an upper triangle, what is below it means nothing; ``weight``, (neuron x kind, post);
        ``added``, what was added to each overlap with itself, over that, (neuron x kind,).

    Raises
    ------
    FitError
        If the covariances are not finite.
    """
    strips = [slice(a, min(a + STRIP, len(gram))) for a in range(0, len(gram), STRIP)]
    for strip in strips:
        gram[strip.start :, strip] += gram[strip, strip.start :].T.copy()
        gram[strip.start :, strip] /= 2
    own = np.diag(gram).copy()
    if not np.isfinite(gram.sum()):  # no loading would do
        raise FitError("covariances of the spikes are not finite", remedy="check the amplitudes of the spikes")
    bad, added = 1, np.maximum(LOADING * own.reshape(-1, kinds).mean(0), ONE_SPIKE) / 10
    while bad:
        added *= 10
        for strip in strips:
            gram[strip, strip.stop :] = gram[strip.stop :, strip].T
            below = np.tril(gram[strip, strip], -1)
            gram[strip, strip] = below + below.T
        gram[np.diag_indices_from(gram)] = own + np.tile(added, len(gram) // kinds)
        # LAPACK works on columns: to it, the upper triangle of the rows is the lower one; the other one stays
        _, bad = lapack.dpotrf(gram.T, lower=1, clean=0, overwrite_a=1)
    weight, _ = lapack.dpotrs(gram.T, drive, lower=1, overwrite_b=1)
    over = np.tile(added, len(gram) // kinds) / np.maximum(own, SMALLEST)
    return {"root": gram.astype(np.float32), "weight": np.ascontiguousarray(weight, np.float32), "added": over}


def remainder(
    counts: Correlograms, read: Reading, parts: tuple[Floats, Floats, Array], first: int, last: int
) -> dict[str, NDArray[Any]]:
    """Take the influence of all other neurons out of the correlograms of a block.

    Parameters
    ----------
    counts, read
        Correlograms, and what is read off them.
    parts
        ``root``, ``weight`` and ``added`` of :func:`solve`.
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
    power = counts.power * _new(read.grid, *parts[1:])
    for begin in range(first, last, TOGETHER):
        pres = range(begin, min(begin + TOGETHER, last))
        for pre, (left, correlation, lift) in zip(pres, _partial(counts, read, parts[:2], pres), strict=True):
            k = pre - first
            noise[k], value[:, k] = correlation, left / np.sqrt(power * lift)
            energy[k] = np.square(value[:, k], dtype=float).sum(0)
            chance[k] = lift * counts.total * counts.total[pre] / counts.bins
    return {"value": value, "energy": energy, "noise": noise, "chance": chance}


def _new(grid: Lags, weight: Floats, added: Array) -> Array:
    """Return the variance of what is left of each neuron by its regressors, over that of all of it, (neuron,).

    Where a kernel acts in the same bin, a neuron is among its own regressors, and but for what was added to their
    overlap (a of its variance) nothing would be left of it. What is left is f times what the others do not explain, V
    of its variance; f, one minus the weight of its own regressor, is a / (a + V).
    """
    kinds, n = grid.model.shape[1], weight.shape[1]
    at_once = np.flatnonzero(grid.model[0])
    if not len(at_once):
        return np.ones(n)
    own = kinds * np.arange(n) + at_once[0]
    factor = np.clip(1 - weight[own, np.arange(n)].astype(float), SMALLEST, 1)
    return np.asarray(np.clip(added[own] * (1 / factor - 1), LEAST_NEW, 1) * factor**2, np.float64)


def _partial(
    counts: Correlograms, read: Reading, parts: tuple[Floats, Floats], pres: range
) -> Iterator[tuple[Array, Array, Array]]:
    """Give the residual covariances of some neurons over the noise per unit variance, (box, post), and its correlation.

    The third is how often all neurons fire near each of them, over chance, (post,).

    With C the overlap of the boxes of `pre` with the regressors of all neurons but itself, G = R'R that of all
    regressors and W their solved drive, the others explain C W of the covariances and C G^-1 C' of the variance. Both
    count the regressors of `pre` itself, E, among the others; what they took by C G^-1 E (E' G^-1 E)^-1 is given back.
    """
    root, weight = parts
    n, box, model = counts.neurons, read.box.shape[1], read.model.shape[1]
    lags, grid, width = counts.lags, read.grid, box + model
    x = np.zeros((n * model, len(pres) * width), np.float32, order="F")
    raw, own, lift = [], [], []
    for k, pre in enumerate(pres):
        covariance, mine = counts.covariance(pre), slice(pre * model, (pre + 1) * model)
        found = covariance @ np.hstack([read.box, read.cross])
        raw.append(found[:, :box].T)
        own.append((covariance[pre] @ read.baseline.T)[lags - 1 : lags + grid.longest])
        lift.append(counts.lift(pre, min(NEAR, lags - 1)))
        at = slice(k * width, k * width + box)
        x[:, at] = found[:, box:].reshape(n, box, model).transpose(0, 2, 1).reshape(n * model, box)
        x[mine, at] = 0
    explained = x.T @ weight  # the columns of E are still empty
    for k, pre in enumerate(pres):
        x[pre * model + np.arange(model), k * width + box + np.arange(model)] = 1
    x = blas.strsm(1.0, root.T, x, lower=1, overwrite_b=1)
    for k, pre in enumerate(pres):
        each = x[:, k * width : (k + 1) * width].astype(float)
        whole = each.T @ each
        given = np.linalg.solve(whole[box:, box:], whole[box:, :box]).T
        mine = slice(pre * model, (pre + 1) * model)
        left = raw[k] - explained[k * width : k * width + box] + given @ weight[mine]
        taken = whole[:box, :box] - given @ whole[box:, :box]
        variance = grid.box.T @ linalg.toeplitz(own[k]) @ grid.box - taken
        scale = np.sqrt(np.maximum(np.diag(variance), 1e-9))
        yield left / scale[:, None], (variance + variance.T) / 2 / np.outer(scale, scale), lift[k]


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
