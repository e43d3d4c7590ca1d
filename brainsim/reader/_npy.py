"""NumPy files, ``.npy`` and ``.npz``: never run, and never larger than what they hold."""

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as numpy_format

from brainsim.error import InputError
from brainsim.reader._file import check_head
from brainsim.reader._pickle import read_pickle

npy: Any = numpy_format  # it has no types
MAGIC = b"\x93NUMPY"
MAPPED = 1 << 20
SMALL = 1 << 26
DENSEST = 200


def read_npy(path: Path) -> Any:
    """Return the array of a ``.npy`` file, mapped, or the objects of one that holds objects.

    Raises
    ------
    InputError
        If it is missing, empty, another kind of file, shorter than its header says, or holds more than data.
    """
    check_head(path, MAGIC, "NumPy array")
    size = path.stat().st_size
    with path.open("rb") as file:
        kind = _header(file, size, f"{path}, field 'header'")
        if kind.hasobject:
            return _unwrapped(read_pickle(file.read(), path))
    return np.load(path, mmap_mode="r", allow_pickle=False) if size > MAPPED else np.load(path, allow_pickle=False)


def read_npz(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Return those arrays of a ``.npz`` file that are there, or the objects of those that hold objects.

    Raises
    ------
    InputError
        If it is no ``.npz`` file, an array is shorter than its header says, swells when it is unpacked, or holds more
        than data.
    """
    check_head(path, b"PK\x03\x04", ".npz archive")
    try:
        with zipfile.ZipFile(path) as archive:
            known = set(archive.namelist())
            return {name: _member(archive, f"{name}.npy", path) for name in names if f"{name}.npy" in known}
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise InputError(
            f"the archive cannot be read ({str(error)[:100]})",
            where=f"{path}, field 'file'",
            remedy="it is damaged or incomplete: copy it again",
        ) from error


def npz_names(path: Path) -> set[str]:
    """Return the names of the arrays in a ``.npz`` file; none where it is another kind of file."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return set()


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> Any:
    """Return an array of the archive, or its objects."""
    info = archive.getinfo(name)
    if info.file_size > SMALL and info.file_size > DENSEST * max(info.compress_size, 1):
        raise InputError(
            f"{info.compress_size} bytes would unpack to {info.file_size}",
            where=f"{path}, field '{name}'",
            remedy="this is no recording: do not trust the file",
        )
    with archive.open(info) as file:
        kind = _header(file, info.file_size, f"{path}, field '{name}'")
        if kind.hasobject:
            return _unwrapped(read_pickle(file.read(), path))
    with archive.open(info) as file:
        return np.asarray(npy.read_array(file, allow_pickle=False))


def _unwrapped(held: Any) -> Any:
    """Return what an array of objects without dimensions holds."""
    return held.item() if isinstance(held, np.ndarray) and held.ndim == 0 else held


def _header(file: IO[bytes], size: int, where: str) -> np.dtype[Any]:
    """Return the dtype that a header tells, if as many values follow as it says."""
    shape: tuple[int, ...]
    kind: np.dtype[Any]
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, kind = read(file)
    except Exception as error:
        raise InputError(
            f"the header of the array cannot be read ({str(error)[:80]})",
            where=where,
            remedy="it is damaged or incomplete: copy it again",
        ) from error
    told, held = math.prod(shape) * kind.itemsize, size - file.tell()
    if any(n < 0 for n in shape) or (told > held and not kind.hasobject):
        raise InputError(
            f"its header tells of {told} bytes (shape {shape}), but {held} are there",
            where=where,
            remedy="it is damaged or incomplete: copy it again",
        )
    return kind
