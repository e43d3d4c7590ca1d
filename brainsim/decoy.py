"""Probabilities that hold: evidence for a synapse against the evidence for one of the wrong sign.

A neuron excites or inhibits, so evidence that an excitatory cell inhibits another is false by Dale's law. These decoys
show how much evidence unconnected pairs give in this recording, hidden common input and all. Where evidence e is found
1 + x times as often for the right sign as for the wrong one, the odds of a connection are x:

    right(e) / wrong(e) = (1 + exp(u(e))) exp(+-g),    u(e) = a + sum over pieces of slope * piece(e)

`u` is the log odds of a connection; E and I have an `a` each, for their synapses are not equally many and strong, and a
`g` each: how much more often nothing but common input looks like excitation than like inhibition. It counts against
excitatory neurons and for inhibitory ones. Where the model of :mod:`brainsim.posterior` holds, u = log odds of the
share + e; that is the prior, and few pairs leave it as it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.optimize import minimize
from scipy.special import expit, log_expit

Array = NDArray[np.float64]
Floats = NDArray[Any]
KNOTS = (0.0, 2.0, 5.0, 12.0)
TOLD_FROM = 0.5  # evidence from which on it tells: below, connected pairs fill the side of the decoys
MOST_PAIRS = 100_000
MOST_EVIDENCE, BEYOND = 30.0, 1e-3  # pairs beyond are as sure as can be and do not set the slope; their own is this
OFFSET_SD, TYPES_SD = 1.0, 0.5  # of an offset; of the difference between those of E and I
SLOPE_SD = 0.35  # of the logarithms of slopes, and of their differences
ASYMMETRY_SD, ASYMMETRIES_SD = 0.25, 0.5  # of an asymmetry; of the difference between those of E and I
SURE = np.log(9.0)


def calibrated(sides: Floats, excitatory: Array, share: float, usable: NDArray[np.bool_]) -> Array:
    """Return the log odds that pairs are connected, given all evidence of the recording.

    Parameters
    ----------
    sides
        Evidence for an excitatory and for an inhibitory synapse, (2, pre, post).
    excitatory
        Log odds of E against I of each neuron, (neuron,).
    share
        Share of connected pairs.
    usable
        Pairs that can be judged, (pre, post).

    Returns
    -------
    array
        Log odds, (pair,): for each type a growing function of the evidence.

    Notes
    -----
    Only neurons count whose type is known at odds of 9 without the pair in question: otherwise the side that happens
    to be larger would be called the right one.

    References
    ----------
    Elias & Gygi (2007), Nature Methods 4:207 (decoys). Efron (2004), JASA 99:96 (local false discovery rate).
    """
    prior = float(np.log(share / (1 - share)))
    offset, slope = _fitted([_Decoys.of(*each) for each in _told(sides, excitatory, share, usable)], prior)
    log_odds, at = np.zeros(int(usable.sum())), 0
    for pre, whole in enumerate(excitatory):
        side = sides[:, pre, usable[pre]].astype(float)
        capped = np.minimum(side, MOST_EVIDENCE)
        odds = offset[:, None] + _pieces(capped) @ slope + BEYOND * (side - capped)
        found = np.logaddexp(log_expit(whole) + odds[0], log_expit(-whole) + odds[1])
        log_odds[at : (at := at + len(found))] = found
    return log_odds


def _told(
    sides: Floats, excitatory: Array, share: float, usable: NDArray[np.bool_]
) -> Iterator[tuple[Array, Array, float]]:
    """Give the evidence that tells, of the right and of the wrong sign, and the sign, of E and of I."""
    found: list[list[list[Array]]] = [[[], []], [[], []]]
    for pre, whole in enumerate(excitatory):
        side = sides[:, pre].astype(float)
        pair = np.logaddexp(np.log1p(-share), np.log(share) + side)
        k = int(whole < 0)
        sign = 1 - 2 * k
        sure = usable[pre] & (sign * (whole - (pair[0] - pair[1])) > SURE) & (sign * whole > SURE)
        for each, kept in zip((side[k][sure], side[1 - k][sure]), found[k], strict=True):
            kept.append(each[each > TOLD_FROM])
    for of_type, label in zip(found, (1.0, -1.0), strict=True):
        right, wrong = (np.concatenate([np.zeros(0), *each]) for each in of_type)
        yield right, wrong, label


@dataclass(frozen=True)
class _Decoys:
    """Evidence of one type in pieces, (pair, piece); right (1) or wrong (-1), (pair,); the sign of the type."""

    pieces: Array
    label: Array
    sign: float

    @classmethod
    def of(cls, right: Array, wrong: Array, sign: float) -> "_Decoys":
        """Lay out the evidence of the right and of the wrong sign."""
        found = np.concatenate([right, wrong])
        told = np.arange(0, len(found), max(1, -(-len(found) // MOST_PAIRS)))
        evidence = np.minimum(found[told], MOST_EVIDENCE)
        return cls(_pieces(evidence), np.where(told < len(right), 1.0, -1.0), sign)


def _pieces(evidence: Array) -> Array:
    """Return how far evidence has come in each piece between knots, (pair, piece)."""
    ends = [*KNOTS[1:], np.inf]
    rising = [np.clip(evidence, low, high) - low for low, high in zip(KNOTS, ends, strict=True)]
    return np.stack([np.minimum(evidence, KNOTS[0]), *rising], axis=-1)


def _fitted(kinds: list[_Decoys], prior: float) -> tuple[Array, Array]:
    """Fit offsets of E and I, (type,), slopes, (piece,), and asymmetry to which evidence is right and which a decoy."""
    last = 2 + len(KNOTS) + 1

    def loss(at: Array) -> tuple[float, Array]:
        value, by = _cost(at, prior)
        slope = np.exp(at[2:last])
        for k, kind in enumerate(kinds):
            log_odds = at[k] + kind.pieces @ slope
            margin = kind.label * (np.logaddexp(0, log_odds) + kind.sign * at[last + k])
            push = kind.label * expit(-margin)
            pull = push * expit(log_odds)
            value += float(np.logaddexp(0, -margin).sum())
            by[k] -= pull.sum()
            by[2:last] -= (kind.pieces.T @ pull) * slope
            by[last + k] -= kind.sign * push.sum()
        return value, by

    start = np.concatenate([[prior, prior], np.zeros(len(KNOTS) + 3)])
    best = np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B").x, np.float64)
    return best[:2], np.exp(best[2:last])


def _cost(at: Array, prior: float) -> tuple[float, Array]:
    """Return minus the log prior of what is fitted, and its gradient: every row of a matrix deviates by its SD."""
    slopes, two = len(KNOTS) + 1, np.array([[1, 0], [0, 1], [1, -1]])
    rows = linalg.block_diag(
        two / [[OFFSET_SD], [OFFSET_SD], [TYPES_SD]],
        np.concatenate([np.eye(slopes), np.diff(np.eye(slopes), axis=0)]) / SLOPE_SD,
        two / [[ASYMMETRY_SD], [ASYMMETRY_SD], [ASYMMETRIES_SD]],
    )
    off = at - np.concatenate([[prior, prior], np.zeros(len(at) - 2)])
    far = rows @ off
    return float(far @ far / 2), far @ rows
