"""Second-order statistics of recorded spikes, in one pass and without an array of neurons x time.

All that the log likelihood knows of the data beside the expected spikes: how often a postsynaptic spike met the trace
of each presynaptic neuron, and how the traces overlap.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.signal import lfilter

from brainsim.recorded import Events

BLOCK = 8192


@dataclass(frozen=True)
class Problem:
    """Recorded spikes as the rule ``ml`` sees them; time in bins.

    Parameters
    ----------
    spikes
        Spikes of every neuron (amplitude = spikes in that bin).
    jumps
        Jumps of every covariate (stimulus, drift), which is constant in between.
    gaps
        +1 where frames of a neuron begin to be missing, -1 where they are there again.
    bins
        Length of the recording.
    tau, delay
        Time constant of the postsynaptic potential and synaptic delay, in bins.
    """

    spikes: Events
    jumps: Events
    gaps: Events
    bins: int
    tau: float
    delay: int

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return self.spikes.sources

    @property
    def covariates(self) -> int:
        """Number of covariates."""
        return self.jumps.sources

    @property
    def features(self) -> int:
        """Number of presynaptic neurons and covariates together."""
        return self.neurons + self.covariates


@dataclass(frozen=True)
class Statistics:
    """What the data say, by kind of stretch (0 fitted, 1 held out).

    Attributes
    ----------
    count
        Spikes, (2, neuron).
    bins
        Observed bins, (2, neuron).
    coincidence
        Sum over postsynaptic spikes of the feature at that time, (2, feature, neuron).
    gram
        Overlap of the features over all bins, (feature, feature).
    mean
        Mean of each feature over all bins, (feature,).
    """

    count: NDArray[np.float64]
    bins: NDArray[np.float64]
    coincidence: NDArray[np.float64]
    gram: NDArray[np.float64]
    mean: NDArray[np.float64]


class InTime:
    """Events in order of time, so that those of a block of bins are a slice."""

    def __init__(self, events: Events) -> None:
        order = np.argsort(events.step, kind="stable")
        self.sources, self.step = events.sources, events.step[order]
        self.source, self.amplitude = events.source_of_each()[order], events.amplitude[order].astype(float)

    def block(self, begin: int, end: int) -> sp.csr_matrix:
        """Return the events between two bins as a sparse (bin, source) matrix."""
        a, b = np.searchsorted(self.step, [begin, end])
        where = (self.step[a:b] - begin, self.source[a:b])
        return sp.csr_matrix((self.amplitude[a:b], where), shape=(end - begin, self.sources))


def statistics(problem: Problem, held: NDArray[np.bool_]) -> Statistics:
    """Go through the recording once.

    Parameters
    ----------
    problem
        The recorded spikes.
    held
        Bins whose spikes are held out, (bin,).

    Returns
    -------
    Statistics
    """
    n, features = problem.neurons, problem.features
    spikes, arrivals = InTime(problem.spikes), InTime(problem.spikes.shifted(problem.delay))
    jumps, gaps = InTime(problem.jumps), InTime(problem.gaps)
    a = np.exp(-1 / problem.tau)
    trace, level, gap = np.zeros(n), np.zeros(problem.covariates), np.zeros(n)
    count, bins, coincidence = np.zeros((2, n)), np.zeros((2, n)), np.zeros((2, features, n))
    met, same, total = np.zeros((n, n)), np.zeros((n, n)), np.zeros(features)
    cross, own = np.zeros((n, problem.covariates)), np.zeros((problem.covariates, problem.covariates))
    for begin in range(0, problem.bins, BLOCK):
        end = min(begin + BLOCK, problem.bins)
        arrived = arrivals.block(begin, end)
        eps, _ = lfilter([1.0], [1.0, -a], arrived.toarray(), axis=0, zi=(a * trace)[None])
        x = level + np.cumsum(jumps.block(begin, end).toarray(), axis=0)
        missing = (gap + np.cumsum(gaps.block(begin, end).toarray(), axis=0)) > 0.5
        met += (arrived.T @ eps).T
        same += (arrived.T @ arrived).toarray()
        cross += eps.T @ x
        own += x.T @ x
        total += np.concatenate([eps.sum(0), x.sum(0)])
        fired = spikes.block(begin, end)
        for kind, chosen in enumerate((~held[begin:end], held[begin:end])):
            part = fired[chosen]
            count[kind] += np.asarray(part.sum(0)).ravel()
            bins[kind] += (~missing[chosen]).sum(0)
            coincidence[kind, :n] += (part.T @ eps[chosen]).T
            coincidence[kind, n:] += (part.T @ x[chosen]).T
        trace, level, gap = eps[-1], x[-1], gap + np.asarray(gaps.block(begin, end).sum(0)).ravel()
    gram = np.zeros((features, features))
    gram[:n, :n] = (met + met.T - same - a * a * np.outer(trace, trace)) / (1 - a * a)
    gram[:n, n:], gram[n:, :n], gram[n:, n:] = cross, cross.T, own
    return Statistics(count, bins, coincidence, gram, total / problem.bins)
