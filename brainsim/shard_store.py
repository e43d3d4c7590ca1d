"""Results of tasks, kept under what they were made from: a shard that is made twice is the same shard.

On disk it is a Zarr group with one group for each shard, written beside its place and renamed, with a checksum in
every chunk. So a process that is killed leaves whole shards behind, and whoever comes next goes on from them.
"""

import hashlib
import os
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from brainsim.atomic import first_line
from brainsim.error import InputError, OutputError

T = TypeVar("T")
Arrays = Mapping[str, Any]  # NumPy arrays, or Zarr arrays that are read when they are sliced
COLUMNS = 128  # of a large array that lie in one chunk
LARGE = 2**22  # numbers
RECALLED = 6
DRAFT = ".draft-"


class Shards(Protocol):
    """Where shards are kept."""

    def __contains__(self, key: str) -> bool:
        """Tell whether a shard is there."""
        ...

    def put(self, key: str, arrays: Arrays) -> None:
        """Keep a shard; one that is there already stays."""
        ...

    def get(self, key: str) -> Arrays:
        """Return the arrays of a shard."""
        ...

    def spare(self, keys: Iterable[str]) -> None:
        """Let go of shards that nothing waits for any more, where no other process goes on from them."""
        ...

    def recall(self, key: str, load: Callable[[], T]) -> T:
        """Return what `load` makes of kept shards; the latest few are not made again."""
        ...


class InMemory:
    """Shards in the memory of this process."""

    def __init__(self) -> None:
        self._held: dict[str, Arrays] = {}
        self._recalled: OrderedDict[str, Any] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._held

    def put(self, key: str, arrays: Arrays) -> None:
        """Keep a shard."""
        self._held.setdefault(key, arrays)

    def get(self, key: str) -> Arrays:
        """Return the arrays of a shard."""
        return self._held[key]

    def spare(self, keys: Iterable[str]) -> None:
        """Let go of shards."""
        for key in keys:
            self._held.pop(key, None)

    def recall(self, key: str, load: Callable[[], T]) -> T:
        """Return what `load` makes of kept shards."""
        return _latest(self._recalled, key, load)


_RECALLED: OrderedDict[str, Any] = OrderedDict()  # what this worker read last: stores themselves travel as a path


@dataclass(frozen=True)
class OnDisk:
    """Shards in a folder that every worker sees.

    Parameters
    ----------
    folder
        A Zarr group; see :func:`begin`.
    """

    folder: str

    def __contains__(self, key: str) -> bool:
        return (Path(self.folder) / key).is_dir()

    def put(self, key: str, arrays: Arrays) -> None:
        """Write a shard beside its place and rename it.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        try:
            draft = tempfile.mkdtemp(prefix=DRAFT, dir=self.folder)
            try:
                _write(draft, arrays)
                self._place(draft, key)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        except OSError as error:
            raise OutputError(
                f"a shard cannot be written ({first_line(error)})",
                where=self.folder,
                remedy="check the free space and the permissions, then go on with --resume",
            ) from error

    def _place(self, draft: str, key: str) -> None:
        """Rename a written shard; if another worker was faster, its shard is the same."""
        try:
            os.rename(draft, Path(self.folder) / key)
        except OSError:
            if key not in self:
                raise

    def get(self, key: str) -> Arrays:
        """Return the arrays of a shard, read when they are sliced.

        Raises
        ------
        InputError
            If chunks are missing.
        """
        import zarr

        found = dict(zarr.open_group(Path(self.folder) / key, mode="r").arrays())
        if any(array.nchunks_initialized < array.nchunks for array in found.values()):
            raise InputError(
                "chunks of a shard are missing",
                where=f"{self.folder}/{key}",
                remedy="go on with --resume, which makes it again",
            )
        return found

    def recall(self, key: str, load: Callable[[], T]) -> T:
        """Return what `load` makes of kept shards; this process makes the latest few once."""
        return _latest(_RECALLED, f"{self.folder}/{key}", load)

    def spare(self, keys: Iterable[str]) -> None:
        """Keep the shards: whoever comes next goes on from them."""

    def sweep(self) -> int:
        """Remove what a killed process left half-written or the disk has damaged; return how many shards are whole."""
        whole = 0
        for path in Path(self.folder).iterdir():
            if path.is_dir() and (path.name.startswith(DRAFT) or not self._intact(path.name)):
                shutil.rmtree(path, ignore_errors=True)
            else:
                whole += path.is_dir()
        return whole

    def _intact(self, key: str) -> bool:
        try:
            for array in self.get(key).values():
                array[...]
        except Exception:  # whatever Zarr makes of damage
            return False
        return True


def begin(folder: Path, facts: Mapping[str, Any]) -> OnDisk:
    """Make an empty store; `facts` say what it belongs to.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    import zarr

    try:
        if folder.exists():
            shutil.rmtree(folder)
        # "w-" makes the folder once; "w" makes it, removes it and makes it again. The facts are written in one piece
        zarr.open_group(folder, mode="w-", zarr_format=2, attributes=dict(facts))
    except OSError as error:
        raise OutputError(
            f"the shards cannot be written ({first_line(error)})", where=str(folder), remedy="choose another folder"
        ) from error
    return OnDisk(str(folder.resolve()))


def facts_of(folder: Path) -> dict[str, Any] | None:
    """Return what a store belongs to; None where none was begun."""
    import zarr

    try:
        facts = dict(zarr.open_group(folder, mode="r").attrs)
    except Exception:  # whatever Zarr makes of damage
        return None
    return facts or None


def digest(arrays: Arrays) -> str:
    """Return the key of arrays by their content."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {values.dtype.str} {values.shape}".encode())
        total.update(values.data)
    return total.hexdigest()[:32]


def _write(draft: str, arrays: Arrays) -> None:
    """Write the arrays of a shard; of large ones a chunk holds some columns, as other shards need them."""
    import zarr
    from numcodecs import CRC32

    with zarr.config.set({"array.write_empty_chunks": True}):
        group = zarr.open_group(draft, mode="w", zarr_format=2)
        for name, each in arrays.items():
            values = np.asarray(each)
            large = values.ndim > 1 and values.size > LARGE
            chunks = (*values.shape[:-1], COLUMNS) if large else tuple(max(1, size) for size in values.shape)
            made = group.create_array(
                name,
                shape=values.shape,
                dtype=values.dtype,
                chunks=chunks,
                compressors=None,
                filters=[CRC32()],
            )
            made[...] = values


def _latest(kept: "OrderedDict[str, Any]", key: str, load: Callable[[], T]) -> T:
    if key not in kept:
        kept[key] = load()
        while len(kept) > RECALLED:
            kept.popitem(last=False)
    kept.move_to_end(key)
    found: T = kept[key]
    return found
