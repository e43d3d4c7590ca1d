"""Folders of suite2p, before and after 1.0: a plane, its parent with planes, or the combined view.

    calcium = F - neucoeff * Fneu
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import Reader, ReadOptions
from brainsim.reader._clock import agree
from brainsim.reader._npy import read_npy
from brainsim.reader._roi import Rois, joined, traces

FILES = ("F.npy", "Fneu.npy", "spks.npy", "stat.npy", "iscell.npy", "ops.npy")
NEUROPIL = 0.7
SHAPE = ("npix", "radius", "aspect_ratio", "compact", "footprint", "skew", "std", "snr")


@dataclass(frozen=True)
class Suite2p(Reader):
    """Folder of suite2p, before and after 1.0: a plane, its parent with planes, or combined; neuropil is taken off.

    The ROIs that suite2p (or who corrected it) accepted are read, `rois` ``"all"`` reads every one. A parent folder is
    read plane by plane; `combined` is read where it is named itself or there are no planes. The deconvolved `spks` are
    left: ``brainsim deconvolve`` makes its own.

    References
    ----------
    Pachitariu, Stringer, Dipoppa, Schröder, Rossi, Dalgleish, Carandini, Harris, Suite2p: beyond 10,000 neurons with
    standard two-photon microscopy, bioRxiv 061507 (2017).
    """

    name: ClassVar[str] = "suite2p"
    priority: ClassVar[int] = 0
    takes: ClassVar[tuple[str, ...]] = ("sampling_rate", "stimuli", "units", "rois", "neuropil")

    def guess(self, source: Path) -> bool:
        """Tell whether it is a folder with at least three of suite2p's files, or with such planes."""
        return _is_plane(source) or bool(_planes(source))

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return ``calcium (time, neuron)`` with the positions and probabilities of the ROIs.

        Raises
        ------
        InputError
            If a file is missing, damaged or of another shape than its neighbours, no ROI is accepted, or the frame
            rate is not told.
        """
        folders = [source] if _is_plane(source) else _planes(source)
        if not folders:
            raise InputError(
                "there are no files of suite2p in it",
                where=f"{source}, field '{FILES[0]}'",
                remedy="give the plane folder, or its parent with plane0, plane1 ...",
            )
        planes = [_Plane(folder, options) for folder in folders]
        _same_length(planes)
        first = planes[0]
        rois = joined([plane.rois for plane in planes], [plane.folder.name for plane in planes])
        kept = rois.kept(options, f"{source}, field 'iscell.npy'")
        values = [plane.values(kept, at) for plane, at in zip(planes, _starts(planes), strict=True)]
        coords = rois.coordinates(kept, options)
        bad = np.asarray(first.facts.get("badframes", ()), bool)
        if bad.any() and bad.shape == (first.frames,):
            coords["bad_frame"] = ("time", bad)
        dataset = traces(
            np.concatenate(values).T,
            np.arange(first.frames) / first.rate,
            first.rate,
            options.units or "raw fluorescence",
            coords,
        )
        notices = [*rois.notice(kept), *dict.fromkeys(notice for plane in planes for notice in plane.notices)]
        if "bad_frame" in coords:
            notices.append(f"suite2p marks {int(bad.sum())} frames as badly registered (`bad_frame`): they are kept")
        dataset.attrs |= {"neuropil_coefficient": first.coefficient, "notices": "\n".join(notices)}
        return dataset


class _Plane:
    """One plane: its settings, its ROIs, and its traces where they are asked for."""

    def __init__(self, folder: Path, options: ReadOptions) -> None:
        self.folder = folder
        self.facts = _facts(folder, options)
        self.notices: list[str] = []
        self.rate = _rate(folder, self.facts, options.sampling_rate)
        self.raw = _matrix(folder, "F.npy")
        self.coefficient = self._coefficient(options)
        self.frames = self.raw.shape[1]
        self.rois = self._rois(options)

    def _coefficient(self, options: ReadOptions) -> float:
        """Return the share of the neuropil to take off."""
        extraction = self.facts.get("extraction")
        known = {**self.facts, **(extraction if isinstance(extraction, dict) else {})}
        if options.neuropil is not None:
            return options.neuropil
        if not known.get("neuropil_extract", True):
            self.notices.append("suite2p was told to extract no neuropil: none was taken off")
            return 0.0
        told = known.get("neucoeff", known.get("neuropil_coefficient"))
        if told is None:
            self.notices.append(f"the neuropil coefficient is not told: {NEUROPIL} was taken; give --neuropil")
        return NEUROPIL if told is None else float(told)

    def _rois(self, options: ReadOptions) -> Rois:
        """Return what suite2p says of each ROI."""
        n, stat = len(self.raw), read_npy(self.folder / "stat.npy")
        if not isinstance(stat, np.ndarray) or len(stat) != n or not all(isinstance(one, dict) for one in stat):
            raise _mismatch(self.folder / "stat.npy", f"{n} ROIs of F.npy", stat)
        columns = {key: np.array([float(one[key]) for one in stat]) for key in SHAPE if all(key in one for one in stat)}
        if all("iplane" in one for one in stat):
            columns["plane"] = np.array([f"plane{int(one['iplane'])}" for one in stat])
        accepted = None
        if (self.folder / "iscell.npy").exists() or options.rois != "all":
            accepted, columns["probability"] = self._judged("iscell.npy", n)
        if (self.folder / "redcell.npy").exists():
            columns["red"], columns["red_probability"] = self._judged("redcell.npy", n)
        position = np.array([np.ravel(one.get("med", (np.nan, np.nan)))[:2] for one in stat], float)
        return Rois(np.arange(n), accepted, position, columns=columns)

    def _judged(self, name: str, n: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Return the judgement of each ROI and its probability."""
        table = _matrix(self.folder, name)
        if table.shape != (n, 2):
            raise _mismatch(self.folder / name, f"{n} ROIs of F.npy and 2 columns", table)
        return table[:, 0] > 0, table[:, 1].astype(float)

    def values(self, kept: NDArray[np.int64], start: int) -> NDArray[np.float32]:
        """Return the corrected traces of the ROIs that are kept and belong to this plane, shape (roi, time)."""
        mine = kept[(kept >= start) & (kept < start + len(self.raw))] - start
        if not self.coefficient:
            return self.raw[mine]
        neuropil = _matrix(self.folder, "Fneu.npy")
        if neuropil.shape != self.raw.shape:
            raise _mismatch(self.folder / "Fneu.npy", f"the shape {self.raw.shape} of F.npy", neuropil)
        return self.raw[mine] - self.coefficient * neuropil[mine]


