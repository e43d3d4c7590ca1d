"""Edges and cell types, with their uncertainty."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SURE = 0.9
LEAST = 0.01  # Matthews correlation that is worth a call


@dataclass(frozen=True)
class Edges:
    """What the z scores of all pairs say.

    Attributes
    ----------
    z
        Scores over the empirical null's spread, (pre, post).
    q_value
        Benjamini-Hochberg false discovery rate.
    probability
        One minus the local false discovery rate: the probability that the pair is connected.
    inflation
        Spread of the empirical null over that of a standard normal; 1 is clean, more says how much hidden common
        input disturbs the answer.
    cut
        Probability from which on pairs are best called edges: :func:`best_cut`.
    """

    z: Array
    q_value: Array
    probability: Array
    inflation: float
    cut: float = 0.5


@dataclass(frozen=True)
class CellTypes:
    """Excitatory or inhibitory, from the pooled sign of outgoing weights: Dale's law as inference.

    Attributes
    ----------
    cell_type
        ``E``, ``I`` or, where neither has a probability of 0.9, ``unknown``; (neuron,).
    probability
        Probability of E, (neuron,).
    """

    cell_type: NDArray[np.str_]
    probability: Array


def named_types(probability: Array, known: NDArray[np.str_] | None = None) -> CellTypes:
    """Name each neuron by its probability of E, or by its type where that is known.

    Parameters
    ----------
    probability
        Probability of E, (neuron,).
    known
        ``E`` or ``I`` where the type is known, (neuron,).
    """
    names = np.full(len(probability), "unknown", dtype="<U7")
    names[probability >= SURE], names[probability <= 1 - SURE] = "E", "I"
    if known is not None:
        names = np.where(np.isin(known, ("E", "I")), known.astype("<U7"), names)
    return CellTypes(names, probability)


def best_cut(probability: Array) -> float:
    """Return the probability from which on pairs are called edges if as many as possible shall be right, on both sides.

    It is where the Matthews correlation is expected to be largest, if the probabilities hold. Where they are sure it is
    about a half; where nothing is sure it is lower; where no pair is told from another nothing is called, and it is 1.

    Parameters
    ----------
    probability
        Edge probability of every pair that can be judged, (pair,).

    Examples
    --------
    >>> best_cut(np.array([0.01, 0.02, 0.03, 0.9, 0.99]))
    0.9
    >>> best_cut(np.array([0.05, 0.05, 0.05, 0.05, 0.3, 0.4]))
    0.3
    """
    told = np.sort(probability)[::-1]
    pairs, edges, called = len(told), told.sum(), np.arange(1, len(told) + 1)
    scale = np.sqrt(called * (pairs - called) * edges * (pairs - edges))
    expected = np.divide(np.cumsum(told) * pairs - called * edges, scale, out=np.zeros(pairs), where=scale > 0)
    worth = pairs and expected.max() > LEAST
    return float(told[expected.argmax()]) if worth else 1.0
