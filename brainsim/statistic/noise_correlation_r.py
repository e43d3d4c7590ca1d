"""Noise correlations."""

import numpy as np

from brainsim.evidence import Evidence, Sample
from brainsim.missing import Floats, correlation, mean
from brainsim.statistic import Measure, Statistic


def likeness(ours: Floats, theirs: Floats) -> float:
    """Return Pearson's r between the upper triangles of two correlation matrices.

    A pair that is undefined in `theirs` only (a neuron that never varies) counts as uncorrelated; a matrix without any
    structure gives 0.

    Parameters
    ----------
    ours, theirs
        Shape (neuron, neuron), NaN where undefined.
    """
    above = np.triu_indices(len(ours), 1)
    a, b = ours[above], np.nan_to_num(theirs[above])
    a, b = a[np.isfinite(a)], b[np.isfinite(a)]
    if len(a) < 3 or a.std() < 1e-12:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1]) if b.std() > 1e-12 else 0.0


class NoiseCorrelationR(Statistic):
    """Pearson's r between the noise-correlation matrices of held-out and candidate trials.

    Notes
    -----
    Noise correlation: correlation of two neurons' trial-to-trial deviations from their mean response to the same
    stimulus (Cohen and Kohn 2011, Nature Neuroscience 14:811), of the mean activity of each trial; missing trials are
    left out pair by pair. 1 is best; the floor is below 1, as two halves of one recording differ.
    """

    name = "noise_correlation_r"
    title = "noise correlations, r"
    better = "higher"
    respect = "the noise correlations"
    cheap = True
    min_stimuli = 1
    bounds = (-1.0, 1.0)

    def measure(self, evidence: Evidence) -> Measure:
        """Compare the two matrices."""
        ours = correlation(evidence.split.held_out.residual)
        residual = evidence.candidate.residual

        def again(rng: np.random.Generator) -> float:
            return likeness(ours, correlation(residual[rng.integers(len(residual), size=len(residual))]))

        return Measure(likeness(ours, correlation(residual)), draw=again)


def resampled_class_mean(sample: Sample, rng: np.random.Generator) -> Floats:
    """Return the mean response to each stimulus over a bootstrap sample of its trials, shape (stimulus, neuron)."""
    return np.stack(
        [
            mean(sample.activity[rng.choice(np.flatnonzero(sample.where(n)), sample.where(n).sum())], 0)
            for n in sample.stimuli
        ]
    )
