"""Hidden common input as correlograms show it, and kernels matched to what is left (matched filters)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from brainsim.deviance import Deviance
from brainsim.residual import Reading, Residuals

Array = NDArray[np.float64]
HEAVY = 3.0
BEFORE = 2000.0  # pairs whose weight speaks for no common input
LOADING = 1e-2
SMALLEST = 1e-3


def shared_input(residuals: Residuals, apart: bool = True) -> dict[str, Array]:
    """Return how residual correlograms vary together in both directions of a pair.

    A synapse shows at positive lags of one direction; hidden common input shows in both. So the covariance *between*
    the two directions is that of the common input alone: its positive part is symmetric in the lag, its negative part
    antisymmetric (oscillations out of phase). Components within the noise are left out; loud pairs count less. Synapses
    that have their like in the other direction are in it as well, which matters where pairs are few: it is shrunk
    towards none by the weight of 2000 pairs.

    Parameters
    ----------
    residuals
        Residual correlograms of all pairs.
    apart
        Whether both directions are counted apart; else one is no witness of the other, and nothing is told.

    Returns
    -------
    dict
        ``symmetric``, ``antisymmetric``: covariance of the boxes, (box, box) each.
    """
    n, boxes = residuals.neurons, residuals.boxes
    pairs = n * (n - 1) // 2
    if pairs < boxes or not apart:
        return {name: np.zeros((boxes, boxes)) for name in ("symmetric", "antisymmetric")}
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
    return {"symmetric": symmetric, "antisymmetric": antisymmetric}


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
    counted
        Size of what counts weigh, (kernel,).
    deviance
        What makes scores of few counts normal.
    inflation
        How much wider than counting noise the scores are, (kernel,): what else varies is not skewed.
    """

    common: Array
    shape: Array
    counted: Array
    deviance: Deviance
    inflation: Array

    @classmethod
    def of(cls, read: Reading, common: Mapping[str, Array]) -> Self:
        """Match the kernels to what is in `common`.

        ``symmetric``, ``antisymmetric``: what :func:`shared_input` returned, zeros where it shall not count;
        ``inflation``.
        """
        boxes, symmetric, antisymmetric = read.box.shape[1], common["symmetric"][...], common["antisymmetric"][...]
        same, across = symmetric + antisymmetric, symmetric - antisymmetric
        covariance = np.block([[same, across], [across, same]])
        loaded = covariance + (1 + LOADING) * np.eye(2 * boxes)
        filters = np.asarray(np.linalg.solve(loaded, read.grid.shape), np.float64)
        unit = read.box / np.linalg.norm(read.box, axis=0)
        weight = unit @ filters[:boxes] + unit[::-1] @ filters[boxes:]
        size: Array = np.linalg.norm(weight, axis=0)
        return cls(covariance, filters, size, Deviance.of(weight), common["inflation"][...])

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
        size = self._size(*noise)
        score = both.T @ (self.shape / size)
        return self.inflation * self.deviance.normal(score / self.inflation, self._counts(size, chance))

    def middle(self, noise: Array, chance: Array) -> Array:
        """Return where the scores of pairs without a synapse have their middle, (kernel,): few counts are skewed.

        Parameters
        ----------
        noise
            Correlation of the noise between boxes on average over all neurons, (box, box).
        chance
            How many counts noise alone gives per bin of lag, (pair,).
        """
        counts = self._counts(self._size(noise, noise), chance)
        return np.asarray(self.inflation * self.deviance.middle(counts).sum(0) / max(len(counts), 1), np.float64)

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

    def _size(self, there: Array, back: Array) -> Array:
        """Return the SD of the scores of pairs with noise that correlates so between boxes, (kernel,)."""
        variance = (self.shape * (self._covariance(there, back) @ self.shape)).sum(0)
        return np.asarray(np.sqrt(np.maximum(variance, SMALLEST)), np.float64)

    def _counts(self, size: Array, chance: Array) -> Array:
        """Return how many counts have the skewness of scores, (pair, kernel): what else varies is not skewed."""
        wider = self.inflation * size / np.maximum(self.counted, SMALLEST)
        return np.asarray(np.outer(np.maximum(chance, SMALLEST), wider**6), np.float64)

    def _covariance(self, there: Array, back: Array) -> Array:
        boxes, covariance = len(there), self.common.copy()
        covariance[:boxes, :boxes] += there
        covariance[boxes:, boxes:] += back
        return covariance
