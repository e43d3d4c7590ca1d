"""Second-order statistics of recorded spikes, in one pass and without an array of neurons x time.

All that the log likelihood knows of the data beside the expected spikes: how often a postsynaptic spike met the trace
of each presynaptic neuron, and how the traces overlap.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.signal import lfilter

from brainsim.recorded import Events

BLOCK_VALUES = 2**18  # bins x neurons that are laid out at a time


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

    def first(self, bins: int) -> "Problem":
        """Return the beginning of the recording, so many bins long."""
        kept = {name: getattr(self, name).until(bins) for name in ("spikes", "jumps", "gaps")}
        return replace(self, **kept, bins=min(bins, self.bins))


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
    a, torn = np.exp(-1 / problem.tau), len(problem.gaps.step) > 0
    trace, level, gap = np.zeros(n), np.zeros(problem.covariates), np.zeros(n)
    count, bins, found = np.zeros((2, n)), np.zeros((2, n)), np.zeros((2, n, features))
    met, same, total = np.zeros((n, n)), np.zeros((n, n)), np.zeros(features)
    cross, own = np.zeros((n, problem.covariates)), np.zeros((problem.covariates, problem.covariates))
    for begin, end, kind in _blocks(held, problem.bins, n):
        arrived = arrivals.block(begin, end)
        eps, _ = lfilter([1.0], [1.0, -a], arrived.toarray(), axis=0, zi=(a * trace)[None])
        x = level + np.cumsum(jumps.block(begin, end).toarray(), axis=0)
        fired = spikes.block(begin, end)
        found[kind, :, :n] += fired.T @ eps
        found[kind, :, n:] += fired.T @ x
        count[kind] += np.asarray(fired.sum(0)).ravel()
        bins[kind] += end - begin
        if torn:
            missing = (gap + np.cumsum(gaps.block(begin, end).toarray(), axis=0)) > 0.5
            gap = gap + np.asarray(gaps.block(begin, end).sum(0)).ravel()
            bins[kind] -= missing.sum(0)
        if problem.delay != 1:
            met += arrived.T @ eps
        same += (arrived.T @ arrived).toarray()
        cross += eps.T @ x
        own += x.T @ x
        total += np.concatenate([eps.sum(0), x.sum(0)])
        trace, level = eps[-1], x[-1]
    if problem.delay == 1:  # what arrives is what was fired a bin before, so the coincidences have told it
        last = np.asarray(spikes.block(problem.bins - 1, problem.bins).sum(0)).ravel()
        met = a * (found[:, :, :n].sum(0) - np.outer(last, trace)) + same
    gram = np.zeros((features, features))
    gram[:n, :n] = (met + met.T - same - a * a * np.outer(trace, trace)) / (1 - a * a)
    gram[:n, n:], gram[n:, :n], gram[n:, n:] = cross, cross.T, own
    coincidence = np.ascontiguousarray(found.transpose(0, 2, 1))
    return Statistics(count, bins, coincidence, gram, total / problem.bins)


def _blocks(held: NDArray[np.bool_], bins: int, neurons: int) -> Iterator[tuple[int, int, int]]:
    """Return beginning and end of blocks of bins that are all fitted (0) or all held out (1)."""
    longest = max(256, 4 * neurons, BLOCK_VALUES // max(neurons, 1))
    edges = np.flatnonzero(np.diff(held)) + 1
    for begin, end in pairwise([0, *edges.tolist(), bins]):
        for at in range(begin, end, longest):
            yield at, min(at + longest, end), int(held[at])
