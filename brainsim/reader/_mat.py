"""Variables of MATLAB files: version 4 and 5 by SciPy, 7.3 as HDF5."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from brainsim.error import InputError
from brainsim.reader._file import head_of, refuse_no_data
from brainsim.reader._hdf5 import children, is_hdf5, opened, read, text

DENSEST = 1100
SMALL = 1 << 26
DEEPEST = 4
NUMBERS = ("double", "single", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "logical")


def numeric(source: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every numeric variable that is not empty, those in structs as ``s.name``.

    Raises
    ------
    InputError
        If the file is missing, empty, a web page, damaged or no MATLAB file.
    """
    if is_hdf5(source):
        with opened(source) as file:
            return _shapes(file, "")
    from scipy.io import whosmat

    told = guarded(whosmat, source)
    found = {name: tuple(shape) for name, shape, kind in told if kind in NUMBERS}
    if structs := [name for name, _, kind in told if kind == "struct"]:
        found |= {name: each.shape for name, each in _fields(_structs(source, structs), "").items()}
    return {name: shape for name, shape in found.items() if np.prod(shape)}


def load(source: Path, name: str) -> Any:
    """Return one variable: of version 5 as SciPy reads it, of 7.3 as numbers with MATLAB's order of dimensions.

    Raises
    ------
    InputError
        As :func:`numeric`, and if it is larger than the file could hold.
    """
    if is_hdf5(source):
        with opened(source) as file:
            return np.transpose(read(file, name.replace(".", "/")))
    from scipy.io import loadmat, whosmat

    if "." in name:
        return _fields(_structs(source, [name.split(".")[0]]), "").get(name)
    size = source.stat().st_size
    for each, shape, _ in guarded(whosmat, source):
        told = int(np.prod([int(n) for n in shape], dtype=object))
        if each == name and told > SMALL and told > DENSEST * size:
            raise InputError(
                f"its shape {tuple(shape)} is larger than a file of {size} bytes can hold",
                where=f"{source}, field '{name}'",
                remedy="it is damaged or incomplete: copy it again",
            )
    return guarded(loadmat, source, variable_names=[name]).get(name)


def _structs(source: Path, names: list[str]) -> dict[str, Any]:
    """Return structs of a file of version 5 as dictionaries."""
    from scipy.io import loadmat

    found: dict[str, Any] = guarded(loadmat, source, variable_names=names, simplify_cells=True)
    return {name: found[name] for name in names if name in found}


def _fields(struct: dict[str, Any], prefix: str, depth: int = 0) -> dict[str, Any]:
    """Return the numeric fields of structs as matrices, a vector as a row as MATLAB shows it."""
    found: dict[str, Any] = {}
    for name, each in struct.items():
        if isinstance(each, dict) and depth < DEEPEST:
            found |= _fields(each, f"{prefix}{name}.", depth + 1)
        elif isinstance(each, (int, float, np.ndarray)) and np.asarray(each).dtype.kind in "fiub":
            found[f"{prefix}{name}"] = np.atleast_2d(each)
    return found


def variables(source: Path) -> set[str]:
    """Return the names of the variables of a file of version 4 or 5.

    Raises
    ------
    InputError
        As :func:`numeric`.
    """
    from scipy.io import whosmat

    return {name for name, _, _ in guarded(whosmat, source)}


def guarded(call: Any, source: Path, **options: Any) -> Any:
    """Call a reader of SciPy, whose errors on a damaged file are of many kinds."""
    where = f"{source}, field 'file'"
    refuse_no_data(head_of(source), where)
    try:
        return call(source, **options)
    except Exception as error:
        told = (str(error).strip() or type(error).__name__).splitlines()[0][:120]
        raise InputError(
            f"it cannot be read as MATLAB 5 ({told})",
            where=where,
            remedy="it is damaged or of another version: copy it again",
        ) from error


def _shapes(group: Any, prefix: str, depth: int = 0) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the numeric datasets of a 7.3 file, in MATLAB's order of dimensions."""
    found: dict[str, tuple[int, ...]] = {}
    for name, each in children(group):
        if isinstance(each, h5py.Group) and not name.startswith("#") and depth < DEEPEST:
            found |= _shapes(each, f"{prefix}{name}.", depth + 1)
        elif isinstance(each, h5py.Dataset) and each.dtype.kind in "fiub" and each.size:
            kind = text(each.attrs.get("MATLAB_class", "double"))
            if kind in NUMBERS and "MATLAB_empty" not in each.attrs:
                found[f"{prefix}{name}"] = tuple(reversed(each.shape))
    return found
