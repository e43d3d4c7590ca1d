"""``brainsim data describe``: what a recording holds."""

from pathlib import Path
from typing import Any

import click

from .option import Command, Echo, recording


@click.command(cls=Command)
@recording
@click.pass_obj
def command(echo: Echo, recording: Path) -> None:
    """Describe RECORDING: shapes, rates, stimuli, cell types, and warnings about its quality."""
    from brainsim import schema
    from brainsim.store import open_recording

    facts = schema.describe(open_recording(recording, lazy=True))
    echo.result(facts, "\n".join([str(recording), *_lines(facts)]))


def _lines(facts: dict[str, Any]) -> list[str]:
    """Lay the facts out as two columns, the findings as four."""
    attributes = {k: v for k, v in facts["attributes"].items() if k != "notices"}
    sections: dict[str, dict[str, Any]] = {
        "sizes": facts["sizes"],
        "variables": {name: f"({', '.join(dims)})" for name, dims in facts["variables"].items()},
        "attributes": attributes,
        "stimuli (trials)": facts.get("stimuli", {}),
        "cell types (neurons)": facts.get("cell_types", {}),
        "rates": {"mean_rate_hz": f"{facts['mean_rate_hz']:.4g}"} if "mean_rate_hz" in facts else {},
    }
    lines = []
    for title, section in sections.items():
        if section:
            width = max(map(len, section))
            lines += ["", title, *(f"  {name:{width}}  {value}" for name, value in section.items())]
    notices = str(facts["attributes"].get("notices", "")).splitlines()
    lines += ["", "notices", *(f"  {notice}" for notice in notices)] if notices else []
    return [*lines, "", *_findings(facts["findings"])]


def _findings(findings: list[dict[str, str]]) -> list[str]:
    """Lay out what the checks found as a table: severity, check, field, what was found, remedy."""
    if not findings:
        return ["quality: nothing to warn about"]
    rows = [("severity", "check", "field", "found; remedy")]
    rows += [(f["severity"], f["check"], f["field"], f"{f['found']}; {f['remedy']}") for f in findings]
    widths = [max(len(row[c]) for row in rows) for c in range(3)]
    table = ["  " + "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]]) for row in rows]
    return ["quality", *table]
