"""Temporal structure: power spectrum."""

import numpy as np
from scipy.signal import periodogram

from brainsim.evidence import Evidence, Sample
from brainsim.missing import Floats, mean
from brainsim.statistic import Measure, Statistic


def power(sample: Sample) -> tuple[Floats, Floats]:
    """Return frequencies [Hz], shape (frequency,) above 0, and power of each trial, (trial, frequency, neuron).

    A trial of a neuron that misses a frame is missing.
    """
    frequency, values = periodogram(sample.trace, sample.rate, axis=1)
    return frequency[1:], values[:, 1:]


class PSDRMSE(Statistic):
    """Root mean square difference of the power spectral densities, over neurons and frequencies, in decibels.

    Notes
    -----
    Periodograms averaged over trials (Bartlett 1948, Nature 161:686). Power below a ten-thousandth of the neuron's
    recorded mean counts as that, so a silent candidate is 40 dB off. 0 is best.
    """

    name = "psd_rmse"
    title = "power spectrum, difference"
    unit = "dB"
    respect = "the power spectra"
    cheap = True
    tolerance = 1.0
    min_frames = 8

    def measure(self, evidence: Evidence) -> Measure:
        """Compare the two spectra."""
        ours = mean(power(evidence.split.held_out)[1], 0)
        theirs = power(evidence.candidate)[1]
        least = 1e-4 * mean(ours, 0)
        least = np.where(least > 0, least, np.nan)

        def difference(some: Floats) -> float:
            decibel = 10 * np.log10(np.maximum(mean(some, 0), least) / np.maximum(ours, least))
            return float(np.sqrt(mean(decibel.ravel() ** 2, 0)))

        return Measure(
            difference(theirs), draw=lambda rng: difference(theirs[rng.integers(len(theirs), size=len(theirs))])
        )
