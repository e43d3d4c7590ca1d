"""CalciumGAN's own metric of spike trains."""

import warnings

import neo
import numpy as np
import quantities as pq
from elephant.spike_train_dissimilarity import van_rossum_distance

from brainsim.evidence import Evidence, Sample
from brainsim.missing import Floats
from brainsim.statistic import Measure, Statistic
from brainsim.statistic._histogram import divergence, even_edges

BINS = 30
TRIALS = 5
NEURONS = 20


def train_distances(sample: Sample, trials: int, neurons: int) -> Floats:
    """Return the van Rossum distance of every pair of neurons in the same trial, shape (trial * pair,).

    Time constant 1 s, as elephant's default and as in CalciumGAN; trials and neurons are taken evenly from all.
    """
    assert sample.event is not None
    chosen = np.unique(np.linspace(0, len(sample) - 1, trials).astype(int))
    cells = np.unique(np.linspace(0, sample.trace.shape[2] - 1, neurons).astype(int))
    frame, found = 1000 / sample.rate, []
    stop = sample.frames * frame
    for trial in sample.event[chosen][:, :, cells]:
        trains = [neo.SpikeTrain(np.flatnonzero(c > 0) * frame, stop, units="ms") for c in trial.T]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # distances of equal trains that are 1e-9 below 0
            between = van_rossum_distance(trains, time_constant=1000 * pq.ms)
        found.append(between[np.triu_indices(len(cells), 1)])
    return np.concatenate(found)


class CalciumGANVanRossumKL(Statistic):
    """Divergence of the distribution of van Rossum distances between neurons, recorded from candidate.

    Notes
    -----
    The third of the three figures of Li et al. 2020 (CalciumGAN, arXiv:2009.02707): distance of van Rossum 2001
    (Neural Computation 13:751), computed by elephant, of the events of any two neurons in the same trial; at most 5
    trials and 20 neurons, evenly from all (it is slow); histograms of 30 equal bins with half a count in each. `n` is
    the number of distances.
    """

    name = "calciumgan_van_rossum_kl"
    title = "CalciumGAN: van Rossum, divergence"
    unit = "nat"
    respect = "the distances between spike trains"
    decides = False
    min_frames = 8
    events = True

    def measure(self, evidence: Evidence) -> Measure:
        """Compare the two distributions."""
        ours, theirs = (train_distances(side, TRIALS, NEURONS) for side in evidence.pair)
        return Measure(divergence(ours, theirs, even_edges(ours, theirs, BINS)), n=len(theirs))
