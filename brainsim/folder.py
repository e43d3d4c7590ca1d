"""A folder of results: all of it or nothing, and never in the place of something else."""

import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from brainsim import atomic, store
from brainsim.error import OutputError

DPI = 150
BENCHMARK = "table.json"  # of a benchmark; tells its folder from others
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def check_folder(folder: str | Path, marker: str, *, overwrite: bool) -> Path:
    """Return the folder as an absolute path, or refuse it before any work is done.

    Parameters
    ----------
    folder
        The result.
    marker
        A file that tells an earlier result from a folder that holds something else, which is never replaced.
    overwrite
        Replace an earlier result.

    Raises
    ------
    OutputError
        If the folder exists, holds something else, or cannot be written.
    """
    target = store.check_target(Path(os.path.abspath(folder)), overwrite=overwrite, suffixes=())
    if target.exists() and not (target.is_dir() and ((target / marker).is_file() or not any(target.iterdir()))):
        remedy = "give a new folder; --overwrite replaces only what this command wrote"
        raise OutputError("it holds something else", where=str(folder), remedy=remedy)
    return target


@contextmanager
def result_folder(folder: str | Path, marker: str, *, overwrite: bool) -> Iterator[Path]:
    """Give a draft folder that takes the place of `folder` when all went well.

    Parameters
    ----------
    folder
        The result.
    marker
        A file that tells an earlier result from a folder that holds something else, which is never replaced.
    overwrite
        Replace an earlier result.

    Raises
    ------
    OutputError
        If the folder exists, holds something else, or cannot be written.
    """
    target = check_folder(folder, marker, overwrite=overwrite)
    try:
        with atomic.beside(target) as parent:
            draft = parent / target.name
            draft.mkdir()
            yield draft
            atomic.replace(draft, target)
    except OSError as error:
        what = f"it cannot be written ({error.strerror or error})"
        raise OutputError(what, where=str(folder), remedy="check the free space and the permissions") from error


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI)
    return stream.getvalue()


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV; a text that a spreadsheet would run as a formula gets an apostrophe before it."""
    harmless = {
        str(name): [f"'{text}" if str(text).startswith(FORMULA) else text for text in column]
        for name, column in table.items()
        if not pd.api.types.is_numeric_dtype(column)
    }
    table.assign(**harmless).to_csv(path, index=False)


def write_benchmark(
    folder: Path, page: Iterable[str], rows: Sequence[dict[str, Any]], figures: Mapping[str, Figure], *, overwrite: bool
) -> list[Path]:
    """Write what a benchmark found as ``table.md``, ``table.json`` and a PNG of each figure; return their paths.

    Raises
    ------
    OutputError
        If the folder holds something else, or cannot be written.
    """
    names = ["table.md", BENCHMARK, *(f"{name}.png" for name in figures)]
    with result_folder(folder, BENCHMARK, overwrite=overwrite) as draft:
        (draft / "table.md").write_text("\n".join(page) + "\n", encoding="utf-8")
        (draft / BENCHMARK).write_text(json.dumps(list(rows), indent=1) + "\n", encoding="utf-8")
        for name, figure in figures.items():
            (draft / f"{name}.png").write_bytes(png(figure))
    return [Path(folder) / name for name in names]
