"""Probabilities that hold: evidence for a synapse against the evidence for one of the wrong sign.

A neuron excites or inhibits, so evidence that an excitatory cell inhibits another is false by Dale's law. These decoys
show how much evidence unconnected pairs give in this recording, hidden common input and all. Where evidence e is found
1 + x times as often for the right sign as for the wrong one, the odds of a connection are x:

    right(e) / wrong(e) = (1 + exp(u(e))) exp(+-g(e)),    u(e) = a + sum over pieces of slope * piece(e)

`u` is the log odds of a connection. `g` is how much more often nothing but common input looks like excitation than like
inhibition; it counts against excitatory neurons and for inhibitory ones. Where the model of :mod:`brainsim.posterior`
holds, u = log odds of the share + e; that is the prior, and few pairs leave it as it is.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Array = NDArray[np.float64]
KNOTS = (0.0, 2.0, 5.0, 12.0)
MOST_PAIRS = 100_000
MOST_EVIDENCE = 30.0  # pairs beyond are as sure as can be; they shall not set the slope
PRIOR_SD = 0.5  # of the offset, of the logarithms of slopes and of their differences, and of the asymmetry
SURE = np.log(9.0)


def calibrated(sides: Array, excitatory: Array, share: float, evidence: Array, usable: NDArray[np.bool_]) -> Array:
    """Return the log odds that pairs are connected, given all evidence of the recording.

    Parameters
    ----------
    sides
        Evidence for an excitatory and for an inhibitory synapse, (2, pre, post).
    excitatory
        Log odds of E against I of each neuron, (neuron,).
    share
        Share of connected pairs.
    evidence
        Evidence for a synapse, (pair,).
    usable
        Pairs that can be judged, (pre, post).

    Returns
    -------
    array
        Log odds, (pair,): a growing function of the evidence.

    Notes
    -----
    Only neurons count whose type is known at odds of 9 without the pair in question: otherwise the side that happens
    to be larger would be called the right one.

    References
    ----------
    Elias & Gygi (2007), Nature Methods 4:207 (decoys). Efron (2004), JASA 99:96 (local false discovery rate).
    """
    prior = float(np.log(share / (1 - share)))
    pair = np.logaddexp(np.log1p(-share), np.log(share) + sides)
    whole = excitatory[:, None]
    others = whole - (pair[0] - pair[1])
    excites = usable & (np.minimum(others, whole) > SURE)
    inhibits = usable & (np.maximum(others, whole) < -SURE)
    right = np.concatenate([sides[0][excites], sides[1][inhibits]])
    wrong = np.concatenate([sides[1][excites], sides[0][inhibits]])
    kind = np.repeat([1.0, -1.0], [excites.sum(), inhibits.sum()])
    some = slice(None, None, max(1, -(-len(kind) // MOST_PAIRS)))
    found = _fitted(right[some], wrong[some], kind[some], prior)
    return np.asarray(found[0] + _pieces(evidence) @ np.exp(found[1 : 2 + len(KNOTS)]), np.float64)


def _pieces(evidence: Array) -> Array:
    """Return how far evidence has come in each piece between knots, (pair, piece)."""
    ends = [*KNOTS[1:], np.inf]
    rising = [np.clip(evidence, low, high) - low for low, high in zip(KNOTS, ends, strict=True)]
    return np.stack([np.minimum(evidence, KNOTS[0]), *rising], axis=-1)


def _asymmetry(evidence: Array) -> Array:
    """Return by what each coefficient of `g` counts, (pair, 2): evidence near 0, and beyond."""
    return np.stack([np.clip((evidence + 1) / 2, 0, 1), np.clip((evidence - 1) / 4, 0, 1)], axis=-1)


def _fitted(right: Array, wrong: Array, kind: Array, prior: float) -> Array:
    """Fit offset, logarithms of slopes and asymmetry to which evidence is right and which a decoy."""
    evidence = np.minimum(np.concatenate([right, wrong]), MOST_EVIDENCE)
    label = np.repeat([1.0, -1.0], len(right))
    pieces, uneven = _pieces(evidence), _asymmetry(evidence) * np.tile(kind, 2)[:, None]
    slopes = slice(1, 2 + len(KNOTS))

    def loss(at: Array) -> tuple[float, Array]:
        slope, bend = np.exp(at[slopes]), np.diff(at[slopes]) / PRIOR_SD**2
        log_odds = at[0] + pieces @ slope
        margin = label * (np.logaddexp(0, log_odds) + uneven @ at[slopes.stop :])
        push = label * expit(-margin)
        pull = push * expit(log_odds)
        from_prior = np.concatenate(
            [
                [(at[0] - prior) / PRIOR_SD**2],
                at[slopes] / PRIOR_SD**2 + np.append(0, bend) - np.append(bend, 0),
                at[slopes.stop :] / PRIOR_SD**2,
            ]
        )
        cost = from_prior @ (at - np.append(prior, np.zeros(len(at) - 1))) / 2
        from_pairs = np.concatenate([[pull.sum()], (pieces.T @ pull) * slope, uneven.T @ push])
        return float(np.logaddexp(0, -margin).sum() + cost), from_prior - from_pairs

    start = np.append(prior, np.zeros(len(KNOTS) + 3))
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B").x, np.float64)
