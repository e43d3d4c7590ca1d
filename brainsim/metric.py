"""The curvature of the log likelihood of the rule ``ml``, as all postsynaptic neurons share it.

curvature of neuron i  =  (spikes of i) * overlap of the features * lift  +  prior
overlap                =  E[x x'] - E[x] E[x]'    per bin, x: what presynaptic neurons and covariates give
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainsim.sufficient import Statistics

Array = NDArray[np.float64]
FEW = 3.0
LARGEST_CHANGE = 0.5


@dataclass(frozen=True)
class Metric:
    """The shared preconditioner: overlap of the features in the basis where it is diagonal, scaled by the prior.

    Parameters
    ----------
    values, vectors
        Eigenvalues (feature,) and eigenvectors of the scaled overlap per bin.
    precision
        Precision of the Gaussian prior of each weight, (feature,).
    """

    values: Array
    vectors: Array
    precision: Array

    @classmethod
    def of(cls, facts: Statistics, bins: int, precision: Array) -> "Metric":
        """Diagonalise the overlap once for all postsynaptic neurons."""
        scale = 1 / np.sqrt(precision)
        centred = facts.gram / bins - np.outer(facts.mean, facts.mean)
        values, vectors = np.linalg.eigh(scale[:, None] * centred * scale)
        return cls(np.maximum(values, 0), vectors, precision)

    def solve(self, gradient: Array, count: Array, bend: Array | float = 1.0) -> Array:
        """Return the Newton-like step for gradients (feature, neuron) of neurons that fired `count` spikes.

        `bend`, (feature,), is by how much the curvature along each eigenvector is larger than the overlap says.
        """
        scale = 1 / np.sqrt(self.precision[:, None])
        inner = self.vectors.T @ (scale * gradient)
        step: Array = scale * (self.vectors @ (inner / ((self.values * bend)[:, None] * count + 1.0)))
        return step

    def met(self, step: Array, change: Array, count: Array) -> tuple[Array, Array]:
        """Return how far the gradient bent along each eigenvector, and how far the overlap expects, (feature,) each.

        Summed over neurons; `step` and the `change` of the gradient over it, prior included, are (feature, neuron).
        """
        scale = np.sqrt(self.precision[:, None])
        along = self.vectors.T @ (scale * step)
        bent = self.vectors.T @ (change / scale) - along
        return (along * bent).sum(1), self.values * (along**2 @ count)

    def bounded(self, step: Array) -> Array:
        """Return a step (feature, neuron), shortened where it would change the drive by more than a half (SD)."""
        variance = self.values @ (self.vectors.T @ (np.sqrt(self.precision[:, None]) * step)) ** 2
        shorter: Array = step * np.minimum(1.0, LARGEST_CHANGE / np.sqrt(np.maximum(variance, 1e-300)))
        return shorter

    def variance(self, count: Array, lift: Array) -> Array:
        """Return the posterior variance of each weight, (feature, neuron).

        `lift` (feature, neuron) is by how much more the neuron fires while the feature is there (:func:`lifts`): the
        curvature is that much larger than the overlap of the features alone says.
        """
        spread = 1 / (self.values[:, None] * count + 1.0)
        result: Array = np.minimum((self.vectors**2 @ spread) / lift, 1.0) / self.precision[:, None]
        return result


def lifts(facts: Statistics, bins: int) -> Array:
    """Return how often a neuron fires while a feature is there, over what independence expects, (feature, neuron).

    Shrunk towards 1 by a few spikes. At the optimum the model expects as many coincidences as there were, so that
    this is how the curvature of the log likelihood differs from neuron to neuron.
    """
    expected = np.outer(facts.mean * bins, facts.count[0] / bins)
    lift: Array = (np.maximum(facts.coincidence[0], 0) + FEW) / (np.maximum(expected, 0) + FEW)
    return lift
