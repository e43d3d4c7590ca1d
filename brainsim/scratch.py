"""Folders for the files of a run, many of them in memory: gone afterwards, also where the process was killed."""

import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

PREFIX = "brainsim-run-"
LOCK = ".lock"
YOUNG_S = 60.0


@contextmanager
def scratch(home: str | None) -> Iterator[Path]:
    """Give an empty folder that is gone afterwards; its owner holds a lock, which ends with the process.

    Parameters
    ----------
    home
        Where; None for the usual place of temporary files.
    """
    _sweep(home or tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=home) as name, (Path(name) / LOCK).open("w") as lock:
        with suppress(OSError):  # a file system without locks: then nobody sweeps either
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield Path(name)


@cache
def _sweep(home: str) -> None:
    """Remove, once per process, the folders whose owner was killed: their lock is there and nobody holds it."""
    for path in Path(home).glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError), path.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - path.stat().st_mtime > YOUNG_S:  # a younger one may be about to be locked
                shutil.rmtree(path.parent, ignore_errors=True)
