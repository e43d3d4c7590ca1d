"""What one neuron's activity is distributed like: a table of quantiles at equally spaced normal scores.

A table turns a standard normal number z into activity, ``value = table[z]``, so that zero-inflated, bounded, quantised
and skewed activity come out as recorded. Its Hermite coefficients say how correlations of normal numbers become
covariances of activity.
"""

from math import factorial

import numpy as np
from scipy.special import eval_hermitenorm, ndtr, ndtri

from brainsim.missing import Floats
from brainsim.scaling import TrainingTrials

KNOTS = np.linspace(-4.0, 4.0, 201)
POOLED = 1.0
ORDERS = 6


def tables(trials: TrainingTrials) -> Floats:
    """Return the table of each neuron, in scaled units.

    Trials of one frame have a table for each stimulus, drawn towards the neuron's own over all stimuli as if one
    trial more had been drawn from it; longer trials have one table for all.

    Returns
    -------
    ndarray
        Shape (stimulus or 1, neuron, knot).
    """
    _, neurons, frames = trials.activity.shape
    groups = (
        [trials.label == label for label in range(len(trials.stimuli))]
        if frames == 1
        else [np.ones(len(trials.label), bool)]
    )
    result = np.zeros((len(groups), neurons, len(KNOTS)))
    for neuron in range(neurons):
        known = np.ones((len(trials.label), frames), bool) if trials.seen is None else trials.seen[:, neuron] > 0
        lattice = bool(trials.scaling.step[neuron] > 0)
        everywhere = trials.activity[:, neuron][known].astype(float)
        if not len(everywhere):
            continue
        for place, group in enumerate(groups):
            own = trials.activity[group, neuron][known[group]].astype(float)
            values = np.concatenate([own, everywhere]) if len(groups) > 1 else everywhere
            weight = np.full(len(values), POOLED / len(everywhere))
            weight[: len(own)] = 1.0
            result[place, neuron] = quantiles(values, weight, lattice=lattice)
    return result


def quantiles(values: Floats, weight: Floats, *, lattice: bool) -> Floats:
    """Return the weighted quantiles at the knots, as values that occur (`lattice`) or interpolated between them."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    if lattice:
        found: Floats = values[order][np.minimum(np.searchsorted(share, ndtr(KNOTS)), len(values) - 1)]
        return found
    middle = share - weight[order] / weight.sum() / 2
    return np.asarray(np.interp(ndtr(KNOTS), middle, values[order]))


def normal_scores(trials: TrainingTrials, seed: int) -> Floats:
    """Return activity with every neuron's values replaced by normal scores, ties broken at random.

    Returns
    -------
    ndarray
        Shape (trial, time, neuron); 0 where missing.
    """
    rng = np.random.default_rng(seed)
    count, neurons, frames = trials.activity.shape
    scores = np.zeros((count, frames, neurons))
    for neuron in range(neurons):
        known = np.ones((count, frames), bool) if trials.seen is None else trials.seen[:, neuron] > 0
        values = trials.activity[:, neuron][known]
        rank = np.empty(len(values))
        rank[np.lexsort((rng.random(len(values)), values))] = np.arange(len(values)) + 0.5
        scores[..., neuron][known] = ndtri(rank / max(len(values), 1))
    return scores


def hermite(table: Floats) -> tuple[Floats, Floats]:
    """Return the Hermite coefficients of tables, and their whole variance.

    For standard normal x and y with correlation r, ``cov(f(x), g(y)) = sum_k a_k b_k r^k``, k from 1 on.

    Parameters
    ----------
    table
        Shape (..., knot).

    Returns
    -------
    coefficient, variance : ndarray
        Shapes (order, ...) for orders 1 to 6, and (...).
    """
    density = np.exp(-(KNOTS**2) / 2)
    density /= density.sum()
    mean = table @ density
    orders = range(1, ORDERS + 1)
    basis = [eval_hermitenorm(order, KNOTS) * density / np.sqrt(factorial(order)) for order in orders]
    return np.stack([table @ each for each in basis]), np.maximum(table**2 @ density - mean**2, 0)
