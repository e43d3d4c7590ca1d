"""``brainsim data describe``: what a recording holds."""

from pathlib import Path
from typing import Any

import click

from .data_check import table, threshold
from .option import Command, Echo, recording


@click.command(cls=Command)
@recording
@threshold
@click.pass_obj
def command(echo: Echo, /, recording: Path, threshold: str) -> None:
    """Describe RECORDING: shapes, rates, stimuli, cell types, and what `brainsim data check` finds.

    Any format that `brainsim data read` reads without options is opened. A recording that breaks the schema is
    described all the same, with exit code 0: `brainsim data check` ends with 1.
    """
    from brainsim.inspection import describe
    from brainsim.reading import open_any

    facts = describe(open_any(recording), threshold)
    echo.result(facts, "\n".join([str(recording), *_lines(facts)]))


def _lines(facts: dict[str, Any]) -> list[str]:
    """Lay the facts out as two columns, then what the checks found."""
    attributes = {k: v for k, v in facts["attributes"].items() if k != "notices"}
    sections: dict[str, dict[str, Any]] = {
        "sizes": facts["sizes"],
        "variables": {name: f"({', '.join(dims)})" for name, dims in facts["variables"].items()},
        "attributes": attributes,
        "stimuli (trials)": facts.get("stimuli", {}),
        "cell types (neurons)": facts.get("cell_types", {}),
        "rates": {"mean_rate_hz": f"{facts['mean_rate_hz']:.4g}"} if facts.get("mean_rate_hz") else {},
    }
    lines = []
    for title, section in sections.items():
        if section:
            width = max(map(len, section))
            lines += ["", title, *(f"  {name:{width}}  {value}" for name, value in section.items())]
    notices = str(facts["attributes"].get("notices", "")).splitlines()
    lines += ["", "notices", *(f"  {notice}" for notice in notices)] if notices else []
    return [*lines, "", "quality", *(table(facts["findings"]) or ["  nothing to warn about"])]
