"""HDF5 files that nobody vouches for: no link leads out of the file, no dataset is larger than what the file can hold.

External links, soft links that pass through one, data kept in other files (external storage, virtual datasets) are
refused where a reader would follow them; those that no reader needs are left alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from brainsim.error import InputError
from brainsim.reader._file import head_of, refuse_no_data

HDF5 = b"\x89HDF\r\n\x1a\n"
SMALL = 1 << 26
DENSEST = 1100
DEEPEST = 40

Group = Any  # h5py has no types


def is_hdf5(path: Path) -> bool:
    """Tell from its first bytes (after the header that MATLAB puts before) whether a file is HDF5."""
    head = head_of(path, 520)
    return head.startswith(HDF5) or head[512:] == HDF5


@contextmanager
def opened(path: Path) -> Iterator[Group]:
    """Open a file for reading.

    Raises
    ------
    InputError
        If it is missing, empty, a web page, no HDF5, damaged, or turns out to be while it is read.
    """
    where = f"{path}, field 'file'"
    if not path.is_file():
        raise InputError("there is no such file", where=where, remedy="check the path")
    refuse_no_data(head_of(path), where)
    try:
        with h5py.File(path, "r") as file:
            yield file
    except InputError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError, UnicodeError) as error:
        told = (str(error).strip("'\" ") or type(error).__name__).splitlines()[0][:120]
        kind = "HDF5 file, but it" if is_hdf5(path) else "HDF5 file: it"
        raise InputError(
            f"{'this is an' if is_hdf5(path) else 'this is no'} {kind} cannot be read ({told})",
            where=where,
            remedy="it is damaged, incomplete or of another format: copy it again",
        ) from error


def peek(path: Path) -> dict[str, str]:
    """Return the names at the root of an HDF5 file and its text attributes; nothing where it cannot be opened."""
    if not is_hdf5(path):
        return {}
    try:
        with h5py.File(path, "r") as file:
            texts = {key: text(value) for key, value in file.attrs.items()}
            return {**dict.fromkeys(file, ""), **texts}
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, UnicodeError):
        return {}


def text(value: Any) -> str:
    """Return text as it is stored in HDF5, as bytes or not, alone or first in an array."""
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def child(group: Group, name: str) -> Any:
    """Return what a name in a group leads to, `None` where there is none.

    Raises
    ------
    InputError
        If it leads out of the file, or nowhere.
    """
    at = group
    for depth, part in enumerate(_parts(group, name)):
        if depth > DEEPEST or not isinstance(at, h5py.Group):
            return None
        link = at.get(part, getlink=True) if part in at.keys() else None  # noqa: SIM118  (`in` a group follows links)
        if link is None:
            return None
        place = f"{at.file.filename}, field '{_name(at)}/{part}'"
        if isinstance(link, h5py.ExternalLink):
            raise InputError(
                f"it is a link to another file ('{str(link.filename)[:60]}'): brainsim does not follow it",
                where=place,
                remedy="write the data into the file itself",
            )
        soft = str(getattr(link, "path", "")) if _is_soft(link) else ""
        at = child(at.file if soft.startswith("/") else at, soft) if _is_soft(link) else at[part]
        if at is None:
            raise InputError("it is a link that leads nowhere", where=place, remedy="copy the file again")
    return at


def children(group: Group) -> Iterator[tuple[str, Any]]:
    """Give everything in a group that lies in the file, by name; links out of it are passed over."""
    for name in sorted(group):
        if isinstance(group.get(name, getlink=True), h5py.HardLink):
            yield name, group[name]


def read(group: Group, name: str, wanted: str = "numbers") -> np.ndarray[Any, np.dtype[Any]]:
    """Return a dataset as an array.

    Parameters
    ----------
    group, name
        Where it is.
    wanted
        ``"numbers"`` or ``"text"``.

    Raises
    ------
    InputError
        If it is missing, lies in another file, is larger than the file can hold, or is of another kind.
    """
    found = child(group, name)
    place = f"{group.file.filename}, field '{_name(group)}/{name}'"
    if not isinstance(found, h5py.Dataset):
        raise InputError("it is missing", where=place, remedy="copy the file again, or name another --format")
    checked(found)
    if wanted == "text":
        return np.array([text(value) for value in np.ravel(found[()])])
    if found.dtype.kind not in "fiub" or found.shape is None:
        raise InputError(f"it holds {found.dtype}, not numbers", where=place, remedy="copy the file again")
    return np.asarray(found[()])


def indices(group: Group, name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return a dataset as indices, shape (n,).

    Raises
    ------
    InputError
        As :func:`read`, and if one is no whole number.
    """
    values = read(group, name).ravel()
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.round(values)).all()):
        place = f"{group.file.filename}, field '{_name(group)}/{name}'"
        raise InputError("some indices are no whole numbers", where=place, remedy="copy the file again")
    return values.astype(np.int64)


def checked(dataset: Any) -> Any:
    """Return a dataset that keeps its data in its own file and is no larger than that could hold.

    Raises
    ------
    InputError
        If it does not, or is.
    """
    file = dataset.file.filename
    place = f"{file}, field '{dataset.name}'"
    if dataset.external or dataset.is_virtual:
        raise InputError(
            "its data lie in another file: brainsim does not follow them",
            where=place,
            remedy="write the data into the file itself",
        )
    size = (dataset.size or 0) * dataset.dtype.itemsize
    if size > SMALL and size > DENSEST * dataset.id.get_storage_size():
        raise InputError(
            f"{size} bytes (shape {dataset.shape}) are announced, but {dataset.id.get_storage_size()} are there",
            where=place,
            remedy="it is damaged or incomplete: copy it again",
        )
    return dataset


def _name(group: Group) -> str:
    """Return the place of a group in its file; one that a damaged reference led to has none."""
    return str(group.name or "?").rstrip("/")


def _parts(group: Group, name: str) -> list[str]:
    return [part for part in name.split("/") if part not in ("", ".")]


def _is_soft(link: Any) -> bool:
    return isinstance(link, h5py.SoftLink)
