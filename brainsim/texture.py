"""The texture of recorded trials: white noise, and the size and decay of what is slower; where a generator begins."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainsim.scaling import TrainingTrials

SHORTEST = 4
LAGS = 3
DECAYS = 0.3, 0.97


@dataclass(frozen=True)
class Texture:
    """What single neurons do from frame to frame; arrays of shape (neuron,), in the scaled units of the network.

    Attributes
    ----------
    white, slow
        Standard deviations of white noise and of the rest, around the mean response to the same stimulus.
    decay
        Factor per frame by which the rest decays.
    """

    white: NDArray[np.float32]
    slow: NDArray[np.float32]
    decay: NDArray[np.float32]


def texture_of(trials: TrainingTrials) -> Texture | None:
    """Measure the texture of trials by their autocovariance: exponential beyond lag 0, where white noise is added.

    The decay is one for all neurons (the indicator's), the two sizes are each neuron's own.

    Returns
    -------
    Texture
        None where a trial has fewer than four frames, or neurons do not vary.
    """
    if trials.activity.shape[2] < SHORTEST:
        return None
    covariance = autocovariance(trials)
    if not covariance[:, 1].sum() > 0:
        return None
    later, earlier = covariance[:, LAGS].sum(), covariance[:, 1].sum()
    decay = float(np.clip((max(later, 0) / earlier) ** (1 / (LAGS - 1)), *DECAYS))
    total = np.maximum(covariance[:, 0], 0)
    slow = np.clip(covariance[:, 1] / decay, 0.05 * total, 0.95 * total)
    white, slow = (np.sqrt(part).astype(np.float32) for part in (total - slow, slow))
    return Texture(white, slow, np.full(len(slow), decay, np.float32))


def autocovariance(trials: TrainingTrials) -> NDArray[np.float64]:
    """Return the autocovariance around the mean of the same stimulus and frame, (neuron, lag), missing frames out."""
    seen = np.ones_like(trials.activity) if trials.seen is None else trials.seen
    residual = np.zeros(trials.activity.shape)
    for label in np.unique(trials.label):
        chosen = trials.label == label
        count = seen[chosen].sum(0)
        mean = trials.activity[chosen].sum(0) / np.maximum(count, 1)
        freedom = np.sqrt(count / np.maximum(count - 1, 1))  # a mean of few trials hides part of the variance
        residual[chosen] = (trials.activity[chosen] - mean) * seen[chosen] * freedom
    frames = residual.shape[2]
    lags = []
    for lag in range(LAGS + 1):
        pairs = (seen[..., : frames - lag] * seen[..., lag:]).sum((0, 2))
        lags.append((residual[..., : frames - lag] * residual[..., lag:]).sum((0, 2)) / np.maximum(pairs, 1))
    return np.stack(lags, 1)
