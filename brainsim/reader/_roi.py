"""Regions of interest: which were accepted, where they lie, and what the source says of each.

Whatever a source tells of each ROI becomes the coordinate ``roi_<column>`` on `neuron`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import ReadOptions

Names = NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class Rois:
    """What is known of the ROIs of a recording.

    Parameters
    ----------
    names
        Name or number of each, shape (roi,).
    accepted
        Which are cells, shape (roi,); `None` where the source does not judge them.
    position
        Shape (roi, axis), NaN where not known; `None` where the source does not tell.
    axes
        Name of each axis of `position`.
    unit
        Of `position`: ``"um"`` or ``"pixel"``.
    columns
        Anything else, one value per ROI.
    """

    names: Names
    accepted: NDArray[np.bool_] | None = None
    position: NDArray[np.float64] | None = None
    axes: tuple[str, ...] = ("y", "x")
    unit: str = "pixel"
    columns: Mapping[str, Names] = field(default_factory=dict)

    def kept(self, options: ReadOptions, where: str) -> NDArray[np.int64]:
        """Return the indices of the ROIs to read: the accepted ones, or all.

        Raises
        ------
        InputError
            If none was accepted.
        """
        if self.accepted is None or options.rois == "all":
            return np.arange(len(self.names))
        found = np.flatnonzero(self.accepted)
        if not len(found):
            raise InputError(
                f"none of the {len(self.names)} ROIs is accepted as a cell",
                where=where,
                remedy="give --rois all to read them nevertheless, or accept some where they were found",
            )
        return found

    def notice(self, kept: NDArray[np.int64]) -> list[str]:
        """Say how many ROIs were left out."""
        out = len(self.names) - len(kept)
        found = f"{out} of {len(self.names)} ROIs were left out that are not accepted as cells; give --rois all for all"
        return [found] if out else []

    def coordinates(self, kept: NDArray[np.int64], options: ReadOptions) -> dict[str, Any]:
        """Return the coordinates of the ROIs that are kept."""
        columns = dict(self.columns)
        if self.accepted is not None and options.rois == "all":
            columns["accepted"] = self.accepted
        coords: dict[str, Any] = {"neuron": self.names[kept], **named("roi", "neuron", columns, kept)}
        if self.position is not None and np.isfinite(self.position).any():
            coords["position"] = (("neuron", "axis"), self.position[kept], {"units": self.unit})
            coords["axis"] = list(self.axes[: self.position.shape[1]])
        return coords


def named(prefix: str, dim: str, columns: Mapping[str, Any], kept: Any = slice(None)) -> dict[str, Any]:
    """Return columns of a table as coordinates ``<prefix>_<column>`` on one dimension."""
    return {f"{prefix}_{re.sub(r'[^0-9A-Za-z_]', '_', name)}": (dim, each[kept]) for name, each in columns.items()}


def joined(parts: list[Rois], labels: list[str]) -> Rois:
    """Put the ROIs of several planes together: ``<plane>_<roi>``, with the plane as a column.

    A column that some plane lacks is left out, and so are positions.
    """
    if len(parts) == 1:
        return parts[0]
    shared = set.intersection(*(set(part.columns) for part in parts))
    columns = {
        name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns if name in shared
    }
    columns["plane"] = np.concatenate(
        [np.full(len(part.names), label) for part, label in zip(parts, labels, strict=True)]
    )
    names = [f"{label}_{name}" for part, label in zip(parts, labels, strict=True) for name in part.names]
    judged = [part.accepted if part.accepted is not None else np.ones(len(part.names), bool) for part in parts]
    places = [part.position for part in parts if part.position is not None and part.axes == parts[0].axes]
    return Rois(
        np.array(names),
        np.concatenate(judged) if any(part.accepted is not None for part in parts) else None,
        np.concatenate(places) if len(places) == len(parts) else None,
        parts[0].axes,
        parts[0].unit,
        columns,
    )


def traces(
    values: NDArray[Any], time: NDArray[np.float64], rate: float, units: str, coords: Mapping[str, Any]
) -> xr.Dataset:
    """Return ``calcium (time, neuron)`` with its coordinates; `values` has the shape (time, neuron)."""
    return xr.Dataset(
        {"calcium": (("time", "neuron"), values, {"units": units})},
        coords={"time": time, **coords},
        attrs={"sampling_rate_hz": rate},
    )
