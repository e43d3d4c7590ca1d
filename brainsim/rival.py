"""Rivals that cost nothing: what every simulation and every generator has to beat.

`photocopy` is a cheat, shown as a control and never counted as a rival: it is the best there is in everything except
being new.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from brainsim.evidence import Sample
from brainsim.missing import Floats, mean

PHOTOCOPY = "photocopy of training trials"


def photocopy(training: Sample, rng: np.random.Generator) -> Sample:
    """Return training trials drawn again, with replacement, as many of each stimulus."""
    return training.take(_again(training, rng))


def residual_resampling(training: Sample, rng: np.random.Generator) -> Sample:
    """Return the mean of each stimulus plus the deviation of any training trial from its own mean."""
    average = _average(training)
    other = rng.permutation(len(training))
    return replace(training, trace=average + (training.trace - average)[other], event=None)


def independent_gaussian(training: Sample, rng: np.random.Generator) -> Sample:
    """Return trials in which every neuron and frame is drawn alone, with its mean and variance under the stimulus."""
    average = _average(training)
    spread = np.sqrt(_average(replace(training, trace=(training.trace - average) ** 2)))
    return replace(training, trace=average + spread * rng.standard_normal(average.shape), event=None)


RIVALS: dict[str, Callable[[Sample, np.random.Generator], Sample]] = {
    PHOTOCOPY: photocopy,
    "class mean + any trial's residual": residual_resampling,
    "independent Gaussian": independent_gaussian,
}


def _average(sample: Sample) -> Floats:
    """Return, for each trial, the mean of all trials under its stimulus, shape (trial, time, neuron)."""
    average = np.empty_like(sample.trace)
    for name in np.unique(sample.labels):
        average[sample.where(name)] = mean(sample.trace[sample.where(name)], 0)
    return average


def _again(sample: Sample, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    chosen = [
        rng.choice(np.flatnonzero(sample.where(name)), int(sample.where(name).sum()))
        for name in np.unique(sample.labels)
    ]
    return np.sort(np.concatenate(chosen))
