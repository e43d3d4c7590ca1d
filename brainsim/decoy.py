"""Probabilities that hold: evidence for a synapse against the evidence for one that cannot be.

A neuron excites or inhibits, so evidence that an excitatory cell inhibits another is false by Dale's law. And noise has
no sign: of scores with the other sign, evidence that an excitatory cell excites is false as well. These decoys show how
much evidence unconnected pairs give in this recording, hidden input and all. How many pairs of an excitatory (E) and an
inhibitory (I) neuron give evidence e for the right sign, for the wrong one, and (of scores with the other sign,
mirrored) for the right one, with b(e) not known:

    E right      n_E b(e)        (1 + exp(u_E)) exp(+(m + a_E)/2)      E wrong   n_E b(e)        exp(-(m + a_E)/2)
    E mirrored   n_E b(e)        exp(+(m - a_E)/2)
    I right      n_I b(e) exp(h) (1 + exp(u_I)) exp(-(m + a_I)/2)      I wrong   n_I b(e) exp(h) exp(+(m + a_I)/2)

A pair counts once, for the sign that it gives more evidence for: a strong synapse often gives some for the other sign
as well, which says nothing of unconnected pairs. `u` is the log odds of a connection, an offset of each type and a
slope in each piece between knots; where the model of :mod:`brainsim.posterior` holds, u = log odds of the share + e.
The prior is near that: weak synapses hide among the unconnected pairs, so that a share that was learned is too small,
and the odds of weak evidence grow more slowly. Both are so the less, the more synapses of a type are alike; slopes of
both types differ from what is expected by the same factors. `m` is how much more often noise looks like excitation than
like inhibition: their synapses have other strengths. `a` is how much more often hidden input does; where much of it was
found, more is expected. `h` is how much more often unconnected pairs of an inhibitory neuron give evidence: they have
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
TOLD_FROM, TOLD_TO = 0.5, 12.0  # evidence that tells: below, connected pairs are among decoys; beyond, there are none
RISES = (TOLD_FROM, 3.0, 6.0, 12.0)  # knots of `a` and `m`
MOST_PAIRS = 100_000
MOST_EVIDENCE, BEYOND = 30.0, 1e-3  # pairs beyond are as sure as can be and do not set the slope; their own is this
COUNTED, MOST_COUNTED = 0.35, 1500.0  # of a pair, for pairs of a neuron are not independent; of all: they share errors
OFFSET, OFFSET_ALIKE = 0.85, 0.4  # over the model's, where strengths are half-normal; where they are alike
LEARNED = 1000.0  # pairs; an offset is expected where the share was learned from many more
OFFSET_SD, TYPES_SD = 0.15, 1.2  # of the mean offset (four of five neurons are E); of the difference between E and I
SLOPES = 1.0, 0.6, 0.9, 1.0, 1.0  # slopes of `u`
SLOPES_ALIKE = 1.0, 0.9, 1.0, 1.0, 1.0  # where strengths are alike
SLOPE_SD = 0.6  # of their logarithms, and of the differences of these
HIDDEN, MOST_HIDDEN = 1.25, 1.0  # `a_E`, and the first rise of `a` per nat, over hidden input; most of that
ASYMMETRY_SD, ASYMMETRIES_SD = 0.6, 0.4  # of an asymmetry; of the difference between those of E and I
MIRRORED_SD = 1.0  # of `m`
RISE_SD = 0.3  # of what `a` and `m` rise by per nat
BUSY, BUSY_SD = 0.2, 0.1  # `h` over the logarithm of how many more spikes they fire; SD
SURE = np.log(9.0)
KINDS = E_RIGHT, E_WRONG, I_RIGHT, I_WRONG, E_MIRRORED = tuple(range(5))


def calibrated(
    sides: Floats,
    excitatory: Array,
    share: float,
    usable: NDArray[np.bool_],
    spikes: Array | None = None,
    mirrored: Floats | None = None,
    hidden: float = 0.0,
    broad: Array | None = None,
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
    mirrored
        Evidence as `sides` of scores with the other sign, (2, pre, every k-th post); None where it is not known.
    hidden
        How often hidden input was found, over how often connections.
    broad
        Share of synapses with half-normal strengths, (type,), E first; the others are alike. None: all of them.

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
    Elias & Gygi (2007), Nature Methods 4:207 (decoys). Efron (2004), JASA 99:96 (local false discovery rate). Barber &
    Candes (2015), Ann Stat 43:2055 (noise has no sign).
    """
    pairs = int(usable.sum())
    many = np.ones(2) if broad is None else broad
    prior = np.log(share / (1 - share)) + (OFFSET_ALIKE + (OFFSET - OFFSET_ALIKE) * many) * pairs / (pairs + LEARNED)
    usual = np.outer(many, SLOPES) + np.outer(1 - many, SLOPES_ALIKE)
    decoys = _Decoys.of(_told(sides, excitatory, share, usable, mirrored), _busier(excitatory, spikes))
    offset, slope = _fitted(decoys, prior, usual, min(hidden, MOST_HIDDEN))
    log_odds, at = np.zeros(pairs), 0
    for pre, whole in enumerate(excitatory):
        side = sides[:, pre, usable[pre]].astype(float)
        capped = np.minimum(side, MOST_EVIDENCE)
        odds = offset[:, None] + (_pieces(capped) @ slope[:, :, None])[..., 0] + BEYOND * (side - capped)
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
    sides: Floats, excitatory: Array, share: float, usable: NDArray[np.bool_], mirrored: Floats | None
) -> Iterator[tuple[int, Array, int]]:
    """Give kinds of pairs of each neuron: which kind, the evidence that tells, and of how many pairs it is."""
    some = slice(None, None, -(-sides.shape[2] // max(1, 0 if mirrored is None else mirrored.shape[2])))
    for pre, whole in enumerate(excitatory):
        side = sides[:, pre].astype(float)
        pair = np.logaddexp(np.log1p(-share), np.log(share) + side)
        k = int(whole < 0)
        sign = 1 - 2 * k
        sure = usable[pre] & (sign * (whole - (pair[0] - pair[1])) > SURE) & (sign * whole > SURE)
        right, wrong, many = side[k][sure], side[1 - k][sure], int(sure.sum())
        yield 2 * k, right[_tells(right) & (right >= wrong)], many
        yield 2 * k + 1, wrong[_tells(wrong) & (wrong > right)], many
        if mirrored is not None and k == 0:
            right, wrong = mirrored[:, pre, sure[some]].astype(float)
            yield E_MIRRORED, right[_tells(right) & (right >= wrong)], len(right)


def _tells(evidence: Array) -> NDArray[np.bool_]:
    return (evidence > TOLD_FROM) & (evidence < TOLD_TO)


@dataclass(frozen=True)
class _Decoys:
    """Evidence that tells.

    Attributes
    ----------
    pieces, rises
        The evidence of each pair in pieces of `u`, and in pieces of `a` and `m`, (pair, piece).
    kind
        Which kind it is, (pair,).
    many
        Logarithm of the number of pairs of each kind, (kind,).
    busier
        `h` if the prior were sure.
    """

    pieces: Array
    rises: Array
    kind: NDArray[np.int64]
    many: Array
    busier: float

    @classmethod
    def of(cls, told: Iterator[tuple[int, Array, int]], busier: float) -> "_Decoys":
        """Lay out the evidence of all neurons; a sample where there is much."""
        many, found, kind = np.zeros(len(KINDS)), [np.zeros(0)], [np.zeros(0, np.int64)]
        for which, evidence, pairs in told:
            many[which] += pairs
            found.append(evidence)
            kind.append(np.full(len(evidence), which))
        each, kinds = np.concatenate(found), np.concatenate(kind)
        order = np.argsort(kinds, kind="stable")[:: max(1, -(-len(each) // MOST_PAIRS))]
        evidence = np.minimum(each[order], MOST_EVIDENCE)
        rises = [np.clip(evidence, low, high) - low for low, high in pairwise(RISES)]
        seldom = np.log(np.maximum(many, 1e-9))
        return cls(_pieces(evidence), np.stack(rises, axis=-1), kinds[order], seldom, BUSY * busier)


def _pieces(evidence: Array) -> Array:
    """Return how far evidence has come in each piece between knots, (pair, piece)."""
    ends = [*KNOTS[1:], np.inf]
    rising = [np.clip(evidence, low, high) - low for low, high in zip(KNOTS, ends, strict=True)]
    return np.stack([np.minimum(evidence, KNOTS[0]), *rising], axis=-1)


SIZES = (2, len(SLOPES), 2, len(RISES) - 1, 1, 1, len(RISES) - 1)  # offsets, slopes, a, its rises, h, m, its rises
OFFSETS, SLOPE, ASYMMETRY, RISE, BUSIER, NOISE, NOISE_RISE = (
    slice(end - size, end) for size, end in zip(SIZES, np.cumsum(SIZES), strict=True)
)


def _expected(prior: Array, hidden: float) -> Array:
    """Return what is expected of all parameters."""
    expected = np.zeros(sum(SIZES))
    expected[OFFSETS] = prior
    expected[ASYMMETRY], expected[RISE.start] = (HIDDEN * hidden, 0.0), HIDDEN * hidden
    return expected


def _fitted(decoys: _Decoys, prior: Array, usual: Array, hidden: float) -> tuple[Array, Array]:
    """Fit offsets of E and I, (type,), and slopes, (type, piece), to which evidence is right and which a decoy.

    `prior` and `usual` are what is expected of them.
    """
    expected, each = _expected(prior, hidden), np.arange(len(decoys.kind))
    counted = min(COUNTED, MOST_COUNTED / max(len(each), 1))

    def loss(at: Array) -> tuple[float, Array]:
        value, by = _cost(at - expected)
        slope, busy = usual * np.exp(at[SLOPE]), decoys.busier + at[BUSIER]
        odds = at[OFFSETS, None] + slope @ decoys.pieces.T
        a = (at[ASYMMETRY, None] + decoys.rises @ at[RISE]) / 2
        m = (at[NOISE] + decoys.rises @ at[NOISE_RISE]) / 2
        real = np.logaddexp(0, odds)
        log = np.stack(
            [real[0] + m + a[0], -m - a[0], busy + real[1] - m - a[1], busy + m + a[1], m - a[0]],
        )
        log += decoys.many[:, None]
        whole = logsumexp(log, axis=0)
        value += counted * float((whole - log[decoys.kind, each]).sum())
        push = np.exp(log - whole)
        push[decoys.kind, each] -= 1
        push *= counted
        pull = push[[E_RIGHT, I_RIGHT]] * expit(odds)
        like = push[E_RIGHT] - push[E_WRONG], push[I_WRONG] - push[I_RIGHT]
        tilt, noise = np.stack([like[0] - push[E_MIRRORED], like[1]]) / 2, (sum(like) + push[E_MIRRORED]) / 2
        by[OFFSETS] += pull.sum(1)
        by[SLOPE] += ((pull @ decoys.pieces) * slope).sum(0)
        by[ASYMMETRY] += tilt.sum(1)
        by[RISE] += tilt.sum(0) @ decoys.rises
        by[BUSIER] += (push[I_RIGHT] + push[I_WRONG]).sum()
        by[NOISE] += noise.sum()
        by[NOISE_RISE] += noise @ decoys.rises
        return value, by

    best = np.asarray(minimize(loss, expected, jac=True, method="L-BFGS-B").x, np.float64)
    return best[OFFSETS], usual * np.exp(best[SLOPE])


def _cost(off: Array) -> tuple[float, Array]:
    """Return minus the log prior of how far off the expected it is, and its gradient: every row has its SD."""
    slopes, two = len(SLOPES), np.array([[1, 0], [0, 1], [1, -1]])
    rows = linalg.block_diag(
        [[0.8 / OFFSET_SD, 0.2 / OFFSET_SD], [1 / TYPES_SD, -1 / TYPES_SD]],
        np.concatenate([np.eye(slopes), np.diff(np.eye(slopes), axis=0)]) / SLOPE_SD,
        two / [[ASYMMETRY_SD], [ASYMMETRY_SD], [ASYMMETRIES_SD]],
        np.eye(len(RISES) - 1) / RISE_SD,
        [[1 / BUSY_SD]],
        [[1 / MIRRORED_SD]],
        np.eye(len(RISES) - 1) / RISE_SD,
    )
    far = rows @ off
    return float(far @ far) / 2, far @ rows
