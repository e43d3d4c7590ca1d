"""Inception score of the candidate."""

import numpy as np

from brainsim import decoder
from brainsim.evidence import Evidence, Sample
from brainsim.missing import Floats
from brainsim.statistic import Measure, Statistic


def score(posterior: Floats) -> float:
    """Return exp of the mean Kullback-Leibler divergence D(p(y|x) || p(y)).

    Parameters
    ----------
    posterior
        p(y|x), shape (trial, stimulus); rows sum to 1.

    Examples
    --------
    A classifier that is certain, and three stimuli equally often:

    >>> round(score(np.eye(3)), 6)
    3.0
    """
    marginal = posterior.mean(0)
    ratio = np.where(posterior > 0, posterior, 1) / np.where(marginal > 0, marginal, 1)
    divergence = (posterior * np.log(np.where(posterior > 0, ratio, 1))).sum(1)
    return float(np.exp(divergence.mean()))


class InceptionScore(Statistic):
    """Inception score of the candidate: the nearer to that of real held-out trials the better, never the higher.

    Notes
    -----
    Salimans et al. 2016 (NeurIPS): exp(E D(p(y|x) || p(y))), between 1 and the number of stimuli; p(y|x) from a
    multinomial logistic regression trained on real training trials only. Trials without any diversity, at
    the mean of their stimulus, score higher than real ones: hence the floor.
    """

    name = "inception_score"
    title = "inception score"
    better = "floor"
    respect = "the spread of stimulus responses"
    tolerance = 0.3
    min_stimuli = 2
    bounds = (1.0, float("inf"))

    def measure(self, evidence: Evidence) -> Measure:
        """Score the candidate."""
        return self.of(evidence, evidence.candidate)

    def floor(self, evidence: Evidence) -> Measure:
        """Score the held-out trials."""
        return self.of(evidence, evidence.split.held_out)

    def of(self, evidence: Evidence, sample: Sample) -> Measure:
        """Score a sample with the classifier of the training trials."""
        training = evidence.split.training
        if min(training.where(name).sum() for name in training.stimuli) < 2:
            return Measure(None, "a stimulus has fewer than two training trials")
        posterior = decoder.posterior(evidence.split, sample)
        return Measure(
            score(posterior), draw=lambda rng: score(posterior[rng.integers(len(posterior), size=len(posterior))])
        )
