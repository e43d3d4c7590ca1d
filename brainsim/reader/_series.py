"""RoiResponseSeries of NWB 2: found by what they are, not by their names; brought to (time, ROI)."""

import re
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import ReadOptions
from brainsim.reader._clock import clock, usable
from brainsim.reader._hdf5 import child, children, indices, read
from brainsim.reader._table import kind, target

EVENTS = ("deconv", "spike", "spks", "event")
BACKGROUND = ("neuropil", "background", "baseline")
KINDS = re.compile("fluorescence|neuropil|roiresponseseries|raw|traces?")
DEEPEST = 8


@dataclass(frozen=True, eq=False)
class Series:
    """One RoiResponseSeries.

    `role` is ``"dff"``, ``"raw"``, ``"corrected"`` (raw without neuropil), ``"denoised"``, ``"neuropil"``,
    ``"background"`` or ``"events"``, told by the type of its container and by its names.
    """

    group: Any
    role: str

    @property
    def path(self) -> str:
        """Return its place in the file."""
        return str(self.group.name)

    @property
    def where(self) -> str:
        """Return file and field, for errors."""
        return f"{self.group.file.filename}, field '{self.path}/data'"

    def rows(self) -> NDArray[np.int64] | None:
        """Return the row of each ROI in the table of ROIs, `None` where it is not told."""
        return indices(self.group, "rois") if child(self.group, "rois") is not None else None

    def table(self) -> Any:
        """Return the table of its ROIs, `None` where there is none."""
        region = child(self.group, "rois")
        return target(region) if isinstance(region, h5py.Dataset) else None

    def values(self, options: ReadOptions) -> NDArray[Any]:
        """Return its data, shape (time, ROI), in its unit.

        Raises
        ------
        InputError
            If it is no matrix, or its orientation cannot be told or is not the one that was given.
        """
        data = read(self.group, "data")
        data = data[:, None] if data.ndim == 1 else data
        if data.ndim != 2 or not data.size:
            raise InputError(f"its shape is {data.shape}, not time x ROI", where=self.where, remedy="check the file")
        if data.dtype.kind != "f":
            data = data.astype(np.float64)
        attributes = self.group["data"].attrs
        factor, offset = (float(attributes.get(name, value)) for name, value in (("conversion", 1), ("offset", 0)))
        data = data.T if self._rois_first(data.shape, options.orientation) else data
        return data if (factor, offset) == (1, 0) else data * factor + offset

    def _rois_first(self, shape: tuple[int, ...], given: str | None) -> bool:
        """Tell from the numbers of ROIs and of times whether the data are stored (ROI, time), against the standard."""
        rows = self.rows()
        rois = None if rows is None else len(rows)
        stamps = child(self.group, "timestamps")
        times = stamps.shape[0] if isinstance(stamps, h5py.Dataset) and stamps.shape else None
        fits = {
            "time-neuron": rois in (None, shape[1]) and times in (None, shape[0]),
            "neuron-time": rois in (None, shape[0]) and times in (None, shape[1]),
        }
        allowed = [name for name, right in fits.items() if right and given in (None, name)]
        if len(allowed) == 1:
            return allowed[0] == "neuron-time"
        counts = f"{'?' if rois is None else rois} ROIs and {'?' if times is None else times} times"
        raise InputError(
            f"its shape {shape} {'fits' if allowed else 'does not fit'} {counts}{' both ways' if allowed else ''}",
            where=self.where,
            remedy="give --orientation time-neuron (the standard) or neuron-time"
            if allowed
            else "leave out --orientation"
            if any(fits.values())
            else "the file contradicts itself: write it again",
        )

    def alike(self) -> str:
        """Return its path without the words that tell fluorescence from neuropil, to find which belong together."""
        return KINDS.sub("", self.path.lower())

    def times(self, count: int, options: ReadOptions) -> tuple[NDArray[np.float64], float, NDArray[np.bool_]]:
        """Return times [s], frame rate [Hz] and which frames to keep (all but those whose time goes back)."""
        source, place = self.group.file.filename, f"{self.path}/timestamps"
        if child(self.group, "timestamps") is not None:
            stamps = read(self.group, "timestamps").ravel().astype(np.float64)
            kept = usable(stamps, f"{source}, field '{place}'") if len(stamps) == count else np.ones(len(stamps), bool)
            every = int(kept.sum()) if len(stamps) == count else count
            time, rate = clock(stamps[kept], every, options.sampling_rate, source, field=place)
            return time, rate, kept
        start = child(self.group, "starting_time")
        told = float(start.attrs.get("rate", np.nan)) if isinstance(start, h5py.Dataset) else np.nan
        if not 0 < told < np.inf and options.sampling_rate is None:
            raise InputError(
                f"the frame rate is {told:g}" if told == told else "neither timestamps nor a frame rate are told",
                where=f"{source}, field '{self.path}/starting_time'",
                remedy="give --sampling-rate",
            )
        begin = float(start[()]) if isinstance(start, h5py.Dataset) and start.shape == () else 0.0
        even = begin + np.arange(count) / (told if 0 < told < np.inf else float(options.sampling_rate or 1))
        time, rate = clock(even, count, options.sampling_rate, source, field=f"{self.path}/starting_time")
        return time, told if 0 < told < np.inf else rate, np.ones(count, bool)


def find_series(file: Any) -> list[Series]:
    """Return every RoiResponseSeries of a file, those of processing modules first."""
    roots = [child(file, name) for name in ("processing", "analysis", "acquisition")]
    return [each for root in roots if isinstance(root, h5py.Group) for each in _search(root, "", 0)]


def _search(group: Any, container: str, depth: int) -> list[Series]:
    """Look for series in a group; `container` says what holds it."""
    found: list[Series] = []
    for _, each in children(group):
        if not isinstance(each, h5py.Group) or depth > DEEPEST:
            continue
        if kind(each) == "RoiResponseSeries" or {"data", "rois"} <= set(each):
            found.append(Series(each, _role(each, container)))
        else:
            found += _search(each, kind(each) or container, depth + 1)
    return found


def _role(group: Any, container: str) -> str:
    """Tell what a series holds."""
    names = "/".join(group.name.lower().split("/")[-2:])
    if any(word in names for word in EVENTS):
        return "events"
    if "corrected" in names:
        return "corrected"
    if any(word in names for word in BACKGROUND):
        return "neuropil" if "neuropil" in names else "background"
    if container == "DfOverF" or "dff" in names or "dfoverf" in names:
        return "dff"
    return "denoised" if "denoised" in names else "raw"
