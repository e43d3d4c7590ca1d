"""Pairs in frames of a microscope: one sign against the other, and a pair against the others of its neurons.

Inferred spikes are early or late by frames, and bursts that neurons share lift or lower all lags of a correlogram. What
is left of a synapse is that its sign is the more probable one of the two, by more than in the other pairs of the same
neurons:

    x = evidence for excitation - evidence for inhibition - location of pre - location of post
    x / (spread of pre x spread of post)

Locations and spreads are medians, shrunk towards those of all by the weight of 30 pairs.

References
----------
Mosteller & Tukey (1977), Data Analysis and Regression, ch. 9 (median polish).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainsim.null import NEIGHBOURS, factors

Array = NDArray[np.float64]
Floats = NDArray[Any]  # of 32 bits
ROUNDS = 3


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


def _middle(values: Floats, axis: int) -> Floats:
    """Return the median of the pairs that can be judged; 0 for a neuron that has none."""
    none = np.isnan(values).all(axis, keepdims=True)
    found: Floats = np.nanmedian(np.where(none, np.float32(0), values), axis)
    return found
