"""Which connections changed while stimuli were paired: the parts before and after, who answers what, and the truth."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from brainsim import __version__, change, ensemble, growth, session
from brainsim.change import Mask
from brainsim.error import InputError
from brainsim.gradient import Settings
from brainsim.progress import Progress, silent
from brainsim.rule.ml import Ml
from brainsim.session import Period

FEWEST_MEMBERS = 3
CALLED = 0.05
GROUPS = ("pre_group", "post_group")
FRAMES = (
    "a frame is longer than a synapse takes: couplings within a frame hardly have a direction and tell changes poorly; "
    "single pairs are not tested"
)


def compare(
    dataset: xr.Dataset,
    periods: tuple[Sequence[Period], Sequence[Period]],
    groups: Mapping[str, Mask],
    *,
    rule: Ml | None = None,
    settings: Settings | None = None,
    learned: xr.Dataset | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """Compare the connections before and after.

    Parameters
    ----------
    dataset
        A recording with ``spike_time`` or ``spikes``.
    periods
        What is before and what is after, as :func:`brainsim.session.around_pairing` returns them.
    groups
        Members of each group, (neuron,), as :func:`groups_of` returns them.
    rule, settings
        How to fit each part.
    learned
        A fit of an online rule to the same neurons, which is held beside.
    seed
        Seed of the shuffled groups.
    progress
        Called after each shard.

    Returns
    -------
    Dataset
        What :func:`brainsim.change.between` and :func:`brainsim.change.of_groups` return, with `member` (group,
        neuron), `learned_growth`, and, where the truth is known, `true_weight_before`, `true_weight`, `true_growth`,
        `true_synapses` and attributes that say who is right.

    Raises
    ------
    InputError
        If there are no spikes, or `learned` is of other neurons or has not learned.
    FitError
        If one part cannot be fitted.
    """
    neurons = dataset["neuron"].values if "neuron" in dataset.coords else np.arange(dataset.sizes["neuron"])
    if learned is not None and not np.array_equal(learned["pre"].values.astype(str), neurons.astype(str)):
        what, remedy = "the learned fit is of other neurons", "give a fit of the same recording"
        raise InputError(what, where="field 'pre'", remedy=remedy)
    known = None if learned is None else growth.known(learned, groups)[0]
    before, after = (session.part(dataset, each) for each in periods)
    found = change.fits(before, after, rule or Ml(), settings or Settings(), progress)
    pairs = change.between(*found, growth.types(dataset))
    result = pairs.merge(change.of_groups(pairs, groups), combine_attrs="override")
    result = result.assign_coords(group=list(groups), neuron=neurons)
    result["member"] = (("group", "neuron"), np.array(list(groups.values())).reshape(len(groups), len(neurons)))
    for name in ("cell_type", "position"):
        if name in dataset.coords:
            result = result.assign_coords({name: dataset[name].variable})
    result.attrs.update(_facts(periods), source=dataset.attrs["source"], seed=seed, brainsim_version=__version__)
    result.attrs["notices"] = "" if pairs.attrs["rule"] == "ml" else FRAMES
    if known is not None:
        result["learned_growth"] = (GROUPS, known)
    true = growth.truth(dataset)
    if true is None:
        return result
    values, synapses = growth.known(true, groups)
    result["true_growth"], result["true_synapses"] = (GROUPS, values), (GROUPS, synapses)
    for name in ("true_weight_before", "true_weight"):
        result[name] = (("pre", "post"), dataset[name].values)
    return result.assign_attrs(growth.judged(result, groups, learned, seed))


def _facts(periods: tuple[Sequence[Period], Sequence[Period]]) -> dict[str, Any]:
    """Return what was compared, and how long it is [s]."""
    facts: dict[str, Any] = {}
    for name, each in zip(("before", "after"), periods, strict=True):
        facts |= {name: ", ".join(p.name for p in each), f"{name}_s": float(sum(p.end - p.begin for p in each))}
    return facts


def groups_of(
    dataset: xr.Dataset,
    before: Sequence[Period],
    stimuli: Mapping[str, Any] | None = None,
    **options: Any,
) -> tuple[dict[str, Mask], list[str]]:
    """Return the groups of neurons between which connections are compared.

    Neurons that answer a stimulus before pairing, one group for each stimulus; of a pairing of `conditioned` and
    `unconditioned` those that answer both once they were paired, or the unconditioned one alone; all of a cell type
    where that is known. Then the other groups hold no inhibitory neurons. Groups of fewer than 3 are left out.

    Parameters
    ----------
    dataset
        A recording with trials.
    before
        What is before.
    stimuli
        `conditioned`, `unconditioned`, `conditioned_after`, as :func:`brainsim.grouping.design` takes them.
    options
        Passed on to :func:`brainsim.ensemble.responsive`.

    Returns
    -------
    groups
        Members of each group, (neuron,).
    notices
        Which groups there are not, and why.

    Raises
    ------
    InputError
        If stimuli are named that were not paired.
    """
    groups: dict[str, Mask] = {}
    notices: list[str] = []
    try:
        answers = ensemble.responsive(session.part(dataset, before), **options)
        groups |= {str(name): answers["responsive"].sel(stimulus=name).values for name in answers["stimulus"].values}
    except InputError as error:
        notices.append(f"no groups by response before: {error}")
    try:
        groups |= ensemble.groups(dataset, **dict(stimuli or {}), **options)
    except InputError as error:
        if any(value is not None for value in (stimuli or {}).values()):
            raise
        notices.append(f"no groups by what was paired: {error}")
    types = growth.types(dataset)
    if types is not None and (types == "I").any():
        groups = {name: cells & (types != "I") for name, cells in groups.items()}
        groups = {"E": types == "E", "I": types == "I", **groups}
    small = [name for name, cells in groups.items() if cells.sum() < FEWEST_MEMBERS]
    notices += [f"group {name} has fewer than {FEWEST_MEMBERS} neurons and is left out" for name in small]
    groups = {name: np.asarray(cells, bool) for name, cells in groups.items() if name not in small}
    return groups or {"all": np.ones(dataset.sizes["neuron"], bool)}, notices


def sentence(result: xr.Dataset) -> list[str]:
    """Say in a few lines what changed, and who is right."""
    attrs = result.attrs
    pairs = int((result["q_value"] < CALLED).sum())
    tested = int(np.isfinite(result["q_value"]).sum())
    lines = [f"{pairs} of {tested} pairs of neurons changed (false discovery rate {CALLED})"] if tested else []
    z, called = result["growth_z"].values, result["growth_q"].values < CALLED
    for word, side in (("grew", z > 0), ("shrank", z < 0)):
        at = np.argwhere(called & side)
        names = [_named(result, *place) for place in at[np.argsort(-np.abs(z[tuple(at.T)]))]]
        lines.append(f"{word}: {', '.join(names[:8]) or 'none'}" + (f" and {len(names) - 8} more" if names[8:] else ""))
    if np.isfinite(attrs.get("auc_grew", np.nan)):
        rival = f"; the online rule {attrs['auc_grew_learned']:.3f}" if "auc_grew_learned" in attrs else ""
        lines.append(f"AUC of what grew, pairs of groups: {attrs['auc_grew']:.3f}{rival}")
    return lines


def _named(result: xr.Dataset, pre: int, post: int) -> str:
    value = float(result["growth"][pre, post])
    return f"{result['pre_group'].values[pre]} -> {result['post_group'].values[post]} ({value:+.0%})"
