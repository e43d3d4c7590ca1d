"""Pairs in frames of a microscope: one sign against the other, and a pair against the others of its neurons.

Inferred spikes are early or late by frames, and bursts that neurons share lift or lower all lags of a correlogram. What
is left of a synapse is that its sign is the more probable one of the two, by more than in the other pairs of the same
neurons:

    x = evidence for excitation - evidence for inhibition - location of pre - location of post
    x / (spread of pre x spread of post)

Locations and spreads are medians, shrunk towards those of all by the weight of 30 pairs.

And what one synapse does shows in the other direction of its pair as well. So both directions are judged together: with
x and x' the evidence of both, p how probable any connection is, and a how much the directions say the same,

    none (1-p)^2    one way p(1-p) exp(x)    the other p(1-p) exp(x')    both p^2 exp(max + (1-a) min)

The probability of a connection is that of the second and the last, over that of all. Where a is 1, a pair that is
certainly coupled is connected one way or the other. Evidence against one of two (min below 0) counts in full for both.

References
----------
Mosteller & Tukey (1977), Data Analysis and Regression, ch. 9 (median polish).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from brainsim.null import FEW_PAIRS, NEIGHBOURS, factors

Array = NDArray[np.float64]
Floats = NDArray[Any]  # of 32 bits
ROUNDS = 3
MOST_RANKED = 1_000_000


def contrasted(sides: Floats, usable: NDArray[np.bool_]) -> Floats:
    """Return the evidence for each sign against the other one, and against the other pairs, (2, pre, post).

    Parameters
    ----------
    sides
        Evidence for an excitatory and for an inhibitory synapse, (2, pre, post).
    usable
        Pairs that can be judged, (pre, post); the others get 0.
    """
    lean = np.where(usable, sides[0] - sides[1], np.float32(np.nan))
    weight = len(lean) / (len(lean) + NEIGHBOURS)
    column: Floats = np.zeros(len(lean))
    for _ in range(ROUNDS):
        row = weight * _middle(lean - column, 1)[:, None]
        column = weight * _middle(lean - row, 0)
    lean = np.nan_to_num(lean - row - column)
    size = np.abs(lean)
    if usable.any() and np.median(size[usable]) > 0:
        lean = lean / np.outer(*factors(size, usable))
    lean = lean.astype(np.float32)
    return np.stack([lean, -lean])


def alike(side: Floats, usable: NDArray[np.bool_]) -> float:
    """Return how much both directions say the same over all pairs: their rank correlation, not below 0.

    Parameters
    ----------
    side
        Evidence, (pre, post).
    usable
        Pairs that can be judged, (pre, post).
    """
    pairs = np.flatnonzero(usable)
    some = np.unravel_index(pairs[:: max(1, -(-len(pairs) // MOST_RANKED))], usable.shape)
    if len(some[0]) < FEW_PAIRS or np.ptp(side[some]) == 0:
        return 0.0
    return max(0.0, float(stats.spearmanr(side[some], side.T[some]).statistic))


def directed(evidence: Floats, share: float, same: float) -> Array:
    """Return the log odds of a connection, of which the other direction may be the reason, (pre, post).

    Parameters
    ----------
    evidence
        How much more probable the data are with a connection than without, in nats, (pre, post).
    share
        How probable a connection is before anything is seen.
    same
        How much both directions say the same: :func:`alike`.
    """
    back, lone = evidence.T, np.log(share / (1 - share))
    less = np.minimum(evidence, back)
    both = evidence + back - same * np.maximum(less, 0)
    connected = np.logaddexp(lone + evidence, 2 * lone + both)
    return np.asarray(connected - np.logaddexp(0, lone + back), np.float64)


def _middle(values: Floats, axis: int) -> Floats:
    """Return the median of the pairs that can be judged; 0 for a neuron that has none."""
    none = np.isnan(values).all(axis, keepdims=True)
    found: Floats = np.nanmedian(np.where(none, np.float32(0), values), axis)
    return found
