"""A Gaussian with all correlations.

    x = mean(stimulus) + d * y,    y ~ N(0, (1 - s) C + s I)

C is the correlation matrix of the residuals of all training trials, every neuron and frame one variable, `d` their
standard deviations, `s` the shrinkage of Ledoit and Wolf (2004, Journal of Multivariate Analysis 88:365). A draw is
sqrt(1 - s) times a random combination of the residuals plus sqrt(s) times white noise, so that no matrix is needed.
"""

from dataclasses import replace

import numpy as np
from sklearn.covariance import ledoit_wolf_shrinkage

from brainsim.evidence import Sample
from brainsim.rival._average import average


def shrinkage_gaussian(training: Sample, rng: np.random.Generator) -> Sample:
    """Return draws of a Gaussian: mean of each stimulus, shrunken covariance of the residuals pooled over stimuli."""
    means, trials = average(training), len(training)
    residual = np.nan_to_num(training.trace - means).reshape(trials, -1)
    free = max(1, trials - len(np.unique(training.labels)))
    spread = np.sqrt((residual**2).sum(0) / free)
    varies = spread > 0
    standard = residual[:, varies] / spread[varies] * np.sqrt(trials / free)
    shrinkage = float(ledoit_wolf_shrinkage(standard, assume_centered=True)) if varies.any() else 1.0
    shared = rng.standard_normal((trials, trials)) @ standard / np.sqrt(trials)
    noise = np.zeros_like(residual)
    own = rng.standard_normal(standard.shape)
    noise[:, varies] = spread[varies] * (np.sqrt(1 - shrinkage) * shared + np.sqrt(shrinkage) * own)
    return replace(training, trace=means + noise.reshape(means.shape), event=None)
