"""What random groups of cells of the same sizes show: the control of every claim about a group.

Synapses of one cell are no independent evidence, and all weights of a repeat grow or shrink together. So the names of
the excitatory cells are shuffled, overlaps between groups kept, and everything is done again.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from brainsim.fraction_change import excitatory_members, increases, synapse_changes
from brainsim.grouping import Mask
from brainsim.missing import Floats, mean
from brainsim.pathway import Pathway
from brainsim.regression import FEWEST_REPEATS

SHUFFLES = 1000


def shuffled_changes(fit: xr.Dataset, groups: Mapping[str, Mask], pathways: Sequence[Pathway], seed: int = 0) -> Floats:
    """Return the fraction change of each pathway between random groups, (shuffle, pathway, repeat).

    Parameters
    ----------
    fit, groups, pathways
        As :func:`brainsim.fraction_change.fraction_changes` takes them.
    seed
        Seed of the shuffling.
    """
    changes, rng = synapse_changes(fit), np.random.default_rng(seed)
    who = excitatory_members(fit, groups)
    order = np.tile(np.arange(changes.shape[1]), (SHUFFLES, 1))
    cells = np.flatnonzero(who["E"])
    for row in order:
        row[cells] = rng.permutation(cells)
    member = {
        name: np.atleast_2d(mask if name in ("E", "I") else mask[order]).astype(np.float32)
        for name, mask in who.items()
    }
    found = np.full((SHUFFLES, len(pathways), len(changes)), np.nan)
    for repeat, change in enumerate(changes):
        filled, known = np.nan_to_num(change).astype(np.float32), np.isfinite(change).astype(np.float32)
        for pre in dict.fromkeys(way.pre for way in pathways):
            total, count = member[pre] @ filled, member[pre] @ known
            for k, way in enumerate(pathways):
                if way.pre == pre:
                    n = (count * member[way.post]).sum(1)
                    sums = (total * member[way.post]).sum(1)
                    found[:, k, repeat] = np.divide(sums, n, out=np.full(len(n), np.nan), where=n > 0)
    return found


def p_values(changes: xr.Dataset, shuffled: Floats) -> Floats:
    """Return how often random groups lie as far from their mean as the real ones (two-sided), (pathway,).

    NaN for pathways between whole cell types, which no shuffling changes, and for those without a synapse.
    """
    real, random = mean(changes["fraction_change"].transpose("pathway", "repeat").values, 1), mean(shuffled, 2)
    middle = mean(random, 0)
    with np.errstate(invalid="ignore"):
        as_far = np.sum(np.abs(random - middle) >= np.abs(real - middle) - 1e-9, axis=0)
    p = (1 + as_far) / (1 + np.isfinite(random).sum(0))
    whole = np.isin(changes["pre"].values, ("E", "I")) & np.isin(changes["post"].values, ("E", "I"))
    return np.where(whole | ~np.isfinite(real), np.nan, p)


def r_squared(shuffled: Floats, pathways: Sequence[Pathway], pair: tuple[str, str]) -> Floats:
    """Return R^2 of a regression over repeats between random groups, (shuffle,); NaN where there are too few repeats.

    Parameters
    ----------
    shuffled
        As :func:`shuffled_changes` returns them.
    pathways
        Which ones.
    pair
        Names of the pathways (y, x).
    """
    names = [way.name for way in pathways]
    growth = increases(shuffled, pathways)
    y, x = (growth[:, names.index(name)] for name in pair)
    if x.shape[1] < FEWEST_REPEATS:
        return np.full(len(x), np.nan)
    y, x = (each - each.mean(1, keepdims=True) for each in (y, x))
    power = (x * x).sum(1) * (y * y).sum(1)
    squared: Floats = np.divide((x * y).sum(1) ** 2, power, out=np.full(len(x), np.nan), where=power > 0)
    return squared
