"""Averages under each stimulus, which most rivals start from."""

import numpy as np

from brainsim.evidence import Sample
from brainsim.missing import Floats, mean


def average(sample: Sample) -> Floats:
    """Return, for each trial, the mean of all trials under its stimulus, shape (trial, time, neuron)."""
    result = np.empty_like(sample.trace)
    for name in np.unique(sample.labels):
        result[sample.where(name)] = mean(sample.trace[sample.where(name)], 0)
    return result
