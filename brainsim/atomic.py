"""Results that are there as a whole or not at all: written beside their place, flushed and renamed."""

import ctypes
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brainsim.error import OutputError

PATIENCE = 100
SETTLED = 5  # looks, 10 ms apart


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """Give a place beside `path` to write to; what is there at the end takes the place of `path`.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        with beside(path) as folder:
            draft = folder / path.name
            yield draft
            replace(draft, path)
    except OSError as error:
        raise OutputError(
            f"it cannot be written ({first_line(error)})",
            where=str(path),
            remedy="check the free space and the permissions",
        ) from error


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Give an empty folder beside `path` that is gone afterwards, also where a failed writer is still busy in it."""
    folder = Path(tempfile.mkdtemp(prefix=".brainsim-", dir=path.parent))
    quiet = SETTLED  # a writer that failed may have threads that make its folders once more
    try:
        yield folder
        quiet = 1
    finally:
        gone = 0
        for _ in range(PATIENCE):
            gone = 0 if folder.exists() else gone + 1
            if gone == quiet:
                break
            shutil.rmtree(folder, ignore_errors=True)
            if quiet > 1:
                time.sleep(0.01)


def replace(draft: Path, path: Path) -> None:
    """Put a finished draft in the place of `path`, once it is on the disk.

    A folder that was there changes places with the draft in one step, where the system can do that (Linux). Elsewhere
    it is moved away first, back again if the draft cannot take its place, and removed last.
    """
    for file in sorted(draft.rglob("*")) if draft.is_dir() else [draft]:
        if file.is_file():
            flush(file)
    if not path.is_dir():
        os.replace(draft, path)
        return
    if _exchange(draft, path):
        return
    old = path.with_name(f".{path.name}.old")
    os.rename(path, old)
    try:
        os.rename(draft, path)
    except BaseException:
        os.rename(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Let two paths change places, and tell whether the system did that."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


def flush(path: Path) -> None:
    """Wait until a file is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def first_line(error: BaseException) -> str:
    """Return what an error says in one line."""
    return (str(error) or type(error).__name__).strip().splitlines()[0][:200]
