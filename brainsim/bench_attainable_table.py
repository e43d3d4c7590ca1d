"""What the benchmark of what frames can tell writes: a page of Markdown, the rows as JSON, the figure."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from brainsim.bench_page import head, missing
from brainsim.figure import attainable
from brainsim.folder import write_benchmark


def write(folder: Path, rows: Sequence[dict[str, Any]], command: str, *, overwrite: bool) -> list[Path]:
    """Write ``table.md``, ``table.json`` and ``figure.png``.

    Parameters
    ----------
    folder
        Where to.
    rows
        As :func:`brainsim.attainable.compete` makes them.
    command
        The command that makes the table again.
    overwrite
        Replace an earlier result.

    Raises
    ------
    OutputError
        If the folder holds something else, or cannot be written.
    """
    figure = attainable.picture(rows).figure
    return write_benchmark(folder, table(rows, command), rows, {"figure": figure}, overwrite=overwrite)


def table(rows: Sequence[dict[str, Any]], command: str) -> Iterator[str]:
    """Lay the rows out as a page of Markdown."""
    yield from head(
        "What frames can tell",
        command,
        ". Cell types that are right (medians and quartiles over networks; all called E: what is right then) and "
        "average precision of the connections, of our fit and of classifiers that learned from labelled networks.",
    )
    yield "| data | method | networks | types right | quartiles | all called E | ap |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for row in rows:
        yield "| " + " | ".join([row["preset"], row["method"], *cells(row)]) + " |"
    yield from missing(rows, "preset")


def cells(row: dict[str, Any]) -> list[str]:
    """Return the numbers of a row as text."""
    spread = "–" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
    right, usual, ap = (_number(row[name]) for name in ("ei_accuracy", "all_excitatory", "ap"))
    return [str(row["networks"]), right, spread, usual, ap]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
