"""Mean response plus the deviation of another trial."""

from dataclasses import replace

import numpy as np

from brainsim.evidence import Sample
from brainsim.rival._average import average


def residual_resampling(training: Sample, rng: np.random.Generator) -> Sample:
    """Return the mean of each stimulus plus the deviation of any training trial from its own mean."""
    means = average(training)
    other = rng.permutation(len(training))
    return replace(training, trace=means + (training.trace - means)[other], event=None)
