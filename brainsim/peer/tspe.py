"""Elephant's Total Spiking Probability Edges."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr

from brainsim.description import quantity
from brainsim.error import ToolError
from brainsim.peer import Floats, Inferred, Peer
from brainsim.peer._spikes import Spikes, binned

LONGEST_S = 0.025
LONGEST_INFERRED_S = 0.2
LARGEST_GIB = 10.0
OBSERVED = (2, 3, 4, 5, 6)  # Elephant's default; it fails where a window is longer than the delays
COPIES = 3  # Elephant makes spikes dense, and centres and squares them


@dataclass(frozen=True)
class Tspe(Peer):
    """Total Spiking Probability Edges, as Elephant computes it with its default windows.

    Elephant returns (post, pre); here it is (pre, post). A pair is called where its estimate is more than `deviations`
    standard deviations from the mean of all estimates: the customary hard threshold on a connectivity matrix. Inferred
    spikes are events of half a spike or more; delays are then frames up to 0.2 s.

    References
    ----------
    De Blasi, Ciba, Bahmer & Thielemann (2019), J Neurosci Methods 312:169. Hard threshold: Boschi et al. (2021),
    Front Neurosci 15:705103.
    """

    deviations: float = quantity(2.0, "1", "standard deviations from the mean above which a pair is called")

    name: ClassVar[str] = "tspe"
    modules: ClassVar[tuple[str, ...]] = ("elephant.conversion", "elephant.functional_connectivity", "neo")

    def infer(self, dataset: xr.Dataset, bin_s: float) -> Inferred:
        """Return the estimate of Elephant for every pair.

        Raises
        ------
        ToolError
            If the dense arrays that Elephant makes would be too large.
        """
        spikes = binned(dataset, bin_s, events=True)
        needed = COPIES * 8 * spikes.neurons * spikes.bins / 2**30
        if needed > LARGEST_GIB:
            raise ToolError(
                f"Elephant's TSPE would need about {needed:.0f} GiB for {spikes.neurons} neurons x {spikes.bins} bins",
                remedy="shorten the recording with --duration",
            )
        found = _estimate(spikes, spikes.within(LONGEST_S, LONGEST_INFERRED_S) + spikes.framed)
        estimate = np.nan_to_num(found).T
        other = ~np.eye(len(estimate), dtype=bool)
        spread = estimate[other].std() if other.any() else 0.0
        z = (estimate - estimate[other].mean()) / spread if spread > 0 else np.zeros_like(estimate)
        return Inferred(np.abs(estimate) * other, np.sign(estimate) * other, (np.abs(z) > self.deviations) & other)


def _estimate(spikes: Spikes, delays: int) -> Floats:
    """Return what Elephant estimates with its default windows, (post, pre), for delays from 0 to `delays` - 1 bins."""
    from elephant.conversion import BinnedSpikeTrain
    from elephant.functional_connectivity import total_spiking_probability_edges
    from neo import SpikeTrain
    from quantities import s

    end = spikes.bins * spikes.bin_s
    steps = [np.repeat(row.indices, row.data.astype(int)) for row in map(spikes.count.getrow, range(spikes.neurons))]
    trains = [SpikeTrain(np.sort(step + 0.5) * spikes.bin_s, t_stop=end, units=s) for step in steps]
    binned_trains = BinnedSpikeTrain(trains, n_bins=spikes.bins, t_start=0 * s, t_stop=end * s)
    with np.errstate(divide="ignore", invalid="ignore"):
        found, _ = total_spiking_probability_edges(
            binned_trains, observed_window_sizes=[each for each in OBSERVED if each <= delays], max_delay=delays
        )
    return np.asarray(found, float)
