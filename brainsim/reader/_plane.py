"""PlaneSegmentation of NWB 2: names, acceptance, columns and positions of ROIs."""

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader._hdf5 import checked, child, read, text
from brainsim.reader._roi import Rois
from brainsim.reader._table import columns, ragged

ACCEPTED = ("accepted", "iscell", "is_cell", "iscell_0", "valid_roi", "valid")
SWAPPED = "suite2p output"
MICRONS = {"microns": 1.0, "micrometers": 1.0, "um": 1.0, "meters": 1e6, "m": 1e6, "millimeters": 1e3, "mm": 1e3}


def rois_of(table: Any, rows: NDArray[np.int64] | None, count: int, where: str) -> Rois:
    """Return what a PlaneSegmentation says of the ROIs of a series.

    Parameters
    ----------
    table
        The PlaneSegmentation, or `None`.
    rows
        Row of each ROI, `None` where the series does not tell.
    count
        Number of ROIs of the series.
    where
        File and field of the series.

    Raises
    ------
    InputError
        If a row is not in the table.
    """
    if table is None:
        return Rois(np.arange(count))
    identity = child(table, "id")
    numbered = isinstance(identity, h5py.Dataset) and identity.ndim == 1
    length = identity.shape[0] if numbered else count
    rows = np.arange(count) if rows is None else rows
    if len(rows) and (rows.min() < 0 or rows.max() >= length):
        raise InputError(
            f"its ROIs are rows up to {int(rows.max())} of a table of {length}",
            where=where.replace("/data'", "/rois'"),
            remedy="the file contradicts itself: write it again",
        )
    known = {name: values[rows] for name, values in columns(table, length).items()}
    if {"iscell_0", "iscell_1"} <= set(known):
        known["probability"] = known.pop("iscell_1")
    judge = next((name for name in known if name.lower() in ACCEPTED and known[name].dtype.kind in "fiub"), None)
    accepted = known.pop(judge).astype(float) > 0 if judge else None
    names = read(table, "id").ravel()[rows] if numbered else rows
    position = _positions(table, length)
    if len(set(names.tolist())) < len(names):
        known["id"], names = names, rows
    unit, scale = _scale(table)
    return Rois(
        names,
        accepted,
        None if position is None else position[rows] * scale[: position.shape[1]],
        ("y", "x", "z"),
        unit,
        known,
    )


def _positions(table: Any, length: int) -> NDArray[np.float64] | None:
    """Return the weighted centre of each mask, shape (roi, axis): y, x, and z of voxels."""
    for name, fields in (("pixel_mask", ("y", "x")), ("voxel_mask", ("y", "x", "z"))):
        found = ragged(table, name)
        if found is not None and found[0].dtype.names and {*fields, "weight"} <= set(found[0].dtype.names):
            if text(table.attrs.get("description", "")).startswith(SWAPPED):  # suite2p writes its rows into x
                fields = ("x", "y", *fields[2:])
            return _centres(checked(found[0])[()], found[1], fields)
    images = child(table, "image_mask")
    if not isinstance(images, h5py.Dataset) or images.ndim != 3 or images.shape[0] != length:
        return None
    checked(images)
    across, down = np.arange(images.shape[1]), np.arange(images.shape[2])
    position = np.full((length, 2), np.nan)
    for at in range(length):
        mask = np.asarray(images[at], float)
        if mask.sum() > 0:
            position[at] = (mask.sum(0) @ down / mask.sum(), mask.sum(1) @ across / mask.sum())
    return position


def _centres(mask: NDArray[Any], edges: NDArray[np.int64], fields: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the weighted mean of each row's pixels."""
    row = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    weight = np.where(np.isfinite(mask["weight"]), mask["weight"], 0.0)
    total = np.bincount(row, weight, len(edges) - 1)
    sums = [np.bincount(row, weight * mask[field].astype(float), len(edges) - 1) for field in fields]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack(sums, axis=1) / total[:, None]


def _scale(table: Any) -> tuple[str, NDArray[np.float64]]:
    """Return the unit of positions and how many of it a pixel has along y, x and z."""
    plane = child(table, "imaging_plane")
    spacing = child(plane, "grid_spacing") if isinstance(plane, h5py.Group) else None
    if spacing is None or not isinstance(spacing, h5py.Dataset) or spacing.size not in (2, 3):
        return "pixel", np.ones(3)
    unit = MICRONS.get(text(spacing.attrs.get("unit", "")).lower())
    values = np.asarray(spacing[()], float)
    if unit is None or not (np.isfinite(values).all() and (values > 0).all()):
        return "pixel", np.ones(3)
    x, y, *z = (values * unit).tolist()
    return "um", np.array([y, x, *(z or [1.0])])
