"""Dynamic tables of NWB: columns with one value per row, ragged columns, and regions of a table."""

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader._hdf5 import child, children, indices, read, text

WIDEST = 8
OWN = ("id", "pixel_mask", "voxel_mask", "image_mask", "reference_images")


def columns(table: Any, rows: int, without: tuple[str, ...] = ()) -> dict[str, NDArray[np.generic]]:
    """Return every column of numbers or text with one value per row.

    A column of up to 8 values per row becomes as many columns, ``<name>_0`` and so on; ragged ones are left out.
    """
    found: dict[str, NDArray[np.generic]] = {}
    names = [name for name, each in children(table) if isinstance(each, h5py.Dataset)]
    for name in names:
        each = table[name]
        if name in (*OWN, *without) or f"{name}_index" in names or each.shape is None or each.shape[:1] != (rows,):
            continue
        if text(each.attrs.get("neurodata_type", "")) in ("VectorIndex", "DynamicTableRegion"):
            continue
        if each.ndim == 1 and h5py.check_string_dtype(each.dtype) is not None:
            found[name] = read(table, name, "text")
        elif each.dtype.kind in "fiub" and each.ndim == 1:
            found[name] = read(table, name)
        elif each.dtype.kind in "fiub" and each.ndim == 2 and each.shape[1] <= WIDEST:
            values = read(table, name)
            found |= {f"{name}_{at}": values[:, at] for at in range(values.shape[1])}
    return found


def ragged(table: Any, name: str) -> tuple[Any, NDArray[np.int64]] | None:
    """Return the dataset of a ragged column and where the rows begin and end, shape (rows + 1,); `None` without it.

    Raises
    ------
    InputError
        If its index is not in order or does not end with the data.
    """
    data = child(table, name)
    if not isinstance(data, h5py.Dataset) or child(table, f"{name}_index") is None:
        return None
    edges = np.concatenate([[0], indices(table, f"{name}_index")])
    if (np.diff(edges) < 0).any() or edges[-1] != len(data):
        raise InputError(
            f"it does not divide the {len(data)} values of '{name}' into rows",
            where=f"{table.file.filename}, field '{table.name}/{name}_index'",
            remedy="the table is damaged: write the file again",
        )
    return data, edges


def target(region: Any) -> Any:
    """Return the table that a region of it points to, `None` where that is not told."""
    reference = region.attrs.get("table")
    found = region.file[reference] if isinstance(reference, h5py.Reference) and reference else None
    return found if isinstance(found, h5py.Group) else None


def kind(group: Any) -> str:
    """Return the neurodata type of an object, empty without one."""
    return text(group.attrs.get("neurodata_type", ""))
