"""Which connections changed between two parts of a recording: two fits, their difference, and groups of neurons.

Both parts are fitted alike and apart. For a pair of neurons with weights b and a, before and after,

    change = a - b        change_se^2 = s (se_b^2 + se_a^2)        z = change / change_se

where s is such that most pairs, which have no synapse, are at most standard normal. Weights are freed of the prior
first: of a weight with posterior variance v under a prior of precision r, the data tell the share t = 1 - r v; it is
divided by t and has the variance v / t. Pairs with t below 0.2 are not judged.

A pair alone tells little. All pairs from one group of neurons to another together tell by which share of their mean
weight they grew, a - b = growth (a + b) / 2:

    shape_ij  = P_ij w_ij                w: mean of a and b, weighted by 1/se^2; P: probability that it is a synapse
    growth    = sum shape change / change_se^2  /  sum shape^2 / change_se^2

The error of a growth is that of independent pairs, or what the pairs of the group scatter around it where this is more.
w is uncorrelated with the noise of the change, so that a choice of strong pairs does not lean to either side. A
growth above 0 means stronger, whatever the sign of the weights.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from brainsim import frame_coupling
from brainsim.connectivity import Judgement
from brainsim.encoding import encode
from brainsim.error import InputError
from brainsim.gradient import Fit, Settings, judged_pairs
from brainsim.kernel import COARSE_BIN_S
from brainsim.look import prior_odds
from brainsim.null import NORMAL_MEDIAN
from brainsim.posterior import view
from brainsim.progress import Progress, silent
from brainsim.rule.ml import Ml

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
FEW_PAIRS = 30
LEAST_TOLD = 0.2  # share of a weight that the data tell, not the prior
FEWEST_SYNAPSES = 2.0
INTERVAL = 1.959963984540054  # of a normal: 95 %


def fits(
    before: xr.Dataset, after: xr.Dataset, rule: Ml, settings: Settings, progress: Progress = silent
) -> tuple[xr.Dataset, xr.Dataset]:
    """Fit two parts of a recording alike.

    Spikes in bins of at most 20 ms are fitted by the rule ``ml``, with the prior that held-out time of the first part
    chose. In coarser frames a synapse acts within the frame, which that rule does not see: there
    :mod:`brainsim.frame_coupling` is used.

    Parameters
    ----------
    before, after
        Parts of one recording, as :func:`brainsim.session.part` makes them.
    rule
        Time constant and delay.
    settings
        How to fit.
    progress
        Called after each shard.

    Returns
    -------
    before, after
        `weight` and `weight_se` on (`pre`, `post`).

    Raises
    ------
    InputError
        If there are no spikes.
    FitError
        If one part cannot be fitted.
    """
    if encode(before, settings.source, settings.bin_s).bin_s > COARSE_BIN_S:
        return frame_coupling.fit(before), frame_coupling.fit(after)
    first = _likelihood(before, rule, settings, progress)
    return first, _likelihood(after, rule, replace(settings, ridge=first.attrs["ridge"]), progress)


def _likelihood(dataset: xr.Dataset, rule: Ml, settings: Settings, progress: Progress) -> xr.Dataset:
    """Fit one part by maximum likelihood: weights and their errors."""
    with settings.pool() as pool:
        work = Fit(dataset, rule, settings, progress, pool)
        work.check_memory()
        _, final, facts = work.run()
        variance, weights = work.variance(final), final.joined("weight")
    n = dataset.sizes["neuron"]
    told = 1 - final.ridge * variance  # 0: the prior alone speaks, 1: the data alone
    usable = judged_pairs(facts)[1] & (told > LEAST_TOLD)
    told = np.where(usable, told, 1.0)
    names = dataset["neuron"].values if "neuron" in dataset.coords else np.arange(n)
    pair = ("pre", "post")
    values = {
        "weight": (pair, np.where(usable, weights[:n] / told, 0.0)),
        "weight_se": (pair, np.sqrt(variance / told)),
    }
    facts_of = {"rule": "ml", "ridge": final.ridge, "bin_s": work.encoded.bin_s, "bins": work.problem.bins}
    return xr.Dataset(values, {"pre": names, "post": names}, facts_of)


def between(before: xr.Dataset, after: xr.Dataset, known: NDArray[np.str_] | None = None) -> xr.Dataset:
    """Return how the weights of two fits of the same neurons differ, pair by pair.

    Parameters
    ----------
    before, after
        Fits with `weight` and `weight_se`.
    known
        Cell types that are known (``E``, ``I``), (neuron,).

    Returns
    -------
    Dataset
        On (`pre`, `post`): `weight_before`, `weight_after`, `change`, `change_se`, `z`, `q_value`, `edge_probability`
        (from both fits together; 1 in coarse frames, where synapses do not stand out) and `shape`. The attribute
        `null_spread` is sqrt(s), which is not taken below 1. `q_value` is NaN for pairs that are not judged, and in
        coarse frames, where events of all sizes make the tails too heavy to test single pairs.

    Raises
    ------
    InputError
        If the fits are of different neurons.
    """
    if not np.array_equal(before["pre"].values, after["pre"].values):
        raise InputError("the two fits are of different neurons", where="field 'pre'", remedy="fit the same recording")
    b, a = before["weight"].values, after["weight"].values
    error_b, error_a = before["weight_se"].values, after["weight_se"].values
    usable = (b != 0) & (a != 0)
    change, error = np.where(usable, a - b, 0.0), np.sqrt(error_b**2 + error_a**2)
    spread = float(np.median(np.abs(change / error)[usable])) / NORMAL_MEDIAN if usable.sum() >= FEW_PAIRS else 1.0
    error = error * max(spread, 1.0)
    z, q = change / error, np.full(usable.shape, np.nan)
    fine = before.attrs["rule"] == "ml"
    if fine and usable.any():
        q[usable] = stats.false_discovery_control(2 * stats.norm.sf(np.abs(z[usable])))
    total = 1 / error_b**2 + 1 / error_a**2
    weight = np.where(usable, (b / error_b**2 + a / error_a**2) / total, 0.0)
    told = fine and usable.sum() >= FEW_PAIRS
    probability = _probability(weight * np.sqrt(total), usable, known) if told else usable.astype(float)
    matrices = {"weight_before": b, "weight_after": a, "change": change, "change_se": error, "z": z, "q_value": q}
    matrices |= {"edge_probability": probability, "shape": weight * probability}
    attrs = {"rule": before.attrs["rule"], "null_spread": spread}
    attrs |= {k: before.attrs[k] for k in ("ridge", "bin_s") if k in before.attrs}
    pair = {name: (("pre", "post"), values) for name, values in matrices.items()}
    return xr.Dataset(pair, {"pre": before["pre"].values, "post": before["post"].values}, attrs)


def _probability(score: Array, usable: Mask, known: NDArray[np.str_] | None) -> Array:
    """Return the probability that a pair has a synapse, by the two groups of :mod:`brainsim.posterior`."""
    seen = view(score, usable, prior_odds(len(score), known))
    probability = np.zeros(usable.shape)
    probability[usable] = expit(
        Judgement(seen.sides, seen.excitatory, seen.share, mirrored=seen.mirrored, broad=seen.broad).log_odds(usable)
    )
    return probability


def of_groups(change: xr.Dataset, groups: Mapping[str, Mask]) -> xr.Dataset:
    """Return by which share the weights between groups of neurons grew.

    Parameters
    ----------
    change
        As :func:`between` makes it.
    groups
        Members of each group, (neuron,); groups may overlap.

    Returns
    -------
    Dataset
        On (`pre_group`, `post_group`): `growth` (0.1: by 10 % of the mean of before and after), `growth_se`,
        `growth_low`, `growth_high` (95 %), `growth_z`, `growth_q` (false discovery rate over all pairs of groups) and
        `synapses` (expected number); NaN where fewer than two synapses are expected.
    """
    shape, error, moved = (change[name].values for name in ("shape", "change_se", "change"))
    weight = shape / error**2
    member = np.array([np.asarray(mask, float) for mask in groups.values()]).reshape(len(groups), -1)

    def total(values: Array) -> Array:
        return np.asarray(member @ values @ member.T)

    size = total(weight * shape)
    synapses = total(change["edge_probability"].values)
    told = (size > 0) & (synapses >= FEWEST_SYNAPSES)
    size = np.where(told, size, np.nan)
    growth = total(weight * moved) / size
    squares, products, sizes = (total(weight**2 * each) for each in (moved**2, moved * shape, shape**2))
    scatter = squares - 2 * growth * products + growth**2 * sizes
    growth_error = np.sqrt(np.maximum(size, scatter)) / size
    z = growth / growth_error
    q = np.full(z.shape, np.nan)
    if told.any():
        q[told] = stats.false_discovery_control(2 * stats.norm.sf(np.abs(z[told])))
    found = {"growth": growth, "growth_se": growth_error, "growth_z": z, "growth_q": q}
    found["synapses"] = synapses
    found |= {"growth_low": growth - INTERVAL * growth_error, "growth_high": growth + INTERVAL * growth_error}
    names = list(groups)
    dims = ("pre_group", "post_group")
    return xr.Dataset({k: (dims, v) for k, v in found.items()}, {"pre_group": names, "post_group": names})
