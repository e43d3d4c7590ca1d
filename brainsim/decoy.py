"""Probabilities that hold: evidence for a synapse against the evidence for one of the wrong sign.

A neuron excites or inhibits, so evidence that an excitatory cell inhibits another is false by Dale's law. These decoys
show how much evidence unconnected pairs give in this recording, hidden input and all. How many pairs of an excitatory
(E) and an inhibitory (I) neuron give evidence e for the right sign and for the wrong one, with b(e) not known:

    E right   n_E b(e)        (1 + exp(u_E)) exp(+g_E/2)        E wrong   n_E b(e)        exp(-g_E/2)
    I right   n_I b(e) exp(h) (1 + exp(u_I)) exp(-g_I/2)        I wrong   n_I b(e) exp(h) exp(+g_I/2)

A pair counts once, for the sign that it gives more evidence for: a strong synapse often gives some for the other sign
as well, which says nothing of unconnected pairs. `u` is the log odds of a connection, an offset of each type and a
slope in each piece between knots; where the model of :mod:`brainsim.posterior` holds, u = log odds of the share + e,
which is the prior. `g` is how much more often nothing but common input looks like excitation than like inhibition; it
grows with the evidence. `h` is how much more often unconnected pairs of an inhibitory neuron give evidence: they have
more spikes, so everything shows more in them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logsumexp

Array = NDArray[np.float64]
Floats = NDArray[Any]  # of 32 bits
KNOTS = (0.0, 2.0, 5.0, 12.0)
TOLD_FROM = 0.5  # evidence from which on it tells: below, connected pairs fill the side of the decoys
RISES = (TOLD_FROM, 3.0, 6.0, 12.0)  # knots of the asymmetry
FURTHER, MORE = 3.0, 0.25  # so far evidence makes more spikes count more, by so much per nat
MOST_PAIRS = 100_000
MOST_EVIDENCE, BEYOND = 30.0, 1e-3  # pairs beyond are as sure as can be and do not set the slope; their own is this
COUNTED = 0.4  # of a pair: pairs of a neuron are not independent
OFFSET_SD, TYPES_SD = 0.4, 1.0  # of an offset; of the difference between those of E and I
INHIBITORY, TAIL = 1, 8.0  # the offset of I has the tail of Student's distribution with so many degrees of freedom
SLOPE_SD = 0.4  # of the logarithms of slopes, and of their differences
ASYMMETRY_SD, ASYMMETRIES_SD = 0.4, 0.4  # of an asymmetry; of the difference between those of E and I
RISE, RISE_SD = 0.3, 0.3  # of its rise per nat up to the second knot (beyond, it is expected to stay); SD
BUSY, BUSY_SD = 0.3, 0.1  # `h` over the logarithm of how many more spikes they fire; SD
SURE = np.log(9.0)


def calibrated(
    sides: Floats, excitatory: Array, share: float, usable: NDArray[np.bool_], spikes: Array | None = None
) -> Array:
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
    spikes
        How many spikes each neuron fired, (neuron,); None where they are not known.

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
    decoys = _Decoys.of(list(_told(sides, excitatory, share, usable)), _busier(excitatory, spikes))
    offset, slope = _fitted(decoys, prior)
    log_odds, at = np.zeros(int(usable.sum())), 0
    for pre, whole in enumerate(excitatory):
        side = sides[:, pre, usable[pre]].astype(float)
        capped = np.minimum(side, MOST_EVIDENCE)
        odds = offset[:, None] + _pieces(capped) @ slope + BEYOND * (side - capped)
        found = np.logaddexp(log_expit(whole) + odds[0], log_expit(-whole) + odds[1])
        log_odds[at : (at := at + len(found))] = found
    return log_odds


def _busier(excitatory: Array, spikes: Array | None) -> float:
    """Return the logarithm of how many more spikes inhibitory neurons fire than excitatory ones."""
    if spikes is None:
        return 0.0
    inhibits, excites = expit(-excitatory), expit(excitatory)
    means = (weight @ spikes / max(weight.sum(), 1e-9) for weight in (inhibits, excites))
    return float(np.subtract(*(np.log(max(mean, 1e-9)) for mean in means)))


def _told(
    sides: Floats, excitatory: Array, share: float, usable: NDArray[np.bool_]
) -> Iterator[tuple[Array, Array, int]]:
    """Give the evidence that tells, of the right and of the wrong sign, and how many pairs there are, of E and of I."""
    found: list[list[list[Array]]] = [[[], []], [[], []]]
    pairs = [0, 0]
    for pre, whole in enumerate(excitatory):
        side = sides[:, pre].astype(float)
        pair = np.logaddexp(np.log1p(-share), np.log(share) + side)
        k = int(whole < 0)
        sign = 1 - 2 * k
        sure = usable[pre] & (sign * (whole - (pair[0] - pair[1])) > SURE) & (sign * whole > SURE)
        pairs[k] += int(sure.sum())
        right, wrong = side[k][sure], side[1 - k][sure]
        found[k][0].append(right[(right > TOLD_FROM) & (right >= wrong)])
        found[k][1].append(wrong[(wrong > TOLD_FROM) & (wrong > right)])
    for of_type, many in zip(found, pairs, strict=True):
        right, wrong = (np.concatenate([np.zeros(0), *each]) for each in of_type)
        yield right, wrong, many


@dataclass(frozen=True)
class _Decoys:
    """Evidence that tells.

    Attributes
    ----------
    pieces, rises
        The evidence of each pair in pieces of `u` and of `g`, (pair, piece).
    kind
        0: E right, 1: E wrong, 2: I right, 3: I wrong, (pair,).
    many
        Logarithm of the number of pairs of E and of I, (type,).
    busier, more
        `h` if the prior were sure, and by what it grows with its deviation, (pair,).
    """

    pieces: Array
    rises: Array
    kind: NDArray[np.int64]
    many: Array
    busier: Array
    more: Array

    @classmethod
    def of(cls, types: list[tuple[Array, Array, int]], busier: float) -> "_Decoys":
        """Lay out the evidence of both types; a sample where there is much."""
        sides = [each for right, wrong, _ in types for each in (right, wrong)]
        found, kind = np.concatenate(sides), np.repeat(np.arange(4), [len(each) for each in sides])
        some = slice(None, None, max(1, -(-len(found) // MOST_PAIRS)))
        evidence = np.minimum(found[some], MOST_EVIDENCE)
        more = 1 + MORE * np.clip(evidence - TOLD_FROM, 0, FURTHER)
        many = np.log(np.maximum([many for _, _, many in types], 1e-9))
        rises = [np.clip(evidence, low, high) - low for low, high in pairwise(RISES)]
        return cls(_pieces(evidence), np.stack(rises, axis=-1), kind[some], many, BUSY * busier * more, more)


def _pieces(evidence: Array) -> Array:
    """Return how far evidence has come in each piece between knots, (pair, piece)."""
    ends = [*KNOTS[1:], np.inf]
    rising = [np.clip(evidence, low, high) - low for low, high in zip(KNOTS, ends, strict=True)]
    return np.stack([np.minimum(evidence, KNOTS[0]), *rising], axis=-1)


def _fitted(decoys: _Decoys, prior: float) -> tuple[Array, Array]:
    """Fit offsets of E and I, (type,), and slopes, (piece,), to which evidence is right and which a decoy."""
    slopes, rises = 2 + len(KNOTS) + 1, 2 + len(KNOTS) + 3
    expected = np.zeros(rises + len(RISES))
    expected[:2], expected[rises] = prior, RISE
    each = np.arange(len(decoys.kind))

    def loss(at: Array) -> tuple[float, Array]:
        value, by = _cost(at - expected)
        slope, busy = np.exp(at[2:slopes]), decoys.busier + at[-1] * decoys.more
        odds = at[:2, None] + decoys.pieces @ slope
        lean = (at[slopes:rises, None] + decoys.rises @ at[rises:-1]) / 2
        real = np.logaddexp(0, odds)
        log = np.stack([real[0] + lean[0], -lean[0], busy + real[1] - lean[1], busy + lean[1]])
        log += np.repeat(decoys.many, 2)[:, None]
        whole = logsumexp(log, axis=0)
        value += COUNTED * float((whole - log[decoys.kind, each]).sum())
        push = np.exp(log - whole)
        push[decoys.kind, each] -= 1
        push *= COUNTED
        pull = push[[0, 2]] * expit(odds)
        tilt = np.stack([push[0] - push[1], push[3] - push[2]]) / 2
        by[:2] += pull.sum(1)
        by[2:slopes] += (pull.sum(0) @ decoys.pieces) * slope
        by[slopes:rises] += tilt.sum(1)
        by[rises:-1] += tilt.sum(0) @ decoys.rises
        by[-1] += (push[2] + push[3]) @ decoys.more
        return value, by

    best = np.asarray(minimize(loss, expected, jac=True, method="L-BFGS-B").x, np.float64)
    return best[:2], np.exp(best[2:slopes])


def _cost(off: Array) -> tuple[float, Array]:
    """Return minus the log prior of how far off the expected it is, and its gradient: every row has its SD.

    All rows are normal but the offset of I, which has a heavy tail: where inhibitory synapses are few and strong, weak
    evidence for them is never one, and many pairs may tell so.
    """
    slopes, two = len(KNOTS) + 1, np.array([[1, 0], [0, 1], [1, -1]])
    rows = linalg.block_diag(
        two / [[OFFSET_SD], [OFFSET_SD], [TYPES_SD]],
        np.concatenate([np.eye(slopes), np.diff(np.eye(slopes), axis=0)]) / SLOPE_SD,
        two / [[ASYMMETRY_SD], [ASYMMETRY_SD], [ASYMMETRIES_SD]],
        np.eye(len(RISES) - 1) / RISE_SD,
        [[1 / BUSY_SD]],
    )
    far = rows @ off
    heavy = 1 + far[INHIBITORY] ** 2 / TAIL
    value = float(far @ far - far[INHIBITORY] ** 2 + TAIL * np.log(heavy)) / 2
    far[INHIBITORY] /= heavy
    return value, far @ rows
