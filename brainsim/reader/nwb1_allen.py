"""NWB 1 of the Allen Brain Observatory (Visual Coding), read as plain HDF5: pynwb does not read NWB 1.

The traces are the dF/F of the pipeline, or ``demixed - r * neuropil`` with the `r` of each cell.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import Reader, ReadOptions
from brainsim.reader._clock import clock, usable
from brainsim.reader._hdf5 import child, children, opened, peek, read
from brainsim.reader._roi import Rois, traces

PIPELINE = "processing/brain_observatory_pipeline"
PLANE = "imaging_plane_1"
KINDS = ("DfOverF", "Fluorescence")
END = "_stimulus"
MOVIE = "natural_movie"
BLANK = "blank_sweep"


@dataclass(frozen=True)
class Nwb1Allen(Reader):
    """NWB 1 of the Allen Brain Observatory: dF/F of each cell, with the stimuli as trials.

    `variable` ``"Fluorescence"`` reads the demixed fluorescence without its neuropil. A stimulus is named after its
    kind and its features, or the number of its image; a movie is one trial from its first to its last frame.

    References
    ----------
    de Vries et al., A large-scale standardized physiological survey reveals functional organization of the mouse
    visual cortex, Nature Neuroscience 23 (2020).
    """

    name: ClassVar[str] = "nwb1-allen"
    priority: ClassVar[int] = 0
    suffixes: ClassVar[tuple[str, ...]] = (".nwb", ".h5", ".hdf5")
    takes: ClassVar[tuple[str, ...]] = ("sampling_rate", "stimuli", "units", "variable", "neuropil")

    def guess(self, source: Path) -> bool:
        """Tell whether it is HDF5 with a version of NWB at its root as a dataset, as NWB 1 has it."""
        root = peek(source)
        return root.get("nwb_version") == "" and "processing" in root and "neurodata_type" not in root

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return ``calcium (time, neuron)`` with its trials.

        Raises
        ------
        InputError
            If it is no file of the Allen Brain Observatory, is damaged, or traces and times do not belong together.
        """
        with opened(source) as file:
            pipeline = child(file, PIPELINE)
            if not isinstance(pipeline, h5py.Group):
                raise InputError(
                    "this is NWB 1, which is read from the Allen Brain Observatory only",
                    where=f"{source}, field '{PIPELINE}'",
                    remedy="convert it to NWB 2",
                )
            kind = _kind(pipeline, options.variable, source)
            stamps = read(pipeline, f"{kind}/{PLANE}/timestamps").ravel().astype(float)
            values = _values(pipeline, kind, len(stamps), options)
            rois = _rois(pipeline, len(values))
            kept = usable(stamps, f"{source}, field '{PIPELINE}/{kind}/{PLANE}/timestamps'")
            time, rate = clock(
                stamps[kept], int(kept.sum()), options.sampling_rate, source, field=f"{PLANE}/timestamps"
            )
            coords = rois.coordinates(np.arange(len(values)), options)
            if options.stimuli is None:
                coords |= _stimuli(file, stamps)
        unit = options.units or ("dF/F" if kind == "DfOverF" else "raw fluorescence")
        dataset = traces(values[:, kept].T, time, rate, unit, coords)
        if not kept.all():
            dataset.attrs["notices"] = f"{int((~kept).sum())} frame(s) were left out whose time does not increase"
        return dataset


def _kind(pipeline: Any, wanted: str | None, source: Path) -> str:
    """Return which traces to read."""
    present = [kind for kind in KINDS if child(pipeline, f"{kind}/{PLANE}") is not None]
    if not present or (wanted is not None and wanted not in present):
        raise InputError(
            f"there are no traces '{wanted or KINDS[0]}'",
            where=f"{source}, field '{PIPELINE}'",
            remedy=f"choose among {', '.join(present)} with --variable" if present else "copy the file again",
        )
    return wanted or present[0]


def _values(pipeline: Any, kind: str, frames: int, options: ReadOptions) -> NDArray[Any]:
    """Return the traces, shape (cell, time)."""
    if kind == "DfOverF":
        return _matrix(pipeline, f"{kind}/{PLANE}/data", frames)
    series = "Fluorescence/" + PLANE
    split = child(pipeline, f"{series}_demixed_signal") is not None  # from version 2 of the pipeline
    raw = _matrix(pipeline, f"{series}_demixed_signal/data" if split else f"{series}/data", frames)
    beside = f"{series}_neuropil_response/" if split else f"{series}/"
    neuropil = _matrix(pipeline, beside + ("data" if split else "neuropil_traces"), frames)
    share = read(pipeline, beside + "r").ravel() if options.neuropil is None else np.full(len(raw), options.neuropil)
    if neuropil.shape != raw.shape or len(share) != len(raw):
        raise InputError(
            f"neuropil of shape {neuropil.shape} and {len(share)} shares for traces of shape {raw.shape}",
            where=f"{pipeline.file.filename}, field '{PIPELINE}/{beside}r'",
            remedy="the file contradicts itself: copy it again",
        )
    return np.asarray(raw - share[:, None] * neuropil)


