"""A folder of results: all of it or nothing, and never in the place of something else."""

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from brainsim import store
from brainsim.error import OutputError

DPI = 150
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
        with tempfile.TemporaryDirectory(prefix=".brainsim-", dir=target.parent) as parent:
            draft = Path(parent) / target.name
            draft.mkdir()
            yield draft
            store.replace(draft, target)
    except OSError as error:
        what = f"it cannot be written ({error.strerror or error})"
        raise OutputError(what, where=str(folder), remedy="check the free space and the permissions") from error


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI)
    return stream.getvalue()


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV; names of neurons that a spreadsheet would run as a formula are quoted."""
    if "neuron" in table:
        names = [f"'{name}" if str(name).startswith(FORMULA) else name for name in table["neuron"]]
        table = table.assign(neuron=names)
    table.to_csv(path, index=False)
