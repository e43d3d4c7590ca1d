"""Traits of spike trains in chosen bins: rates, regularity, correlations, responses, and how far two are apart."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from brainsim.recorded import Events

FEWEST_INTERVALS = 10

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Trials:
    """When stimuli came.

    Parameters
    ----------
    onset, stimulus
        Bin and number of the stimulus of each trial, in order of time.
    box, boxes
        Width of a box of the response in bins, number of boxes.
    """

    onset: Index
    stimulus: Index
    box: int
    boxes: int

    def cell(self, bins: Index) -> Index:
        """Return which box after which stimulus each bin lies in, -1 for none."""
        trial = np.searchsorted(self.onset, bins, side="right") - 1
        box = (bins - self.onset[np.maximum(trial, 0)]) // self.box
        inside = (trial >= 0) & (box < self.boxes)
        return np.where(inside, self.stimulus[np.maximum(trial, 0)] * self.boxes + box, -1)

    @property
    def cells(self) -> int:
        """Number of boxes of all stimuli."""
        return (int(self.stimulus.max()) + 1) * self.boxes


class Missing:
    """Which bins of which neuron were not seen.

    Parameters
    ----------
    gaps
        +1 where bins of a neuron begin to be missing, -1 after the last.
    bins
        Length of the recording.
    """

    def __init__(self, gaps: Events, bins: int) -> None:
        self.gaps, self.bins, self.source = gaps, bins, gaps.source_of_each()
        self._key = self.source * (bins + 2) + gaps.step
        self._level = np.append(np.cumsum(gaps.amplitude), 0.0)

    def at(self, cell: Index, bins: Index) -> NDArray[np.bool_]:
        """Tell for each neuron and bin whether it was not seen."""
        place = np.searchsorted(self._key, cell * (self.bins + 2) + bins, side="right") - 1
        return np.asarray(self._level[place] > 0.5)

    def everywhere(self) -> NDArray[np.bool_]:
        """Return the bins in which no neuron was seen."""
        change = np.bincount(self.gaps.step, self.gaps.amplitude, minlength=self.bins + 1)
        return np.asarray(np.cumsum(change)[: self.bins] > self.gaps.sources - 0.5)

    def seen(self, chosen: Index) -> Array:
        """Return how many of the chosen bins were seen of each neuron."""
        rank = np.searchsorted(chosen, self.gaps.step) * self.gaps.amplitude.astype(float)
        missing = np.bincount(self.source, rank, minlength=self.gaps.sources).astype(float)
        return missing + len(chosen)


@dataclass(frozen=True)
class Train:
    """Spikes in chosen bins.

    Parameters
    ----------
    cell, step, count
        Neuron, place in the chosen bins and number of spikes, in order of neuron and time.
    chosen
        The chosen bins, increasing.
    seen
        How many of them were seen of each neuron, (neuron,).
    """

    cell: Index
    step: Index
    count: Array
    chosen: Index
    seen: Array

    @classmethod
    def of(cls, spikes: tuple[Index, Index, Array], chosen: Index, missing: Missing) -> "Train":
        """Keep the spikes in the chosen bins that could be seen; drop the bins in which no neuron was."""
        cell, bins, count = spikes
        kept = chosen[~missing.everywhere()[chosen]]
        at = np.minimum(np.searchsorted(kept, bins), max(len(kept) - 1, 0))
        inside = np.flatnonzero((kept[at] == bins) & ~missing.at(cell, bins)) if len(kept) else at[:0]
        inside = inside[np.lexsort((bins[inside], cell[inside]))]
        return cls(cell[inside], at[inside], count[inside], kept, missing.seen(kept))

    def rate(self) -> Array:
        """Return spikes per bin of each neuron; NaN where it was never seen."""
        total = np.bincount(self.cell, self.count, minlength=len(self.seen))
        rate: Array = np.divide(total, self.seen, out=np.full(len(total), np.nan), where=self.seen > 0)
        return rate

    def variation(self) -> Array:
        """Return the coefficient of variation of the intervals of each neuron; NaN with fewer than 10."""
        stretch = np.cumsum(np.diff(self.chosen, prepend=self.chosen[:1]) > 1)[self.step]
        same = (np.diff(self.cell) == 0) & (np.diff(stretch) == 0)
        interval, cell = np.diff(self.step)[same].astype(float), self.cell[1:][same]
        n = len(self.seen)
        number, total = np.bincount(cell, minlength=n), np.bincount(cell, interval, minlength=n)
        square = np.bincount(cell, interval**2, minlength=n)
        mean = total / np.maximum(number, 1)
        spread = np.sqrt(np.maximum(square / np.maximum(number, 1) - mean**2, 0))
        found: Array = np.divide(spread, mean, out=np.full(n, np.nan), where=number >= FEWEST_INTERVALS)
        return found

    def windows(self, window: int) -> sp.csr_matrix:
        """Return the spikes in each whole window of so many bins, (window, neuron)."""
        whole = len(self.chosen) // window
        inside = self.step < whole * window
        where = (self.step[inside] // window, self.cell[inside])
        return sp.csr_matrix((self.count[inside], where), shape=(whole, len(self.seen)))

    def correlation(self, window: int) -> Array:
        """Return the correlation of the counts of each pair, (pair,); NaN where a neuron's count never changes."""
        counts = self.windows(window)
        number = max(counts.shape[0], 1)
        mean = np.asarray(counts.sum(0)).ravel() / number
        covariance = (counts.T @ counts).toarray() / number - np.outer(mean, mean)
        spread = np.sqrt(np.maximum(np.diag(covariance), 0))
        scale = np.outer(spread, spread)
        found = np.divide(covariance, scale, out=np.full(scale.shape, np.nan), where=scale > 1e-12)
        pairs: Array = found[np.triu_indices(len(spread), 1)]
        return pairs

    def response(self, trials: Trials) -> tuple[Array, Array]:
        """Return the spikes per bin in each box after each stimulus, (box, neuron), and the bins of each box."""
        cell = trials.cell(self.chosen)
        bins = np.bincount(cell[cell >= 0], minlength=trials.cells).astype(float)
        mine = cell[self.step]
        n, inside = len(self.seen), mine >= 0
        total = np.bincount(mine[inside] * n + self.cell[inside], self.count[inside], minlength=trials.cells * n)
        return total.reshape(-1, n) / np.maximum(bins, 1)[:, None], bins


def distances(
    one: Train, other: Train, windows: dict[str, int], timed: bool, trials: Trials | None
) -> dict[str, float]:
    """Return how far two trains are apart, by trait; NaN where a trait cannot be told.

    Parameters
    ----------
    one, other
        What is judged, and what it is held against.
    windows
        Bins of a window for each correlation.
    timed
        Whether spikes have times of their own, so that intervals mean something.
    trials
        When stimuli came, or None.
    """
    a, b = one.rate(), other.rate()
    found = {"rate": float(np.nansum(np.abs(a - b)) / (np.nansum(b) or np.nan))}
    if timed:
        found["cv"] = mean_known(np.abs(one.variation() - other.variation()))
    for name, window in windows.items():
        found[name] = float(np.sqrt(mean_known((one.correlation(window) - other.correlation(window)) ** 2)))
    if trials is not None:
        (p, p_bins), (q, q_bins) = one.response(trials), other.response(trials)
        weight = np.minimum(p_bins, q_bins)[:, None]
        found["psth"] = float((weight * np.abs(p - q)).sum() / ((weight * q).sum() or np.nan))
    return found


def mean_known(values: Array) -> float:
    """Return the mean of the finite values; NaN where there are none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
