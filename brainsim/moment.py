"""Moments of recorded trials in normal scores: mean responses, spectra, and the noise that neurons share.

With c the stimulus of a trial and z the normal score of a neuron's activity,

    z[n](t) = response[c, n](t) + kernel[n] * ( sum_k shared[k, n] eta[k] + own[n] )

where eta and own are white, the kernel's power spectrum is the recorded one, and `shared` is such that the activity's
noise correlations are as recorded, whatever the marginal tables do to them.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from brainsim.marginal import hermite
from brainsim.missing import Floats
from brainsim.scaling import TrainingTrials

COMPONENTS = 16
HALVINGS = 4
POOLED_FRAMES = 1000
MOST_SHARED = 0.98
FITTED_NEURONS = 2000
STEPS, RATE = 300, 0.05


def residual_of(values: Floats, label: NDArray[np.int64], seen: Floats) -> Floats:
    """Return values minus the mean of the same stimulus and frame, 0 where missing.

    Parameters
    ----------
    values, seen
        Shape (trial, time, neuron); `seen` is 1 where recorded, else 0.
    label
        Stimulus of each trial, shape (trial,).
    """
    residual = np.zeros(values.shape)
    for each in np.unique(label):
        chosen = label == each
        count = seen[chosen].sum(0)
        mean = (values[chosen] * seen[chosen]).sum(0) / np.maximum(count, 1)
        freedom = np.sqrt(count / np.maximum(count - 1, 1))  # a mean of few trials hides part of the variance
        residual[chosen] = (values[chosen] - mean) * seen[chosen] * freedom
    return residual


def response_of(values: Floats, label: NDArray[np.int64], seen: Floats, stimuli: int) -> tuple[Floats, Floats]:
    """Return the mean responses, of low rank, each singular component shrunk as far as noise made it.

    How much of a component of a mean over n trials is signal, S / (S + N / n), is told by halves of the trials: the
    regression b of one half's mean on a component of the other's is that of n / 2 trials, and 2 b / (1 + b) that of all
    (Spearman 1910, Brown 1910, Br J Psychol 3:271, 296). Mean of several halvings.

    Returns
    -------
    courses, loading : ndarray
        Shapes (stimulus, time, component) and (component, neuron).
    """
    frames = values.shape[1]
    left, size, right = np.linalg.svd(_means(values, label, seen, stimuli), full_matrices=False)
    slope = np.mean([_agreement(values, label, seen, stimuli, split) for split in range(HALVINGS)], axis=0)
    slope = np.clip(slope, 1e-6, 1)
    share = 2 * slope / (1 + slope)
    kept = min(COMPONENTS, len(size))
    courses = (left * size * share)[:, :kept]
    return courses.reshape(stimuli, frames, kept), right[:kept]


def _means(values: Floats, label: NDArray[np.int64], seen: Floats, stimuli: int) -> Floats:
    """Return the mean under each stimulus, 0 where there is none, (stimulus * time, neuron)."""
    means = np.zeros((stimuli, *values.shape[1:]))
    for each in np.unique(label):
        chosen = label == each
        means[each] = (values[chosen] * seen[chosen]).sum(0) / np.maximum(seen[chosen].sum(0), 1)
    return means.reshape(-1, values.shape[2])


def _agreement(values: Floats, label: NDArray[np.int64], seen: Floats, stimuli: int, split: int) -> Floats:
    """Return the regression of one half's mean on each component of the other's, by one way to halve the trials."""
    order, half = np.random.default_rng(split).permutation(len(label)), np.zeros(len(label), bool)
    for each in range(stimuli):
        mine = order[label[order] == each]
        half[mine[(each + split) % 2 :: 2]] = True
    halves = [_means(values[side], label[side], seen[side], stimuli) for side in (half, ~half)]
    slopes = []
    for one, other in (halves, halves[::-1]):
        left, size, right = np.linalg.svd(one, full_matrices=False)
        slopes.append((left * (other @ right.T)).sum(0) / np.maximum(size, 1e-12))
    return np.asarray(np.mean(slopes, axis=0))


def autocovariance(residual: Floats, seen: Floats) -> Floats:
    """Return the mean product of frames 0, 1, 2 ... apart within a trial, shape (lag, neuron).

    Each neuron's autocorrelation is drawn towards that of all neurons, as if 2000 frames more had been seen of it.
    """
    frames = residual.shape[1]
    power, pairs = (
        np.fft.irfft((np.abs(np.fft.rfft(each, 2 * frames, axis=1)) ** 2).sum(0), 2 * frames, axis=0)[:frames]
        for each in (residual, seen)
    )
    covariance = power / np.maximum(np.round(pairs), 1)
    variance = np.maximum(covariance[0], 1e-12)
    correlation = covariance / variance
    count = seen.sum((0, 1))
    weight = count / (count + POOLED_FRAMES)
    pooled = (correlation * count).sum(1, keepdims=True) / max(count.sum(), 1)
    return np.asarray(variance * (weight * correlation + (1 - weight) * pooled))


def spectrum(covariance: Floats, length: int) -> Floats:
    """Return the amplitude spectrum of a filter that makes this of white noise, but for its size.

    Parameters
    ----------
    covariance
        Autocovariance, shape (lag, neuron), of two frames or more.
    length
        Frames of the noise, an even number, at least twice the lags.

    Returns
    -------
    ndarray
        Shape (frequency, neuron); the variance of what it makes is 1.
    """
    correlation = covariance / np.maximum(covariance[0], 1e-12)
    beyond = np.zeros((length - 2 * len(correlation) + 1, correlation.shape[1]))
    around = np.concatenate([correlation, beyond, correlation[:0:-1]])
    return scaled_to(np.sqrt(np.maximum(np.fft.rfft(around, axis=0).real, 1e-4)), np.ones(correlation.shape[1]))


def variance_of(amplitude: Floats) -> Floats:
    """Return the variance of white noise after real filters of even length, (frequency, neuron)."""
    weight = np.full(len(amplitude), 2.0)
    weight[[0, -1]] = 1.0
    return np.asarray(weight @ amplitude**2 / (2 * (len(amplitude) - 1)))


def scaled_to(amplitude: Floats, variance: Floats) -> Floats:
    """Return amplitudes (frequency, neuron) that make this variance (neuron,)."""
    return np.asarray(amplitude * np.sqrt(variance / np.maximum(variance_of(amplitude), 1e-12)))


def shared_noise(deviation: Floats, table: Floats, share: Floats, overlap: Floats, factors: int) -> NDArray[np.float32]:
    """Return weights of common noises that make the recorded noise correlations.

    A factor model of normal numbers, fitted by gradient descent to the correlations of activity that follow from it by
    the Hermite expansion of the marginals (the moment inversion of Macke et al. 2009, Neural Computation 21:397, for
    marginals of any shape and all pairs at once). More than 2000 neurons: only the start of that descent.

    Parameters
    ----------
    deviation
        Trial means minus the mean under the same stimulus, (trial, neuron).
    table
        Marginals, (group, neuron, knot).
    share
        Share of trials in each group, (group,).
    overlap
        For each order k of the expansion the mean over pairs of frames of (variance times autocorrelation)^k, (order,).
    factors
        Common noises at most.

    Returns
    -------
    ndarray
        Shape (factor, neuron).
    """
    size = np.sqrt((deviation**2).mean(0))
    known = size > 1e-6 * max(float(size.max()), 1e-12)
    scaled = np.where(known, deviation / np.where(known, size, 1), 0)
    coefficient, variance = hermite(table)
    rest = np.maximum(variance - (coefficient**2).sum(0), 0) * overlap[-1]
    made = np.sqrt(share @ ((coefficient**2 * overlap[:, None, None]).sum(0) + rest))
    made = np.where(made > 0, made, 1)
    _, size, axes = np.linalg.svd(scaled / np.sqrt(len(scaled)), full_matrices=False)
    kept = min(factors, len(size))
    gain = np.sqrt(share @ coefficient[0] ** 2 * overlap[0]) / made  # how much of a latent correlation is seen
    start = size[:kept, None] * axes[:kept] / np.maximum(gain, 0.2)
    weights = np.zeros((factors, deviation.shape[1]), np.float32)
    weights[:kept] = start
    if deviation.shape[1] <= FITTED_NEURONS:
        target = scaled.T @ scaled / len(scaled)
        weights = _descend(weights, coefficient / made, share, overlap, target, np.outer(known, known))
    return np.asarray(limited(torch.from_numpy(weights)), np.float32)


def _descend(
    weights: NDArray[np.float32], coefficient: Floats, share: Floats, overlap: Floats, target: Floats, known: Floats
) -> NDArray[np.float32]:
    """Fit the weights of common noises to correlations by gradient descent on all pairs of different neurons."""
    products = np.einsum("g,kgi,kgj->kij", share, coefficient, coefficient) * overlap[:, None, None]
    terms = torch.from_numpy(products.astype(np.float32))
    wanted = torch.from_numpy(target.astype(np.float32))
    counted = torch.from_numpy((known & ~np.eye(len(known), dtype=bool)).astype(np.float32))
    free = torch.from_numpy(weights).requires_grad_()
    optimiser = torch.optim.Adam([free], RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 1 / STEPS, STEPS)
    for _ in range(STEPS):
        bounded = limited(free)
        latent = bounded.T @ bounded
        made, power = torch.zeros_like(latent), torch.ones_like(latent)
        for term in terms:
            power = power * latent
            made = made + term * power
        loss = ((made - wanted).square() * counted).sum() / counted.sum().clamp(min=1)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    found: NDArray[np.float32] = free.detach().numpy()
    return found


def limited(weights: torch.Tensor) -> torch.Tensor:
    """Return weights (factor, neuron) of which no neuron has more than 0.98 of its variance."""
    total = weights.square().sum(0)
    return weights * (MOST_SHARED / total.clamp(min=MOST_SHARED)).sqrt()


def seen_of(trials: TrainingTrials) -> Floats:
    """Return 1 where a frame was recorded and 0 where it is missing, shape (trial, time, neuron)."""
    if trials.seen is None:
        return np.ones((len(trials.label), *trials.activity.shape[:0:-1]))
    return trials.seen.transpose(0, 2, 1).astype(float)
