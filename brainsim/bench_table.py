"""What a benchmark of connectivity writes: a page of Markdown, the rows as JSON, the figures."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from brainsim.bench_page import head, missing
from brainsim.figure import benchmark, reliability
from brainsim.folder import write_benchmark

DISTANCES = ("calibration", "calibration_pooled")  # of told probabilities from the truth
SHOWN = ("auc", "ap", "mcc_best", "mcc_own", "sign_accuracy", "ei_accuracy", "direction", *DISTANCES)


def write(folder: Path, rows: Sequence[dict[str, Any]], seeds: str, command: str, *, overwrite: bool) -> list[Path]:
    """Write ``table.md``, ``table.json``, ``figure.png``, and ``reliability.png`` where probabilities were told.

    Parameters
    ----------
    folder
        Where to.
    rows
        As :func:`brainsim.bench.compete` makes them.
    seeds
        Which seeds the medians are of, in words.
    command
        The command that makes the table again.
    overwrite
        Replace an earlier result.

    Raises
    ------
    OutputError
        If the folder holds something else, or cannot be written.
    """
    figures = {"figure": benchmark.picture(rows).figure}
    if (told := reliability.picture(rows)) is not None:
        figures["reliability"] = told.figure
    return write_benchmark(folder, table(rows, seeds, command), rows, figures, overwrite=overwrite)


def table(rows: Sequence[dict[str, Any]], seeds: str, command: str) -> Iterator[str]:
    """Lay the rows out as a page of Markdown: how it was made, the table, and why numbers are missing."""
    yield from head(
        "Inferred connectivity against the truth",
        command,
        f", one thread per method. {seeds}; self-pairs left out. "
        "Seconds and MiB are those of inferring alone: without imports, simulation and deconvolution; seconds with "
        "compiling where the cache of networks was cold, MiB without the compiler. Best of each data set in bold.",
    )
    heads = ["data", "method", *(name.replace("_", " ") for name in SHOWN), "seconds", "MiB"]
    yield "| " + " | ".join(heads) + " |"
    yield "|---|---|" + "---:|" * (len(heads) - 2)
    for row in rows:
        best = _best([other for other in rows if other["preset"] == row["preset"]])
        cells = [_cell(row, name, best) for name in SHOWN]
        cost = [_short(row["seconds"], ".2f"), _short(row["peak_mib"], ".0f")]
        yield "| " + " | ".join([row["preset"], row["method"], *cells, *cost]) + " |"
    yield from missing(rows, "preset")


def _best(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the best value of each column that is known."""
    columns = {name: [row[name] for row in rows if row[name] is not None] for name in SHOWN}
    return {name: max(c) for name, c in columns.items() if c and name not in DISTANCES}


def _cell(row: dict[str, Any], name: str, best: dict[str, float]) -> str:
    text = _short(row[name], ".3f")
    return f"**{text}**" if row[name] is not None and name in best and row[name] == best[name] else text


def _short(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
