"""Which groups' weights grew where that is known (a simulation, an online rule), and which estimates are right."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import roc_auc_score

from brainsim import change
from brainsim.fraction_change import synapse_changes
from brainsim.missing import Floats, mean

Mask = NDArray[np.bool_]
SHUFFLES = 50


def known(fit: xr.Dataset, groups: Mapping[str, Mask]) -> tuple[Floats, Floats]:
    """Return the mean fraction change of the synapses between groups, and how many there are.

    Parameters
    ----------
    fit
        `weight` and `weight_initial` on (`repeat`,) `pre`, `post`.
    groups
        Members of each group, (neuron,).

    Returns
    -------
    growth
        Over synapses, then over repeats; (pre_group, post_group), NaN where there is no synapse.
    synapses
        Number of synapses, (pre_group, post_group).

    Raises
    ------
    InputError
        If the fit holds no weights from before learning.
    """
    change = synapse_changes(fit)
    there = np.isfinite(change)
    member = np.array([np.asarray(mask, float) for mask in groups.values()]).reshape(len(groups), -1)
    count = member @ there.astype(float) @ member.T
    total = member @ np.where(there, change, 0.0) @ member.T
    ratio = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean(ratio, 0), count[0]


def truth(dataset: xr.Dataset) -> xr.Dataset | None:
    """Return the true weights as a fit that learned; None where they are not known."""
    if not {"true_weight", "true_weight_before"} <= set(dataset.variables):
        return None
    return xr.Dataset({"weight": dataset["true_weight"], "weight_initial": dataset["true_weight_before"]})


def types(dataset: xr.Dataset) -> NDArray[np.str_] | None:
    """Return the cell types of a recording, None where it does not say."""
    return dataset["cell_type"].values.astype(str) if "cell_type" in dataset.coords else None


def auc(score: Floats, true_growth: Floats, above: float = 0.0) -> float:
    """Return how well scores tell what grew from what did not: area under the ROC curve.

    Parameters
    ----------
    score
        Any shape; NaN is left out.
    true_growth
        Of the same shape. NaN and what did not change at all are left out.
    above
        What grew has a true growth above this.

    Returns
    -------
    float
        0.5 is chance. NaN where everything grew, or nothing did.
    """
    kept = np.isfinite(score) & np.isfinite(true_growth) & (true_growth != 0)
    grew = true_growth[kept] > above
    return float(roc_auc_score(grew, score[kept])) if 0 < grew.sum() < len(grew) else float("nan")


def agreement(score: Floats, true_growth: Floats) -> dict[str, float]:
    """Return how well scores of pairs of groups agree with the truth.

    Returns
    -------
    dict
        `more`: AUC of what grew more than the median. `rank`: Spearman correlation. NaN where it cannot be computed.
    """
    kept = np.isfinite(score) & np.isfinite(true_growth) & (true_growth != 0)
    middle = float(np.median(true_growth[kept])) if kept.any() else 0.0
    varied = kept.sum() > 2 and np.ptp(score[kept]) > 0 and np.ptp(true_growth[kept]) > 0
    rank = float(stats.spearmanr(score[kept], true_growth[kept]).statistic) if varied else float("nan")
    return {"more": auc(score, true_growth, middle), "rank": rank}


def judged(
    result: xr.Dataset, groups: Mapping[str, Mask], learned: xr.Dataset | None = None, seed: int = 0
) -> dict[str, float]:
    """Hold the estimates against the truth.

    Parameters
    ----------
    result
        As :func:`compare` makes it.
    groups
        Members of each group.
    learned
        A fit of an online rule.
    seed
        Seed of the shuffled groups.

    Returns
    -------
    dict
        AUC of what grew among pairs of groups (`auc_grew`), with groups of neurons drawn at random
        (`auc_grew_shuffled`) and at random within their cell type (`auc_grew_types`), of the online rule
        (`auc_grew_learned`), and among single synapses (`auc_grew_synapses`). Among the pairs of excitatory groups:
        AUC of what grew more than the median (`auc_more`) and the rank correlation (`rank`).
    """
    score = result["growth_z"].values
    true = np.where(np.isfinite(score), result["true_growth"].values, np.nan)
    kind = types(result)
    kinds = np.zeros(result.sizes["neuron"], int) if kind is None else np.unique(kind, return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    facts = {
        "auc_grew": auc(score, true),
        "auc_grew_shuffled": _shuffled(result, groups, np.zeros_like(kinds), rng),
        "auc_grew_types": _shuffled(result, groups, kinds, rng),
    }
    excitatory = np.array([kind is None or bool((kind[cells] != "I").all()) for cells in groups.values()])
    inside = np.ix_(excitatory, excitatory)
    before, after = result["true_weight_before"].values, result["true_weight"].values
    there = before != 0
    single = np.sign(before) * result["z"].values
    facts["auc_grew_synapses"] = auc(single[there], after[there] / before[there] - 1)
    routes = {"": result["growth"].values}
    if learned is not None:
        facts["auc_grew_learned"] = auc(result["learned_growth"].values, true)
        routes["_learned"] = result["learned_growth"].values
        own = mean(synapse_changes(learned), 0)
        facts["auc_grew_synapses_learned"] = auc(own[there], after[there] / before[there] - 1)
    for name, values in routes.items():
        found = agreement(values[inside], true[inside])
        facts |= {f"auc_more{name}": found["more"], f"rank{name}": found["rank"]}
    return facts


def _shuffled(
    result: xr.Dataset, groups: Mapping[str, Mask], kinds: NDArray[np.int64], rng: np.random.Generator
) -> float:
    """Return the mean AUC where the estimates are of groups whose members were drawn anew among their kind."""
    scores: list[float] = []
    for _ in range(SHUFFLES):
        order = np.arange(len(kinds))
        for kind in np.unique(kinds):
            order[kinds == kind] = rng.permutation(order[kinds == kind])
        drawn = {name: cells[order] for name, cells in groups.items()}
        scores.append(auc(change.of_groups(result, drawn)["growth_z"].values, result["true_growth"].values))
    return float(np.mean(scores))
