"""What changed between groups of cells, as files: tables, JSON, figures."""

import json
from pathlib import Path
from typing import Any

import matplotlib

from brainsim.figure.pathway import change_pictures
from brainsim.folder import png, result_folder, write_table
from brainsim.group_change import Result
from brainsim.plot import STYLE

MARKER = "groups.json"
FILES = (
    "members.csv",
    "groups.csv",
    "repeats.csv",
    "regressions.csv",
    MARKER,
    "fraction_change.png",
    "normalised_increase.png",
    "regressions.png",
)


def write(folder: str | Path, result: Result, *, overwrite: bool = False) -> None:
    """Write the tables, ``groups.json`` and the figures into a new folder, all of it or nothing.

    Raises
    ------
    OutputError
        If the folder exists or cannot be written.
    """
    with result_folder(folder, MARKER, overwrite=overwrite) as draft:
        write_table(result.members, draft / "members.csv")
        write_table(result.groups, draft / "groups.csv")
        write_table(
            result.changes.drop_vars(["pre", "post", "reference"]).to_dataframe().reset_index(), draft / "repeats.csv"
        )
        write_table(result.lines, draft / "regressions.csv")
        (draft / MARKER).write_text(json.dumps(as_json(result), indent=1, allow_nan=False) + "\n")
        with matplotlib.rc_context(STYLE):
            for picture in change_pictures(result.changes, result.lines, result.truth):
                (draft / f"{picture.name}.png").write_bytes(png(picture.figure))


def as_json(result: Result) -> dict[str, Any]:
    """Return the facts, the groups and the regressions as plain numbers, null where not known."""
    tables = {
        name: json.loads(table.to_json(orient="records"))
        for name, table in (("groups", result.groups), ("regressions", result.lines))
    }
    return {**result.facts, **tables}


def sentence(result: Result) -> str:
    """Say how many cells there are in each group, how much each pathway changed, and what is doubtful."""
    sizes = ", ".join(f"{name} {n}" for name, n in result.facts["members"].items())
    lines = [f"cells: {sizes} ({result.facts['test']}, false discovery rate {result.facts['level']:g})"]
    lines += [_pathway_sentence(row) for row in result.groups.to_dict("records")]
    lines += [
        f"{row['y']} on {row['x']}: R^2 {row['r_squared']:.2f} (random groups {row['r_squared_random']:.2f}), "
        f"slope {row['slope']:.2f} [{row['slope_low']:.2f}, {row['slope_high']:.2f}], {row['repeats']} repeats"
        for row in result.lines.to_dict("records")
        if row["slope"] == row["slope"]
    ]
    return "\n".join([*lines, *(f"note: {notice}" for notice in result.facts["notices"])])


def _pathway_sentence(row: dict[Any, Any]) -> str:
    """Say how much one pathway changed, how sure that is, and what is true of it."""
    if not row["synapses"]:
        return f"{row['pathway']}: no synapse"
    over = "sem_repeats" if row["repeats"] > 1 else "sem_synapses"
    text = f"{row['pathway']}: {row['fraction_change']:+.2%} +- {row[over]:.2%}"
    if row["p_random_groups"] == row["p_random_groups"]:
        text += f", random groups p {row['p_random_groups']:.2g}"
    if row.get("true_synapses"):
        text += f"; true {row['true_fraction_change']:+.2%}"
        text += f", p {row['true_p_random_groups']:.2g}" * (row["true_p_random_groups"] == row["true_p_random_groups"])
    return text
