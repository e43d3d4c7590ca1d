"""What is looked at in the correlograms of a recording: as small arguments, which name it to every worker."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainsim.correlogram import Correlograms
from brainsim.kernel import FINE_BIN_S, Lags, lags
from brainsim.null import MOST_PAIRS
from brainsim.posterior import PRIOR_EXCITATORY
from brainsim.recorded import Events
from brainsim.residual import Reading
from brainsim.shard_store import Shards, digest
from brainsim.sufficient import SOURCES

Array = NDArray[np.float64]
BASELINES: tuple[float | None, ...] = (None, 20.0)  # bins
NARROW = 5.0  # bins; in frames as well
MANY_NEURONS = 300
LAGS, LAGS_MANY, LAGS_COARSE = 200, 100, 40
PER_PAIR, PER_PAIR_OF_BLOCK, PER_SAMPLED = 48, 600, 24_000  # bytes at the peak
PER_PAIR_KEPT, MOST_KEPT = 1600, 250 * 2**20


@dataclass(frozen=True)
class Look:
    """What is looked at.

    Parameters
    ----------
    spikes
        Key of the spikes.
    bins
        Length of the recording in bins.
    bin_s
        Width of a bin [s].
    known
        Key of the cell types that are known; nothing where none are.
    baseline
        Which of the baselines.
    """

    spikes: str
    bins: int
    bin_s: float
    known: str
    baseline: int

    @property
    def grid(self) -> Lags:
        """Lags and kernels that are looked at."""
        return lags(self.bin_s)

    @property
    def sigma(self) -> float | None:
        """Width of the baseline in bins."""
        return baselines(self.bin_s)[self.baseline]

    def counts(self, shards: Shards) -> Correlograms:
        """Return the correlograms of all pairs, with as many lags as the views look at."""
        return shards.recall(f"correlograms {self.spikes} {self.bins} {self.bin_s}", lambda: self._counts(shards))

    def _counts(self, shards: Shards) -> Correlograms:
        held, box = shards.get(self.spikes), len(self.grid.box)
        spikes = Events(*(held[f"spikes_{part}"][...] for part in ("first", "step", "amplitude")))
        sides = LAGS_COARSE if box < LAGS_COARSE else LAGS if spikes.sources <= MANY_NEURONS else LAGS_MANY
        return Correlograms(spikes, self.bins, min(sides, max(self.bins, box + 1)))

    def reading(self, counts: Correlograms) -> Reading:
        """Return what is read off the correlograms."""
        return Reading.of(self.grid, self.sigma, counts.lags)


def baselines(bin_s: float) -> tuple[float | None, ...]:
    """Return the widths of the baselines that are taken off, in bins; None takes none off."""
    return BASELINES if bin_s <= FINE_BIN_S else (*BASELINES, NARROW)


def keep_types(shards: Shards, known: NDArray[np.str_] | None) -> str:
    """Keep the cell types that are known for all tasks; return their key."""
    if known is None:
        return ""
    kind = {"type": (known == "E") + 2 * (known == "I")}
    shards.put(key := digest(kind), kind)
    return key


def prior_odds(neurons: int, known: NDArray[np.str_] | None) -> Array:
    """Return the log odds of E against I before anything is seen: four cells of five are E; known types are kept."""
    odds = np.full(neurons, np.log(PRIOR_EXCITATORY / (1 - PRIOR_EXCITATORY)))
    if known is not None:
        odds[known == "E"], odds[known == "I"] = np.inf, -np.inf
    return np.clip(odds, -1e6, 1e6)


def pairs_of(total: Array, first: int = 0, last: int | None = None) -> NDArray[np.bool_]:
    """Return the pairs of different neurons that fire, (pre, post), of all presynaptic neurons or a block of them."""
    fires, n = total > 0, len(total)
    pre = np.arange(n)[first:last]
    usable = fires[pre][:, None] & fires[None, :]
    usable[np.arange(len(pre)), pre] = False
    return np.asarray(usable, bool)


def bytes_to_look(neurons: int) -> int:
    """Return about how much memory the largest of these tasks takes beside the spikes, in bytes."""
    kept = min(PER_PAIR_KEPT * neurons**2, MOST_KEPT)
    block = PER_PAIR_OF_BLOCK * neurons * min(neurons, SOURCES)
    return kept + max(PER_PAIR * neurons**2 + block, PER_SAMPLED * min(neurons**2, MOST_PAIRS))
