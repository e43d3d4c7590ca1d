"""A latent Gaussian that is rectified: zeros, mean and variance of every neuron, correlations, one step of memory.

    z_t = a z_(t-1) + e_t,    z ~ N(0, R) in every frame,    x = rectified power of z (:mod:`brainsim.rival._rectified`)

After the dichotomised Gaussian of Macke, Berens, Ecker, Tolias and Bethge (2009, Neural Computation 21:397). A
correlation c of what two neurons show is less than the r of what is latent; with g(z) the latent variable where it is
seen and its expectation below the threshold where it is not, and a_k the Hermite coefficients of g,

    E[g(z_1) g(z_2)] = sum over k of  a_k(1) a_k(2) r^k

which is solved for r, pair by pair and all at once.
"""

from dataclasses import replace

import numpy as np
from scipy.special import eval_hermitenorm, factorial, ndtr
from sklearn.covariance import ledoit_wolf_shrinkage

from brainsim.evidence import Sample
from brainsim.missing import Floats
from brainsim.rival._rectified import hidden, rectified

ORDERS = 8
MOST = 0.98
STEPS = 12
FEWEST = 3  # trials of a stimulus from which it has parameters of its own


def dichotomised_gaussian(training: Sample, rng: np.random.Generator) -> Sample:
    """Return draws of a rectified Gaussian with the training trials' moments, correlations and lag-one memory."""
    kinds, row = np.unique(training.labels, return_inverse=True)
    few = [np.sum(row == at) < FEWEST for at in range(len(kinds))]
    model = rectified([training.trace if few[at] else training.trace[row == at] for at in range(len(kinds))])
    score = np.nan_to_num(model.score(training.trace, row))
    series = hermite(model.threshold)[:, row]
    frames = score.reshape(-1, score.shape[2])
    by_order = series.reshape(ORDERS, -1, score.shape[2])
    r = solved(frames.T @ frames / len(frames), by_order.transpose(0, 2, 1) @ by_order / len(frames))
    memory = np.zeros(score.shape[2])
    if training.frames > 1:
        product, coefficient = score[:, 1:] * score[:, :-1], series[:, :, 1:] * series[:, :, :-1]
        memory = solved(product.mean((0, 1)), coefficient.mean((1, 2)))
    shrinkage = float(ledoit_wolf_shrinkage(frames / np.maximum(frames.std(0), 1e-9), assume_centered=True))
    np.fill_diagonal(r, 1.0)
    latent = _latent((1 - shrinkage) * r + shrinkage * np.eye(len(r)), memory, training, rng)
    return replace(training, trace=model.shown(latent, row), event=None)


def hermite(threshold: Floats) -> Floats:
    """Return the normalised Hermite coefficients 1 to 8 of g, shape (order, *shape of threshold)."""
    known = np.isfinite(threshold)
    t, below = np.where(known, threshold, 0.0), hidden(threshold)
    density = np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)
    result = []
    for k in range(1, ORDERS + 1):
        lower = eval_hermitenorm(k - 2, t) * density if k > 1 else 1 - ndtr(t)
        censored = -below * eval_hermitenorm(k - 1, t) * density + eval_hermitenorm(k, t) * density + k * lower
        result.append(np.where(known, censored, float(k == 1)) / np.sqrt(factorial(k)))
    return np.stack(result)


def solved(product: Floats, coefficient: Floats) -> Floats:
    """Return the r at which the series is `product`, by Newton's steps; 0 where nothing is seen of a latent variable.

    Parameters
    ----------
    product
        Mean product of scores, any shape.
    coefficient
        Mean products of Hermite coefficients, shape (order, *shape of product).
    """
    seen = coefficient[0] > 1e-3
    linear = np.where(seen, coefficient[0], 1.0)
    r = np.clip(product / linear, -MOST, MOST)
    for _ in range(STEPS):
        value, slope = np.zeros_like(r), np.zeros_like(r)
        for each in coefficient[::-1]:
            slope = slope * r + value
            value = value * r + each
        slope, value = value + slope * r, value * r - product
        r = np.clip(r - value / np.maximum(slope, 0.1 * linear), -MOST, MOST)
    return np.asarray(np.where(seen, r, 0.0))


def _latent(r: Floats, memory: Floats, like: Sample, rng: np.random.Generator) -> Floats:
    """Return a stationary Gaussian process of first order with correlations `r` in each frame."""
    stationary, step = _root(r), _root(r * (1 - np.outer(memory, memory)))
    latent = np.empty(like.trace.shape)
    latent[:, 0] = rng.standard_normal((len(like), len(r))) @ stationary.T
    for frame in range(1, like.frames):
        latent[:, frame] = memory * latent[:, frame - 1] + rng.standard_normal((len(like), len(r))) @ step.T
    return latent


def _root(covariance: Floats) -> Floats:
    """Return a root of the nearest matrix without negative eigenvalues that has the same diagonal."""
    value, vector = np.linalg.eigh(covariance)
    root = vector * np.sqrt(np.maximum(value, 0))
    length = np.sqrt((root**2).sum(1) / np.diag(covariance))
    return np.asarray(root / np.maximum(length, 1e-9)[:, None])
