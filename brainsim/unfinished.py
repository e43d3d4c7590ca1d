"""The shards of a result that is not finished, beside it: begun, gone on with after whatever happened, taken away.

``FIT.nc.shards`` is there from the beginning of a fit until ``FIT.nc`` is written. A process that is killed in
between leaves it behind; whoever resumes goes on from the shards in it.
"""

import fcntl
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainsim.cluster import source_digest
from brainsim.error import InputError, OutputError
from brainsim.shard_store import OnDisk, begin, facts_of

DRAFTS = ".brainsim-*"


@dataclass(frozen=True)
class Unfinished:
    """Where the shards of a result lie.

    Parameters
    ----------
    folder
        The store.
    there
        Shards that an earlier process left.
    overwrite
        Whether the result may take the place of another one, as the process that began was told.
    """

    folder: Path
    there: int
    overwrite: bool


def folder_of(out: Path) -> Path:
    """Return where the shards of a result lie while it is not finished."""
    return out.with_name(f"{out.name}.shards")


def finished(out: Path, *, resume: bool) -> bool:
    """Tell whether there is nothing left to resume; shards that outlived their result are taken away.

    Raises
    ------
    OutputError
        If another process works on it.
    """
    if not resume or not out.exists():
        return False
    facts = facts_of(folder_of(out))
    if facts is not None and facts["overwrite"]:
        return False
    with _locked(folder_of(out)):
        shutil.rmtree(folder_of(out), ignore_errors=True)
    return True


@contextmanager
def kept(out: Path, facts: Mapping[str, Any], *, resume: bool, overwrite: bool) -> Iterator[Unfinished]:
    """Give a store for the shards of a result; it goes when all went well, and stays where it holds shards.

    Parameters
    ----------
    out
        The result.
    facts
        What the shards belong to: recording and settings.
    resume
        Go on from what is there.
    overwrite
        Begin anew, whatever is there.

    Raises
    ------
    OutputError
        If shards are there and it was not said what to do with them, or another process works on them.
    InputError
        If the shards belong to another recording, other settings or another brainsim.
    """
    folder, facts = folder_of(out), {**facts, "made_by": source_digest()}
    if folder.exists() and not (resume or overwrite):
        raise OutputError(
            "an interrupted run left its shards",
            where=str(folder),
            remedy="give --resume to go on from them, or --overwrite to begin anew",
        )
    with _locked(folder):
        before = facts_of(folder) if resume else None
        if before is None:
            begin(folder, {**facts, "overwrite": overwrite})
            found = Unfinished(folder, 0, overwrite)
        else:
            _same(folder, before, facts)
            found = Unfinished(folder, OnDisk(str(folder)).sweep(), bool(before["overwrite"]))
        for draft in out.parent.glob(f"{DRAFTS}/{out.name}"):  # a writer of this result that was killed
            shutil.rmtree(draft.parent, ignore_errors=True)
        try:
            yield found
        except BaseException:
            if not any(path.is_dir() for path in folder.iterdir()):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)


def _same(folder: Path, before: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Refuse shards that belong to something else."""
    other = [name for name in facts if before.get(name) != facts[name]]
    if other:
        kind = "another version of brainsim" if other == ["made_by"] else f"another run ({', '.join(other)})"
        raise InputError(
            f"the shards are of {kind}", where=str(folder), remedy="give --overwrite to begin anew, or the same options"
        )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Be the only process that works on a store; the lock goes with the process, however it ends."""
    path = folder.with_name(f".{folder.name}.lock")
    try:
        file = path.open("w")
    except OSError as error:
        raise OutputError("its folder cannot be written", where=str(path.parent), remedy="choose another") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OutputError(
                "another process works on it", where=str(folder), remedy="wait for it, or end it first"
            ) from error
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
