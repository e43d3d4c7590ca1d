"""What a fit says of the synapses between the groups of a pairing experiment, with its controls, beside the truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from brainsim import ensemble, fraction_change, grouping, pathway, random_group, regression
from brainsim.grouping import Mask
from brainsim.missing import Floats
from brainsim.response_group import places
from brainsim.store import naming


@dataclass(frozen=True, eq=False)
class Result:
    """What changed between groups of cells.

    Attributes
    ----------
    members
        One row for each neuron: its cell type, its groups, and the q value of each response that decides on them.
    changes
        As :func:`brainsim.fraction_change.fraction_changes` returns them.
    truth
        The same of the true weights; None where they are not known.
    groups, lines
        One row for each pathway, and for each regression over repeats.
    facts
        Test, stimuli, sizes of groups and what is doubtful.
    """

    members: pd.DataFrame
    changes: xr.Dataset
    truth: xr.Dataset | None
    groups: pd.DataFrame
    lines: pd.DataFrame
    facts: dict[str, Any]


def analyse(
    fit: xr.Dataset,
    recording: xr.Dataset,
    stimuli: Mapping[str, str | None],
    *,
    definitions: tuple[grouping.Group, ...] = grouping.PAIRING,
    seed: int = 0,
    **options: Any,
) -> Result:
    """Find the groups of a pairing experiment in a recording, and what a fit says of the synapses between them.

    Parameters
    ----------
    fit
        `weight` and `weight_initial`, with `repeat` where it was repeated.
    recording
        The recording that holds the trials; of a simulation, `true_weight` and `true_weight_before` are compared.
    stimuli
        `conditioned`, `unconditioned`, `conditioned_after`, as :func:`brainsim.grouping.design` takes them.
    definitions
        The table of groups.
    seed
        Seed of the tests.
    options
        Passed on to :func:`brainsim.ensemble.responsive`.

    Raises
    ------
    InputError
        If groups cannot be told, the fit has not learned, or the two hold other neurons.
    """
    with naming(recording, "recording"):
        setting = grouping.design(recording, **stimuli)
        found = ensemble.responsive_by_phase(recording, setting, seed=seed, **options)
        order = places(recording, fit)
        groups = {name: cells[order] for name, cells in grouping.members(found, setting, definitions).items()}
    ways = pathway.pathways(setting)
    with naming(fit, "fit"):
        changes = fraction_change.fraction_changes(fit, groups, ways)
    table = fraction_change.table(changes)
    shuffled = random_group.shuffled_changes(fit, groups, ways, seed)
    table["p_random_groups"] = random_group.p_values(changes, shuffled)
    lines = _with_control(regression.regressions(changes, pathway.regressions(setting)), shuffled, ways)
    truth = _truth(recording, order, groups, ways)
    if truth is not None:
        table = table.join(_true_columns(truth))
    notices = [*str(found.attrs["notices"]).splitlines(), *fraction_change.doubts(fit, changes)]
    facts = {
        "conditioned": setting.conditioned,
        "unconditioned": setting.unconditioned,
        "definitions": {setting.named(each.name): setting.named(each.meaning) for each in definitions},
        "members": {name: int(cells.sum()) for name, cells in groups.items()},
        "excitatory_members": {
            name: int(cells.sum()) for name, cells in fraction_change.excitatory_members(fit, groups).items()
        },
        **{key: value for key, value in found.attrs.items() if key != "notices"},
        "notices": notices,
    }
    return Result(_members(fit, groups, found.isel(neuron=order), setting), changes, truth, table, lines, facts)


def _with_control(lines: pd.DataFrame, shuffled: Floats, ways: list[pathway.Pathway]) -> pd.DataFrame:
    """Add what random groups reach: the median of R^2, and how often it is as high as that of the real groups."""
    controls = [random_group.r_squared(shuffled, ways, (row["y"], row["x"])) for row in lines.to_dict("records")]
    known = [each[np.isfinite(each)] for each in controls]
    lines["r_squared_random"] = [float(np.median(each)) if len(each) else np.nan for each in known]
    lines["p_random_groups"] = [
        (1 + np.sum(each >= real - 1e-9)) / (1 + len(each)) if len(each) and np.isfinite(real) else np.nan
        for each, real in zip(known, lines["r_squared"], strict=True)
    ]
    return lines


def _truth(
    recording: xr.Dataset, order: NDArray[np.int64], groups: Mapping[str, Mask], ways: list[pathway.Pathway]
) -> xr.Dataset | None:
    """Return the true fraction changes, by the true cell types."""
    if not {"true_weight", "true_weight_before", "cell_type"} <= set(recording.variables):
        return None
    seen = recording.isel(pre=order, post=order, neuron=order)
    weights = {"weight": seen["true_weight"], "weight_initial": seen["true_weight_before"]}
    true = xr.Dataset(weights).assign_coords(cell_type=seen["cell_type"])
    changes = fraction_change.fraction_changes(true, groups, ways)
    shuffled = random_group.shuffled_changes(true, groups, ways)
    return changes.assign(p_random_groups=("pathway", random_group.p_values(changes, shuffled)))


def _true_columns(truth: xr.Dataset) -> pd.DataFrame:
    """Return what is true of each pathway."""
    table = fraction_change.table(truth)[["synapses", "fraction_change", "sem_synapses"]]
    return table.assign(p_random_groups=truth["p_random_groups"].values).add_prefix("true_")


def _members(fit: xr.Dataset, groups: Mapping[str, Mask], found: xr.Dataset, setting: grouping.Design) -> pd.DataFrame:
    columns: dict[str, Any] = {"neuron": fit["pre"].values.astype(str), "cell_type": fit["cell_type"].values, **groups}
    for stimulus in (setting.conditioned, setting.unconditioned):
        for phase in (grouping.BEFORE, grouping.AFTER):
            if phase in found["phase"].values:
                columns[f"q_{stimulus}_{phase}"] = found["q_value"].sel(stimulus=stimulus, phase=phase).values
    return pd.DataFrame(columns)
