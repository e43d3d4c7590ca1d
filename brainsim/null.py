"""What the scores of unconnected pairs look like (Efron's empirical null).

References
----------
Efron (2004), JASA 99:96.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Floats = NDArray[Any]  # of 32 bits
NORMAL_MEDIAN = 0.6744897501960817
NEIGHBOURS = 30.0
FEW_PAIRS, MOST_PAIRS = 30, 20000
MOST_SORTED = 5000
SPREAD, LOCATED = 500.0, 2000.0  # pairs


@dataclass(frozen=True, eq=False)
class Null:
    """Scores of unconnected pairs: location and spread of each kernel, and of each neuron's pairs.

    Most pairs are unconnected, so medians show the null. A neuron whose pairs all vary more than those of others
    (pre or post) has more common input; its factor is shrunk towards 1 by the weight of 30 pairs. No spread is taken
    to be below that of noise: where most pairs never fire near each other, medians tell nothing.

    Attributes
    ----------
    middle, spread
        Of each kernel, (kernel,).
    row, column
        How much wider than most the scores of each neuron's pairs are, as pre and as post, (neuron,).
    """

    middle: Array
    spread: Array
    row: Array
    column: Array

    @classmethod
    def of(cls, some: Array, neurons: int, skewed: Array | None = None) -> Self:
        """Learn it from the scores of some usable pairs, (pair, kernel); every neuron is like most as yet.

        With `skewed` the median of each kernel is taken out, as far as it is not where few counts have theirs (at most
        0), (kernel,): common input lifts the scores of all pairs.
        """
        middle, spread = np.zeros(some.shape[1]), np.ones(some.shape[1])
        if len(some) >= FEW_PAIRS:
            if skewed is not None:
                middle = np.median(some, axis=0)
                middle = np.where(middle < 0, np.minimum(middle - skewed, 0), middle)
            spread = np.maximum(np.median(np.abs(some - middle), axis=0) / NORMAL_MEDIAN, 1e-6)
        return cls(middle, spread, np.ones(neurons), np.ones(neurons))

    def typical(self, score: Floats, kernels: int) -> Array:
        """Return the size of the scores of a neuron's pairs over the first kernels, (post,)."""
        plain = (score[:, :kernels] - self.middle[:kernels]) / self.spread[:kernels]
        return np.asarray(np.sqrt((plain**2).mean(1)), np.float64)

    def by_neuron(self, typical: Floats, usable: NDArray[np.bool_]) -> Self:
        """Learn the factor of each neuron from the :meth:`typical` size of all pairs, (pre, post)."""
        if usable.sum() < FEW_PAIRS:
            return self
        row, column = factors(typical, usable)
        return replace(self, row=row, column=column)

    def relearned(self, score: Floats, alone: Array, posts: slice, pairs: int) -> Self:
        """Learn it again from pairs as far as they are probably not connected.

        Where a fifth of all pairs is connected, the spread over all pairs is a fifth larger than that of the rest. What
        few pairs tell counts little: a spread by the weight of 500 pairs, a location by that of 2000; below 30 nothing.

        Parameters
        ----------
        score
            Scores of some posts, (pre, post, kernel).
        alone
            How probable it is that they have no synapse, (pre, post).
        posts
            Which posts.
        pairs
            How many pairs there are.
        """
        if alone.sum() < FEW_PAIRS:
            return self
        some = np.flatnonzero(alone)
        some = some[:: -(-len(some) // MOST_SORTED)]
        factor = (self.row[:, None] * self.column[posts]).ravel()[some]
        plain = (score.reshape(alone.size, -1)[some].astype(float) - self.middle) / factor[:, None]
        weight = alone.ravel()[some]
        lifted = pairs / (pairs + LOCATED) * weighted_median(plain, weight)
        wide = weighted_median(np.abs(plain - lifted), weight) / NORMAL_MEDIAN
        spread = self.spread * (np.maximum(wide, 1e-6) / self.spread) ** (pairs / (pairs + SPREAD))
        return replace(self, middle=self.middle + lifted, spread=spread)

    def standardised(self, score: Floats, usable: NDArray[np.bool_], pre: int, posts: slice = slice(None)) -> Floats:
        """Bring the scores of pairs of a neuron to the null, (post, kernel); 0 where a pair cannot be judged."""
        factor = self.row[pre] * self.column[posts]
        scale = np.maximum(self.spread * factor[:, None], 1.0)
        found: Floats = np.where(usable[:, None], (score - self.middle) / scale, 0.0).astype(np.float32)
        return found


def factors(typical: Floats, usable: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return how much larger than most a neuron's pairs are, as pre and as post, (neuron,) each.

    Parameters
    ----------
    typical
        Size of each pair, (pre, post).
    usable
        Pairs that can be judged, (pre, post).
    """
    n, row, column = len(typical), np.ones(len(typical)), np.ones(len(typical))
    middle = float(np.median(typical[usable]))
    shrunk = np.where(usable, typical, np.float32(middle))
    for _ in range(3):
        row = (n * np.median(shrunk / column, axis=1) / middle + NEIGHBOURS) / (n + NEIGHBOURS)
        column = (n * np.median(shrunk / row[:, None], axis=0) / middle + NEIGHBOURS) / (n + NEIGHBOURS)
    return row, column


def sampled(usable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return every k-th usable pair, at most 20,000 of them, as places in the flat matrix."""
    pairs = np.flatnonzero(usable)
    return pairs[:: max(1, -(-len(pairs) // MOST_PAIRS))]


def weighted_median(values: Array, weight: Array) -> Array:
    """Return the medians of the columns of values, (row, column), whose rows count so much, (row,)."""
    order = np.argsort(values, axis=0)
    below = np.cumsum(weight[order], axis=0)
    place = (below < below[-1] / 2).sum(0)
    return np.asarray(values[order[place, np.arange(values.shape[1])], np.arange(values.shape[1])], np.float64)
