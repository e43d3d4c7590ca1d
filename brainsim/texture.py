"""The texture of recorded trials, where a generator begins: white noise, and decaying transients, rare or frequent."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from brainsim.scaling import TrainingTrials

SHORTEST = 4
LAGS = 3
COMPONENTS = 16
COMMON, MOST_COMMON = 8, 0.8
DECAYS = 0.3, 0.97
RARITIES = -1.5, 1.5


@dataclass(frozen=True)
class Texture:
    """What single neurons do from frame to frame; arrays of shape (neuron,), in the scaled units of the network.

    Attributes
    ----------
    white
        Standard deviation of the white noise.
    decay
        Factor per frame by which the rest decays.
    rarity
        Bias b of the events relu(standard normal + b) that, passed through that decay, are as skewed as the rest: low
        for rare transients, high for a rest that is nearly Gaussian.
    gain
        Size of such an event that gives the rest its variance.
    response
        Mean response to each stimulus as a product: its course in time, shape (stimulus, time, component), and the
        components' weights on neurons, shape (component, neuron).
    common
        Weights of common noises on the noise of events, so that residuals correlate as recorded, (noise, neuron).
    """

    white: NDArray[np.float32]
    decay: NDArray[np.float32]
    rarity: NDArray[np.float32]
    gain: NDArray[np.float32]
    response: tuple[NDArray[np.float32], NDArray[np.float32]]
    common: NDArray[np.float32]


def texture_of(trials: TrainingTrials) -> Texture | None:
    """Measure the texture of trials by the method of moments, around the mean response to the same stimulus.

    The autocovariance is exponential beyond lag 0, where white noise is added. The decay is one for all neurons (the
    indicator's), the sizes are each neuron's own; the skewness, a noisy estimate, is drawn half way to the median.

    Returns
    -------
    Texture
        None where a trial has fewer than four frames, or neurons do not vary.
    """
    if trials.activity.shape[2] < SHORTEST:
        return None
    residual, seen = residual_of(trials)
    covariance = np.stack([lagged(residual, seen, lag) for lag in range(LAGS + 1)])
    if not covariance[1].sum() > 0:
        return None
    decay = float(np.clip((max(covariance[LAGS].sum(), 0) / covariance[1].sum()) ** (1 / (LAGS - 1)), *DECAYS))
    slow = np.clip(covariance[1] / decay, 0.05 * covariance[0], 0.95 * covariance[0])
    third = (residual**3).sum((0, 2)) / np.maximum(seen.sum((0, 2)), 1)
    skewness = third / np.maximum(slow, 1e-12) ** 1.5 * (1 - decay**3) / (1 - decay**2) ** 1.5
    rarity = rarity_of((skewness + np.median(skewness)) / 2)
    gain = np.sqrt(slow * (1 - decay**2) / event_cumulants(rarity)[1])
    white = np.sqrt(covariance[0] - slow)
    parts = white, np.full(len(white), decay), rarity, gain
    single = [np.asarray(part, np.float32) for part in parts]
    return Texture(single[0], single[1], single[2], single[3], response_of(trials), common_of(residual))


def response_of(trials: TrainingTrials) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean responses, of low rank, shrunk as far as one half of the trials fails to predict the other.

    Each singular component of one half is multiplied by the regression of the other half on it, between 0 and 1.
    """
    halves = [class_means(trials, np.arange(len(trials.label)) % 2 == half) for half in (0, 1)]
    expected = np.zeros_like(halves[0])
    for half, other in (halves, halves[::-1]):
        left, size, right = np.linalg.svd(half, full_matrices=False)
        found = (left * (other @ right.T)).sum(0)
        expected += left * np.clip(found, 0, size) @ right / 2
    left, size, right = np.linalg.svd(expected, full_matrices=False)
    courses = (left * size)[:, :COMPONENTS].reshape(len(trials.stimuli), trials.activity.shape[2], -1)
    return courses.astype(np.float32), right[:COMPONENTS].astype(np.float32)


def class_means(trials: TrainingTrials, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the mean response to each stimulus over some trials, 0 where there is none, (stimulus * time, neuron)."""
    neurons, frames = trials.activity.shape[1:]
    means = np.zeros((len(trials.stimuli), frames, neurons))
    for label in range(len(trials.stimuli)):
        rows = np.flatnonzero(chosen & (trials.label == label))
        count = len(rows) if trials.seen is None else np.maximum(trials.seen[rows].sum(0).T, 1)
        means[label] = trials.activity[rows].sum(0).T / np.maximum(count, 1)
    return means.reshape(-1, neurons)


def common_of(residual: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the weights of common noises that make noise correlations, as far as one half predicts the other.

    The diagonal is left out rather than estimated, so a group of m neurons gets (m - 1) / m of its correlation.
    """
    halves = []
    for half in (0, 1):
        deviation = residual[half::2].mean(2)
        size = np.sqrt(np.maximum((deviation**2).sum(0), 1e-12))
        correlation = (deviation / size).T @ (deviation / size)
        np.fill_diagonal(correlation, 0)
        halves.append(correlation)
    expected = np.zeros_like(halves[0])
    for half, other in (halves, halves[::-1]):
        size, axes = np.linalg.eigh(half)
        expected += (axes * np.clip((axes * (other @ axes)).sum(0), 0, np.maximum(size, 0))) @ axes.T / 2
    size, axes = np.linalg.eigh(expected)
    weights = (axes * np.sqrt(np.maximum(size, 0))).T[::-1][:COMMON]
    most = np.sqrt(np.maximum((weights**2).sum(0) / MOST_COMMON, 1))
    return np.asarray(weights / most, np.float32)


def residual_of(trials: TrainingTrials) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return activity minus the mean of the same stimulus and frame, 0 where missing, and where it is not."""
    seen = np.ones_like(trials.activity) if trials.seen is None else trials.seen
    residual = np.zeros(trials.activity.shape)
    for label in np.unique(trials.label):
        chosen = trials.label == label
        count = seen[chosen].sum(0)
        mean = trials.activity[chosen].sum(0) / np.maximum(count, 1)
        freedom = np.sqrt(count / np.maximum(count - 1, 1))  # a mean of few trials hides part of the variance
        residual[chosen] = (trials.activity[chosen] - mean) * seen[chosen] * freedom
    return residual, seen


def lagged(residual: NDArray[np.float64], seen: NDArray[np.float32], lag: int) -> NDArray[np.float64]:
    """Return the mean product of frames `lag` apart, shape (neuron,)."""
    frames = residual.shape[2]
    early, late = slice(0, frames - lag), slice(lag, None)
    pairs = np.maximum((seen[..., early] * seen[..., late]).sum((0, 2)), 1)
    return np.asarray((residual[..., early] * residual[..., late]).sum((0, 2)) / pairs)


def event_cumulants(bias: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return mean, variance and third central moment of relu(standard normal + bias)."""
    below, density = ndtr(bias), np.exp(-(bias**2) / 2) / np.sqrt(2 * np.pi)
    first = bias * below + density
    second = (bias**2 + 1) * below + bias * density
    third = (bias**3 + 3 * bias) * below + (bias**2 + 2) * density
    return first, second - first**2, third - 3 * first * second + 2 * first**3


def rarity_of(skewness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the bias at which events have this skewness, within :data:`RARITIES`."""
    bias = np.linspace(*RARITIES, 200)
    _, variance, third = event_cumulants(bias)
    return np.interp(-skewness, -(third / variance**1.5), bias)
