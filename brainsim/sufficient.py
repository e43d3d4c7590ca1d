"""Second-order statistics of recorded spikes, in one pass and without an array of neurons x time.

All that the log likelihood knows of the data beside the expected spikes: how often a postsynaptic spike met the trace
of each presynaptic neuron, and how the traces overlap.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from brainsim.recorded import Events

BLOCK_VALUES = 2**21  # bins x neurons that are laid out at a time
STEEPEST = 500.0  # of the exponentials within a block
SOURCES = 128  # presynaptic neurons that are worked on at a time

Sums = Mapping[str, Any]


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
class Totals:
    """What the data say of every neuron and feature by itself, by kind of stretch (0 fitted, 1 held out).

    Attributes
    ----------
    count
        Spikes, (2, neuron).
    bins
        Observed bins, (2, neuron).
    mean
        Mean of each feature over all bins, (feature,).
    """

    count: NDArray[np.float64]
    bins: NDArray[np.float64]
    mean: NDArray[np.float64]

    def whole(self) -> Self:
        """Put what was held out back to what is fitted."""
        return replace(self, count=_both(self.count), bins=_both(self.bins))


@dataclass(frozen=True)
class Statistics(Totals):
    """What the data say, pairs included.

    Attributes
    ----------
    coincidence
        Sum over postsynaptic spikes of the feature at that time, (2, feature, neuron).
    gram
        Overlap of the features over all bins, (feature, feature).
    """

    coincidence: NDArray[np.float64]
    gram: NDArray[np.float64]

    def of(self, posts: NDArray[np.int64]) -> "Statistics":
        """Return what concerns some postsynaptic neurons."""
        count, bins = self.count[:, posts], self.bins[:, posts]
        return replace(self, count=count, bins=bins, coincidence=self.coincidence[:, :, posts])

    def whole(self) -> Self:
        """Put what was held out back to what is fitted."""
        return replace(super().whole(), coincidence=_both(self.coincidence))


def _both(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([values.sum(0), np.zeros_like(values[0])])


class InTime:
    """Events in order of time, so that those of a block of bins are a slice."""

    def __init__(self, events: Events) -> None:
        order = np.argsort(events.step, kind="stable")
        self.sources, self.step = events.sources, events.step[order]
        self.source, self.amplitude = events.source_of_each()[order], events.amplitude[order].astype(float)

    def block(self, begin: int, end: int) -> sp.csr_matrix:
        """Return the events between two bins as a sparse (bin, source) matrix."""
        return self.at(np.arange(begin, end, dtype=np.int32), end)

    def at(self, rows: NDArray[np.int32], end: int) -> sp.csr_matrix:
        """Return the events from the first of some bins to `end` as a sparse (row, source) matrix; each has its row."""
        a, b = self._between(int(rows[0]) if len(rows) else end, end)
        where = (np.searchsorted(rows, self.step[a:b]), self.source[a:b])
        return sp.csr_matrix((self.amplitude[a:b], where), shape=(len(rows), self.sources))

    def steps(self, begin: int, end: int) -> NDArray[np.int32]:
        """Return the bins of the events between two bins."""
        a, b = self._between(begin, end)
        return self.step[a:b]

    def _between(self, begin: int, end: int) -> tuple[int, int]:
        a, b = np.searchsorted(self.step, np.array([begin, end], self.step.dtype))  # another type would copy the steps
        return int(a), int(b)


def statistics(problem: Problem, held: NDArray[np.bool_]) -> Statistics:
    """Go through the recording once.

    Parameters
    ----------
    problem
        The recorded spikes.
    held
        Bins whose spikes are held out, (bin,).
    """
    parts = [sums_of(problem, held, *block) for block in source_blocks(problem.neurons)]
    own = own_sums(problem, held)
    gram, mean = overlaps(problem, parts, own)
    found = [*(part["coincidence"] for part in parts), own["coincidence"]]
    return Statistics(own["count"], own["bins"], mean, np.concatenate(found, axis=1), gram)


def source_blocks(neurons: int) -> list[tuple[int, int]]:
    """Return begin and end of the blocks of presynaptic neurons that are worked on at a time."""
    return [(a, min(a + SOURCES, neurons)) for a in range(0, neurons, SOURCES)]


def sums_of(problem: Problem, held: NDArray[np.bool_], first: int, last: int) -> Sums:
    """Return the sums over time of the traces of the presynaptic neurons `first` .. `last` - 1.

    Returns
    -------
    dict
        ``coincidence`` (2, source, neuron), ``met`` and ``same`` (neuron, source): arrivals times traces, times
        arrivals; ``cross`` (source, covariate), ``total`` (source,), ``trace`` (source,) in the last bin.
    """
    n, size = problem.neurons, last - first
    spikes, arrivals = InTime(problem.spikes), InTime(problem.spikes.shifted(problem.delay))
    jumps, a = InTime(problem.jumps), np.exp(-1 / problem.tau)
    trace, level = np.zeros(size), np.zeros(problem.covariates)
    found, total, cross = np.zeros((2, n, size)), np.zeros(size), np.zeros((size, problem.covariates))
    met, same = np.zeros((n, size)), np.zeros((n, size))
    longest = min(BLOCK_VALUES // max(size, 1), int(STEEPEST * problem.tau))
    for begin, end, kind in _blocks(held, problem.bins, longest):
        busy = np.zeros(end - begin, bool)
        busy[0] = True
        for each in (spikes, arrivals, jumps):
            busy[each.steps(begin, end) - begin] = True
        rows = (np.flatnonzero(busy) + begin).astype(np.int32)
        arrived, after = arrivals.at(rows, end), np.diff(rows, append=end)
        mine = arrived[:, first:last]
        grown = np.exp((rows - begin + 1) / problem.tau)[:, None]
        eps = mine.toarray()
        eps *= grown
        eps[0] += trace
        np.cumsum(eps, axis=0, out=eps)
        eps /= grown
        x = level + np.cumsum(jumps.at(rows, end).toarray(), axis=0)
        found[kind] += spikes.at(rows, end).T @ eps
        if problem.delay != 1:
            met += arrived.T @ eps
        same += (arrived.T @ mine).toarray()
        trace, level = eps[-1] * a ** (after[-1] - 1), x[-1]
        lasting = np.expm1(-after / problem.tau) / (a - 1)  # the trace of a row and what follows it, before the next
        cross += eps.T @ (lasting[:, None] * x)
        total += lasting @ eps
    if problem.delay == 1:  # what arrives is what was fired a bin before, so the coincidences have told it
        ended = np.asarray(spikes.block(problem.bins - 1, problem.bins).sum(0)).ravel()
        met = a * (found.sum(0) - np.outer(ended, trace)) + same
    coincidence = np.ascontiguousarray(found.transpose(0, 2, 1))
    return {"coincidence": coincidence, "met": met, "same": same, "cross": cross, "total": total, "trace": trace}


def own_sums(problem: Problem, held: NDArray[np.bool_]) -> Sums:
    """Return the sums over time that concern no presynaptic trace.

    Returns
    -------
    dict
        ``count`` and ``bins`` (2, neuron), ``coincidence`` (2, covariate, neuron), ``own`` (covariate, covariate) and
        ``total`` (covariate,).
    """
    n, k = problem.neurons, problem.covariates
    spikes, jumps, gaps = InTime(problem.spikes), InTime(problem.jumps), InTime(problem.gaps)
    level, gap, torn = np.zeros(k), np.zeros(n), len(problem.gaps.step) > 0
    count, bins, found = np.zeros((2, n)), np.zeros((2, n)), np.zeros((2, n, k))
    own, total = np.zeros((k, k)), np.zeros(k)
    for begin, end, kind in _blocks(held, problem.bins, BLOCK_VALUES // max(n if torn else k, 1)):
        x = level + np.cumsum(jumps.block(begin, end).toarray(), axis=0)
        fired = spikes.block(begin, end)
        found[kind] += fired.T @ x
        count[kind] += np.asarray(fired.sum(0)).ravel()
        bins[kind] += end - begin
        if torn:
            missing = (gap + np.cumsum(gaps.block(begin, end).toarray(), axis=0)) > 0.5
            gap = gap + np.asarray(gaps.block(begin, end).sum(0)).ravel()
            bins[kind] -= missing.sum(0)
        own += x.T @ x
        total += x.sum(0)
        level = x[-1]
    coincidence = np.ascontiguousarray(found.transpose(0, 2, 1))
    return {"count": count, "bins": bins, "coincidence": coincidence, "own": own, "total": total}


def overlaps(problem: Problem, parts: Sequence[Sums], own: Sums) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the overlap of all features (feature, feature) and their means (feature,) from the sums of all parts."""
    n, a, gram = problem.neurons, np.exp(-1 / problem.tau), np.zeros((problem.features, problem.features))
    trace = np.concatenate([part["trace"] for part in parts])
    for (first, last), part in zip(source_blocks(n), parts, strict=True):
        gram[:n, first:last] = part["met"]
        gram[first:last, n:] = part["cross"]
    pairs = gram[:n, :n]
    pairs += pairs.T.copy()
    for (first, last), part in zip(source_blocks(n), parts, strict=True):
        pairs[:, first:last] -= part["same"] + a * a * np.outer(trace, trace[first:last])
    pairs /= 1 - a * a
    gram[n:, :n], gram[n:, n:] = gram[:n, n:].T, own["own"]
    total = np.concatenate([*(part["total"] for part in parts), own["total"]])
    return gram, total / problem.bins


def _blocks(held: NDArray[np.bool_], bins: int, longest: int) -> Iterator[tuple[int, int, int]]:
    """Return beginning and end of blocks of bins that are all fitted (0) or all held out (1)."""
    edges = np.flatnonzero(np.diff(held)) + 1
    for begin, end in pairwise([0, *edges.tolist(), bins]):
        for at in range(begin, end, max(longest, 1)):
            yield at, min(at + max(longest, 1), end), int(held[at])
