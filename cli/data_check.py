"""``brainsim data check``: what is wrong with recordings."""

from pathlib import Path

import click

from .option import Command, Echo

SEVERITIES = ("error", "warning", "note")

threshold = click.option(
    "--threshold",
    type=click.Choice(SEVERITIES),
    default="note",
    show_default=True,
    help="Lowest severity that is shown.",
)


@click.command(cls=Command)
@click.argument("recordings", metavar="RECORDING...", nargs=-1, required=True, type=click.Path(path_type=Path))
@threshold
@click.pass_obj
def command(echo: Echo, /, recordings: tuple[Path, ...], threshold: str) -> None:
    """Check RECORDING: schema, orientation, times, missing frames, saturation, labels and more.

    Any format that `brainsim data read` reads without options is opened. Nothing is refused: a file that breaks the
    schema is looked at as far as possible, and one that cannot be opened is an error in the report. Ends with exit code
    1 where there is an error, which must be repaired; warnings (results may mislead) and notes end with 0.
    docs/check.md lists every check.
    """
    from brainsim.inspection import inspect_file
    from brainsim.reading import open_any

    found = {path: [f.to_dict() for f in inspect_file(path, opened=open_any)] for path in recordings}
    shown = SEVERITIES[: SEVERITIES.index(threshold) + 1]
    findings = [{"file": str(path), **f} for path, each in found.items() for f in each if f["severity"] in shown]
    counts = {s: sum(f["severity"] == s for each in found.values() for f in each) for s in SEVERITIES}
    lines = []
    for path, each in found.items():
        lines += [f"{path}: {_counted(each)}", *table([f for f in each if f["severity"] in shown])]
    echo.result({"files": list(map(str, recordings)), "counts": counts, "findings": findings}, "\n".join(lines))
    broken = [str(path) for path, each in found.items() if any(f["severity"] == "error" for f in each)]
    if broken:
        click.echo(f"brainsim: {', '.join(broken)}: {_times(counts['error'], 'error')}; each has its remedy", err=True)
        raise SystemExit(1)


def table(findings: list[dict[str, str]]) -> list[str]:
    """Lay out what checks found: severity, check, field, what was found, and the remedy below it."""
    if not findings:
        return []
    rows = [("severity", "check", "field", "found")]
    rows += [(f["severity"], f["check"], f["field"], f["found"]) for f in findings]
    widths = [max(len(row[c]) for row in rows) for c in range(3)]
    lines = ["  " + "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]]) for row in rows]
    indent = " " * (sum(widths) + 8)
    remedies = ["", *(f"\n{indent}-> {f['remedy']}" for f in findings)]
    return [line + remedy for line, remedy in zip(lines, remedies, strict=True)]


def _counted(findings: list[dict[str, str]]) -> str:
    """Say how many errors, warnings and notes there are."""
    counts = {s: sum(f["severity"] == s for f in findings) for s in SEVERITIES}
    return ", ".join(_times(n, s) for s, n in counts.items() if n) or "nothing found"


def _times(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
