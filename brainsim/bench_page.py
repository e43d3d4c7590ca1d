"""What stands on the page of every benchmark: how it was made, and why numbers are missing."""

import platform
from collections.abc import Iterator, Sequence
from typing import Any

from brainsim import __version__


def head(title: str, command: str, how: str) -> Iterator[str]:
    """Begin a page of Markdown.

    Parameters
    ----------
    title
        What was held against what.
    command
        The command that makes the page again.
    how
        How it was measured; follows the versions.
    """
    yield f"# {title}\n"
    yield f"`{command}`\n"
    yield f"brainsim {__version__}, Python {platform.python_version()}, {platform.machine()}{how}\n"


def missing(rows: Sequence[dict[str, Any]], data: str) -> Iterator[str]:
    """End a page with the reasons of rows without numbers; `data` is the column that names the data set."""
    reasons = [f"- {row[data]}, {row['method']}: {row['why']}" for row in rows if row["why"]]
    if reasons:
        yield "\nMissing:\n"
        yield from reasons


def aligned(lines: Sequence[Sequence[str]], rows: Sequence[dict[str, Any]], data: str) -> str:
    """Return lines of cells as text in columns, and below it the reasons of rows without numbers."""
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    text = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([*text, *(f"{r[data]}, {r['method']}: {r['why']}" for r in rows if r["why"])])
