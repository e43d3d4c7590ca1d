"""Mean rates."""

import numpy as np
from scipy.stats import wasserstein_distance

from brainsim.evidence import Evidence
from brainsim.missing import Floats, mean
from brainsim.statistic import Measure, Statistic


class RateWasserstein(Statistic):
    """Distance between the distributions over neurons of the mean event rate, in recorded standard deviations.

    Notes
    -----
    First Wasserstein distance (Ramdas, Garcia Trillos and Cuturi 2017, Entropy 19:47) between the neurons' mean rates
    of held-out and candidate trials, divided by the standard deviation over neurons of the held-out ones; 0 is best.
    Unlike the Kullback-Leibler divergence of two histograms (Molano-Mazon et al. 2018, ICLR) it needs no bins and has
    a small floor at 50 neurons. Events come from the same deconvolution and threshold on both sides; where a trial
    has one frame its value stands for the rate.
    """

    name = "rate_wasserstein"
    title = "firing rates, distance"
    unit = "SD"
    respect = "the firing rates"
    cheap = True

    def measure(self, evidence: Evidence) -> Measure:
        """Compare mean rates per neuron."""
        ours, theirs = evidence.split.held_out.event_rate, evidence.candidate.event_rate
        recorded = _known(mean(ours, 0))
        spread = float(recorded.std()) if len(recorded) else 0.0
        if not spread > 0:
            return Measure(None, "all recorded neurons have the same rate")

        def distance(rates: Floats) -> float:
            known = _known(mean(rates, 0))
            return float(wasserstein_distance(recorded, known)) / spread if len(known) else float("nan")

        return Measure(distance(theirs), draw=lambda rng: distance(theirs[rng.integers(len(theirs), size=len(theirs))]))


def _known(values: Floats) -> Floats:
    return np.asarray(values[np.isfinite(values)])
