"""Partial correlation of binned spikes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from scipy import stats

from brainsim.description import quantity
from brainsim.peer import Inferred, Peer
from brainsim.peer._spikes import binned

RIDGE = 1e-6


@dataclass(frozen=True)
class PartialCorrelation(Peer):
    """Partial correlation of spike counts at lag 0: symmetric, so it cannot tell the direction.

    Spike times are counted in bins of `bin`, inferred spikes in their frames. A pair is called where the
    Benjamini-Hochberg q value of Fisher's z is below `level`.

    References
    ----------
    Fisher (1924), Metron 3:329. Brillinger, Bryant & Segundo (1976), Biol Cybern 22:213.
    """

    bin: float = quantity(10.0, "ms", "width of a bin for spike times")
    level: float = quantity(0.05, "1", "false discovery rate of the pairs that are called")

    name: ClassVar[str] = "partial-correlation"

    def infer(self, dataset: xr.Dataset, bin_s: float) -> Inferred:
        """Return the partial correlation of every pair; `bin_s` is not used, `bin` is."""
        spikes = binned(dataset, self.bin / 1000)
        n, bins = spikes.neurons, spikes.bins
        mean = spikes.total / bins
        covariance = (spikes.count @ spikes.count.T).toarray() / bins - np.outer(mean, mean)
        scale = np.sqrt(np.diag(covariance))
        fires = scale > 0
        scale[~fires] = 1.0
        correlation = covariance / np.outer(scale, scale) + RIDGE * np.eye(n) + np.diag((~fires).astype(float))
        precision = np.linalg.inv(correlation)
        size = np.sqrt(np.diag(precision))
        partial = -precision / np.outer(size, size)
        usable = ~np.eye(n, dtype=bool) & fires[:, None] & fires[None, :]
        partial = np.where(usable, np.clip(partial, -1 + 1e-12, 1 - 1e-12), 0.0)
        z = np.arctanh(partial) * np.sqrt(max(1, bins - n - 1))
        called = np.zeros((n, n), bool)
        pairs = np.triu(usable)
        if pairs.any():
            called[pairs] = stats.false_discovery_control(2 * stats.norm.sf(np.abs(z[pairs]))) < self.level
        return Inferred(np.abs(z), np.sign(z), called | called.T)