def _is_plane(folder: Path) -> bool:
    """Tell whether a folder holds at least three of the files of a plane."""
    return folder.is_dir() and sum((folder / name).is_file() for name in FILES) >= 3


def _planes(folder: Path) -> list[Path]:
    """Return the planes in a folder in order of their numbers, or else the combined view."""
    if not folder.is_dir():
        return []
    numbered = {int(path.name[5:]): path for path in folder.iterdir() if re.fullmatch(r"plane\d{1,4}", path.name)}
    found = [numbered[n] for n in sorted(numbered) if _is_plane(numbered[n])]
    combined = folder / "combined"
    return found or ([combined] if _is_plane(combined) else [])


def _facts(folder: Path, options: ReadOptions) -> dict[str, Any]:
    """Return what ``settings.npy`` (from 1.0, here or above) and ``ops.npy`` say, the latter first."""
    paths = [folder.parent / "settings.npy", folder / "settings.npy", folder / "ops.npy"]
    found = {path: read_npy(path) for path in paths if path.is_file()}
    for path, facts in found.items():
        if not isinstance(facts, dict):
            raise _mismatch(path, "a dictionary", facts)
    if not found and options.sampling_rate is None:
        raise InputError(
            "neither this file nor settings.npy is there, which tell the frame rate",
            where=f"{folder / 'ops.npy'}, field 'fs'",
            remedy="copy the whole folder, or give --sampling-rate",
        )
    return {key: value for facts in found.values() for key, value in facts.items()}


def _rate(folder: Path, facts: dict[str, Any], given: float | None) -> float:
    """Return the frame rate of a plane [Hz]."""
    told = facts.get("fs")
    where = f"{folder / 'ops.npy'}, field 'fs'"
    if told is None and given is None:
        raise InputError("the frame rate is not told", where=where, remedy="give --sampling-rate")
    if told is None:
        return float(given or 0)
    if not isinstance(told, (int, float, np.number)) or not 0 < float(told) < np.inf:
        raise InputError(f"the frame rate is {str(told)[:30]}", where=where, remedy="correct it where suite2p has it")
    agree(float(told), given, where)
    return float(told)


def _matrix(folder: Path, name: str) -> NDArray[Any]:
    """Return a file as a matrix of numbers, a row per ROI."""
    values = read_npy(folder / name)
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype.kind not in "fiub":
        raise _mismatch(folder / name, "a matrix of numbers, a row per ROI", values)
    return values


def _starts(planes: list[_Plane]) -> list[int]:
    """Return where the ROIs of each plane begin among all."""
    return np.cumsum([0, *(len(plane.raw) for plane in planes[:-1])]).tolist()


def _same_length(planes: list[_Plane]) -> None:
    """Refuse planes that differ in frames or frame rate."""
    first = planes[0]
    for plane in planes[1:]:
        if (plane.frames, plane.rate) != (first.frames, first.rate):
            raise InputError(
                f"it has {plane.frames} frames at {plane.rate:g} Hz, {first.folder.name} {first.frames} at "
                f"{first.rate:g} Hz",
                where=f"{plane.folder / 'F.npy'}, field 'time'",
                remedy="read each plane by itself, or the folder combined",
            )


def _mismatch(path: Path, wanted: str, found: Any) -> InputError:
    """Return the error of a file that is not what its neighbours need."""
    shape = f"an array {found.dtype} of shape {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__
    return InputError(
        f"it holds {shape}, not {wanted}",
        where=f"{path}, field '{path.stem}'",
        remedy="the files are not of one run of suite2p: copy the whole folder again",
    )
