"""How much the synapses between groups of cells grew: fraction changes, normalised increases.

    FC         = (w1 - w0) / w0                of every synapse; w0 before and w1 after learning
    FC(A -> B) = mean over the synapses from A to B, repeat by repeat
    increase   = (FC(A -> B) - FC_E) / FC_E    FC_E = FC(E -> E); FC(I -> E) for synapses of inhibitory cells

Repeats are runs from other random weights on one and the same recording. A standard error over repeats says how much a
number depends on these weights; it says nothing about another animal.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from brainsim.error import InputError
from brainsim.grouping import Mask
from brainsim.missing import Floats, deviation, mean
from brainsim.pathway import Pathway
from brainsim.regression import FEWEST_REPEATS

MEASURES = ("fraction_change", "sem_synapses", "increase")


def fraction_changes(fit: xr.Dataset, groups: Mapping[str, Mask], pathways: Sequence[Pathway]) -> xr.Dataset:
    """Return how much the synapses of each pathway grew, repeat by repeat.

    Parameters
    ----------
    fit
        `weight` and `weight_initial` on (`repeat`,) `pre`, `post`, and `cell_type`.
    groups
        Members of each group, (neuron,), in the order of the fit; of these the excitatory ones count. ``E`` and ``I``
        are all cells of a type.
    pathways
        Which groups to look at.

    Returns
    -------
    Dataset
        On (pathway, repeat): `fraction_change`, its standard error over synapses `sem_synapses`, and `increase`; on
        (pathway,): `synapses` and the names `pre`, `post`, `reference`. NaN where a pathway has no synapse. The
        attribute `groups` lists all groups.

    Raises
    ------
    InputError
        If the fit holds no weights from before learning, or no cell types.
    """
    change = synapse_changes(fit)
    who = excitatory_members(fit, groups)
    values, spread, count = [], [], []
    for way in pathways:
        block = change[:, who[way.pre]][:, :, who[way.post]].reshape(len(change), -1)
        n = np.isfinite(block).sum(1)
        values.append(mean(block, 1))
        spread.append(np.where(n > 1, deviation(block, 1) / np.sqrt(np.maximum(n - 1, 1)), np.nan))
        count.append(int(n[0]))
    names = [way.name for way in pathways]
    own, dims = np.array(values), ("pathway", "repeat")
    measures = dict(zip(MEASURES, (own, np.array(spread), increases(own, pathways)), strict=True))
    result = xr.Dataset({name: (dims, value) for name, value in measures.items()})
    for key in ("pre", "post", "reference"):
        result[key] = ("pathway", [getattr(way, key) for way in pathways])
    result["synapses"] = ("pathway", count)
    repeat = fit["repeat"].values if "repeat" in fit.dims else np.arange(1)
    result.attrs["groups"] = list(groups)
    return result.assign_coords(pathway=names, repeat=repeat)


def increases(change: Floats, pathways: Sequence[Pathway]) -> Floats:
    """Return fraction changes relative to those of the reference of each pathway; NaN for a reference itself.

    Parameters
    ----------
    change
        Fraction changes, (..., pathway, repeat).
    pathways
        Which ones.
    """
    names = [way.name for way in pathways]
    reference = change[..., [names.index(way.reference) for way in pathways], :]
    apart = np.array([way.reference != way.name for way in pathways])[:, None]
    possible = apart & (reference != 0)
    relative: Floats = np.divide(change - reference, reference, out=np.full(change.shape, np.nan), where=possible)
    return relative


def synapse_changes(fit: xr.Dataset) -> Floats:
    """Return the fraction change of every synapse, (repeat, pre, post); NaN where there is none.

    Raises
    ------
    InputError
        If the fit holds no weights from before learning.
    """
    for name in ("weight", "weight_initial"):
        if name not in fit:
            raise InputError(
                f"it holds no `{name}`, so no weight has changed",
                where=f"field '{name}'",
                remedy="give a fit of a rule that learns: brainsim snn fit --rule nearest-stdp --repeats R",
            )
    w0, w1 = (fit[name].transpose(..., "pre", "post").values.astype(float) for name in ("weight_initial", "weight"))
    w0, w1 = (each.reshape(-1, *each.shape[-2:]) for each in (w0, w1))
    change: Floats = np.divide(w1 - w0, w0, out=np.full(w0.shape, np.nan), where=w0 != 0)
    change[:, np.arange(w0.shape[1]), np.arange(w0.shape[1])] = np.nan
    return change


def excitatory_members(fit: xr.Dataset, groups: Mapping[str, Mask]) -> dict[str, Mask]:
    """Return the excitatory cells of each group, all excitatory (``E``) and all inhibitory cells (``I``).

    Raises
    ------
    InputError
        If the fit holds no cell types, or a group has the name of one.
    """
    if "cell_type" not in fit.coords:
        raise InputError(
            "it does not say which cells are excitatory", where="field 'cell_type'", remedy="give a fit of brainsim"
        )
    if {"E", "I"} & set(groups):
        raise InputError("a group is called E or I, as cell types are", where="field 'stimulus'", remedy="rename it")
    kinds = fit["cell_type"].values.astype(str)
    if not (kinds == "E").any():
        remedy = "fit again with a recording whose cell types are known"
        raise InputError("no cell is known to be excitatory", where="field 'cell_type'", remedy=remedy)
    return {name: cells & (kinds == "E") for name, cells in groups.items()} | {"E": kinds == "E", "I": kinds == "I"}


def table(changes: xr.Dataset) -> pd.DataFrame:
    """Return one row for each pathway.

    Returns
    -------
    DataFrame
        `pathway`, `pre`, `post`, `synapses`, `repeats`; `fraction_change` with `sem_repeats` (over repeats) and
        `sem_synapses` (over synapses within a repeat, on average); `increase` with `increase_sem` (over repeats) and
        the pathway it is relative to, `reference`.
    """
    rows = changes[["pre", "post", "synapses"]].to_dataframe().reset_index()
    repeats = changes.sizes["repeat"]
    rows["repeats"] = repeats
    for name, error in (("fraction_change", "sem_repeats"), ("increase", "increase_sem")):
        values = changes[name].transpose("pathway", "repeat").values
        rows[name] = mean(values, 1)
        rows[error] = deviation(values, 1) / np.sqrt(repeats - 1) if repeats > 1 else np.nan
    rows.insert(7, "sem_synapses", mean(changes["sem_synapses"].values, 1))
    rows["reference"] = changes["reference"].values
    return rows


def doubts(fit: xr.Dataset, changes: xr.Dataset) -> list[str]:
    """Say what a reader must know before believing a number."""
    found, repeats = [], changes.sizes["repeat"]
    if repeats < FEWEST_REPEATS:
        found.append(f"no regression: the fit has fewer than {FEWEST_REPEATS} repeats")
    else:
        found.append(
            "errors and regressions over repeats are about random initial weights on one recording, not about animals"
        )
    types = str(fit.attrs.get("cell_types", "given"))
    if types != "given":
        found.append(f"cell types: {types}, so E and I are not those of the tissue")
    rows = table(changes).set_index("pathway")
    found += [f"{name} has {int(n)} synapses" for name, n in rows["synapses"].items() if n < 10]
    for name in dict.fromkeys(changes["reference"].values.tolist()):
        row = rows.loc[name]
        middle, error = float(row["fraction_change"]), float(np.nan_to_num(row["sem_repeats"]))
        if not abs(middle) > 2 * error:
            found.append(f"{name} changed by {middle:.2g} +- {error:.2g}: increases relative to it mean nothing")
        elif middle < 0:
            found.append(f"{name} shrank: a positive normalised increase means that a pathway shrank more")
    return found
