"""CalciumGAN's own metric of firing rates."""

import numpy as np

from brainsim.evidence import Evidence
from brainsim.missing import Floats
from brainsim.statistic import Measure, Statistic
from brainsim.statistic._histogram import divergence, even_edges

BINS = 30


class CalciumGANRateKL(Statistic):
    """Divergence of each neuron's distribution of rates over trials, recorded from candidate, mean over neurons.

    Notes
    -----
    The first of the three figures of Li, Wang, Hromada, Rochefort and Onken 2020 (CalciumGAN, arXiv:2009.02707).
    Histograms of 30 equal bins, half a count in each (theirs is infinite where a bin is empty), as many trials of each
    stimulus on either side. Its floor is far from 0 and depends on the number of trials `n`: for comparison with
    published figures only, and never without both.
    """

    name = "calciumgan_rate_kl"
    title = "CalciumGAN: rates, divergence"
    unit = "nat"
    respect = "the distribution of rates over trials"
    decides = False

    def measure(self, evidence: Evidence) -> Measure:
        """Compare the two distributions, neuron by neuron."""
        held_out, candidate = evidence.pair
        ours, theirs = held_out.event_rate, candidate.event_rate

        def apart(some: Floats) -> float:
            pairs = zip(ours.T, some.T, strict=True)
            return float(np.mean([divergence(a, b, even_edges(a, b, BINS)) for a, b in pairs if np.isfinite(a).any()]))

        return Measure(apart(theirs), n=len(theirs))
