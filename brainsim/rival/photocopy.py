"""The control: training trials once more."""

import numpy as np

from brainsim.evidence import Sample


def photocopy(training: Sample, rng: np.random.Generator) -> Sample:
    """Return training trials drawn again, with replacement, as many of each stimulus."""
    chosen = [
        rng.choice(np.flatnonzero(training.where(name)), int(training.where(name).sum()))
        for name in np.unique(training.labels)
    ]
    return training.take(np.sort(np.concatenate(chosen)))
