"""What a benchmark of deconvolution writes: a page of Markdown, the rows as JSON, the figure."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from brainsim.bench_page import head, missing
from brainsim.figure import deconvolution
from brainsim.folder import write_benchmark


def write(folder: Path, rows: Sequence[dict[str, Any]], rate: float, command: str, *, overwrite: bool) -> list[Path]:
    """Write ``table.md``, ``table.json`` and ``figure.png``.

    Parameters
    ----------
    folder
        Where to.
    rows
        As :func:`brainsim.bench_deconvolution.compete` makes them.
    rate
        Bins per second [Hz].
    command
        The command that makes the table again.
    overwrite
        Replace an earlier result.

    Raises
    ------
    OutputError
        If the folder holds something else, or cannot be written.
    """
    figure = deconvolution.picture(rows).figure
    return write_benchmark(folder, table(rows, rate, command), rows, {"figure": figure}, overwrite=overwrite)


def table(rows: Sequence[dict[str, Any]], rate: float, command: str) -> Iterator[str]:
    """Lay the rows out as a page of Markdown."""
    yield from head(
        "Inferred spikes against the truth",
        command,
        f". Correlation of inferred with true spikes of each neuron in bins of 1/{rate:g} s: median over the neurons, "
        "quartiles. Best of each data set in bold.",
    )
    yield "| data | method | neurons | median | quartiles | seconds |"
    yield "|---|---|---:|---:|---:|---:|"
    for row in rows:
        known = [other["correlation"] for other in rows if other["data"] == row["data"]]
        best = max((r for r in known if r is not None), default=None)
        yield "| " + " | ".join([row["data"], row["method"], *cells(row, bold=row["correlation"] == best)]) + " |"
    yield from missing(rows, "data")


def cells(row: dict[str, Any], *, bold: bool = False) -> list[str]:
    """Return neurons, median, quartiles and seconds of a row as text."""
    seconds = "–" if row["seconds"] is None else f"{row['seconds']:.2f}"
    if row["correlation"] is None:
        return [str(row["neurons"]), "–", "–", seconds]
    median = f"{row['correlation']:.3f}"
    return [
        str(row["neurons"]),
        f"**{median}**" if bold else median,
        f"{row['low']:.3f} to {row['high']:.3f}",
        seconds,
    ]
