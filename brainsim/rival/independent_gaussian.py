"""No correlations at all."""

from dataclasses import replace

import numpy as np

from brainsim.evidence import Sample
from brainsim.rival._average import average


def independent_gaussian(training: Sample, rng: np.random.Generator) -> Sample:
    """Return trials in which every neuron and frame is drawn alone, with its mean and variance under the stimulus."""
    means = average(training)
    spread = np.sqrt(average(replace(training, trace=(training.trace - means) ** 2)))
    return replace(training, trace=means + spread * rng.standard_normal(means.shape), event=None)