def _matrix(pipeline: Any, name: str, frames: int) -> NDArray[Any]:
    """Return a matrix (cell, time)."""
    values = read(pipeline, name)
    if values.ndim != 2 or values.shape[1] != frames or not values.size:
        raise InputError(
            f"its shape is {values.shape}, not (cell, {frames} times)",
            where=f"{pipeline.file.filename}, field '{PIPELINE}/{name}'",
            remedy="the file contradicts itself: copy it again",
        )
    return values


def _rois(pipeline: Any, n: int) -> Rois:
    """Return specimens, numbers and centres of the cells."""
    columns, segmentation = {}, child(pipeline, "ImageSegmentation")
    for field, name in (("roi_ids", "id"), ("cell_specimen_ids", "cell_specimen_id")):
        found = child(segmentation, field) if isinstance(segmentation, h5py.Group) else None
        if found is not None and isinstance(found, h5py.Dataset) and found.shape == (n,):
            columns[name] = read(segmentation, field, "numbers" if found.dtype.kind in "iu" else "text")
    names = columns.get("cell_specimen_id")
    unique = names is not None and len(set(names.tolist())) == n
    names = columns.pop("cell_specimen_id") if unique else np.arange(n)
    plane = child(segmentation, PLANE) if isinstance(segmentation, h5py.Group) else None
    known = isinstance(plane, h5py.Group) and child(plane, "roi_list") is not None
    listed = read(plane, "roi_list", "text").tolist() if known else []
    position = np.full((n, 2), np.nan)
    for at, roi in enumerate(listed if len(listed) == n else []):
        mask = child(plane, f"{roi}/img_mask")
        if isinstance(mask, h5py.Dataset) and mask.ndim == 2:
            inside = np.argwhere(read(plane, f"{roi}/img_mask") > 0)
            position[at] = inside.mean(0) if len(inside) else np.nan
    return Rois(names, None, position, columns=columns)


def _stimuli(file: Any, stamps: NDArray[np.float64]) -> dict[str, Any]:
    """Return the trials: every presentation, in order of its onset."""
    root = child(file, "stimulus/presentation")
    found: list[tuple[float, float, str]] = []
    for name, group in children(root) if isinstance(root, h5py.Group) else ():
        if not (isinstance(group, h5py.Group) and {"data", "frame_duration"} <= set(group)) or "spontaneous" in name:
            continue
        frames = read(group, "frame_duration")
        labels = _labels(group, name.removesuffix(END))
        where = f"{file.filename}, field 'stimulus/presentation/{name}/frame_duration'"
        if frames.shape != (len(labels), 2) or (len(frames) and not 0 <= frames.min() <= frames.max() <= len(stamps)):
            raise InputError(
                f"its shape is {frames.shape} for {len(labels)} presentations and {len(stamps)} frames",
                where=where,
                remedy="the file contradicts itself: copy it again",
            )
        edges = stamps[np.minimum(frames.astype(int), len(stamps) - 1)]
        if name.startswith(MOVIE):
            starts = np.flatnonzero(read(group, "data").ravel() == 0)
            ends = [*(starts[1:] - 1), len(edges) - 1]
            found += [(edges[a, 0], edges[b, 1], name.removesuffix(END)) for a, b in zip(starts, ends, strict=True)]
        else:
            found += [(a, b, label) for (a, b), label in zip(edges.tolist(), labels, strict=True)]
    found.sort()
    if not found:
        return {}
    onset, end, label = zip(*found, strict=True)
    lengths = np.subtract(end, onset)
    return {"onset": ("trial", np.array(onset)), "duration": ("trial", lengths), "stimulus": ("trial", np.array(label))}


def _labels(group: Any, kind: str) -> list[str]:
    """Name each presentation after its features, or the number of its image."""
    data = read(group, "data")
    if data.ndim == 1:
        return [f"{kind} {int(each)}" if each >= 0 else f"{kind} blank" for each in data]
    features = read(group, "features", "text").tolist()
    rows = [dict(zip(features, row, strict=False)) for row in data.tolist()]
    return [
        f"{kind} blank"
        if row.get(BLANK)
        else " ".join([kind, *(f"{name}={row[name]:g}" for name in features if name in row and name != BLANK)])
        for row in rows
    ]
