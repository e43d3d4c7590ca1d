"""What a benchmark of generators writes: a page of Markdown, the rows as JSON, the figure."""

import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from brainsim import __version__
from brainsim.bench_gan import DECODING, DISTRIBUTION, mean_and_spread
from brainsim.figure import generators
from brainsim.folder import write_benchmark


def write(
    folder: Path, rows: Sequence[dict[str, Any]], command: str, costs: Sequence[dict[str, Any]], *, overwrite: bool
) -> list[Path]:
    """Write ``table.md``, ``table.json`` and ``figure.png``.

    Parameters
    ----------
    folder
        Where to.
    rows
        As :func:`brainsim.bench_gan.compete` makes them.
    command
        The command that makes the table again.
    costs
        As :func:`brainsim.bench_gan_cost.compare` makes them; may be empty.
    overwrite
        Replace an earlier result.

    Raises
    ------
    OutputError
        If the folder holds something else, or cannot be written.
    """
    page = [*table(rows, command), *cost_table(costs)]
    figure = generators.picture(rows).figure
    return write_benchmark(folder, page, [*rows, *costs], {"figure": figure}, overwrite=overwrite)


def cost_table(costs: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Lay the cost of an epoch out as a table of Markdown."""
    if not costs:
        return
    yield "## One epoch: 498 trials of 259 neurons x 29 frames, batches of 32, five steps of the critic\n"
    yield "| networks | parameters of both | seconds | times faster | peak MiB |"
    yield "|---|---:|---:|---:|---:|"
    for row in costs:
        numbers = f"{row['parameters']:,} | {row['seconds']:.2f} | {row['faster']:.0f} | {row['peak_mib']:.0f}"
        yield f"| {row['program']} | {numbers} |"


def table(rows: Sequence[dict[str, Any]], command: str) -> Iterator[str]:
    """Lay the rows out as a page of Markdown: a table for each recording, metrics down, methods across."""
    yield "# Generators beside rivals that cost nothing\n"
    yield f"`{command}`\n"
    yield (
        f"brainsim {__version__}, Python {platform.python_version()}, {platform.machine()}, one thread. Mean ± "
        "standard deviation over seeds. Distributions: trained on three of every five trials, judged on the others. "
        "`tstr`: trained on the first half of the trials of each stimulus, tested on the second.\n"
    )
    for data in dict.fromkeys(row["data"] for row in rows):
        chosen = sorted((row for row in rows if row["data"] == data), key=lambda row: ORDER.index(row["kind"]))
        yield f"## {data}\n"
        yield "| metric | " + " | ".join(row["method"] for row in chosen) + " |"
        yield "|---|" + "---:|" * len(chosen)
        for name in (*DISTRIBUTION, *DECODING):
            if any(name in row["values"] for row in chosen):
                yield f"| `{name}` | " + " | ".join(_cell(row, name) for row in chosen) + " |"
        yield "| seconds to train | " + " | ".join(_seconds(row) for row in chosen) + " |"
        yield (
            "| parameters | "
            + " | ".join(f"{row['parameters']:,}" if row["parameters"] else "" for row in chosen)
            + " |\n"
        )


ORDER = ("floor", "model", "rival")


def _cell(row: dict[str, Any], name: str) -> str:
    values = row["values"].get(name)
    if not values:
        return ""
    mean, spread = mean_and_spread(values)
    return f"{mean:.3f} ± {spread:.3f}" if len(values) > 1 else f"{mean:.3f}"


def _seconds(row: dict[str, Any]) -> str:
    return f"{min(row['seconds']):.0f} … {max(row['seconds']):.0f}" if row["seconds"] else ""
