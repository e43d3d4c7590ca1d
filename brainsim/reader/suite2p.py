"""suite2p, before and after 1.0: the folder of a plane, its parent with planes, the combined view, or ``Fall.mat``.

The traces are ``F - neucoeff * Fneu``.
"""

import re
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import ClassVar

import numpy as np
import xarray as xr

from brainsim.error import InputError
from brainsim.reader import Reader, ReadOptions
from brainsim.reader._file import head_of
from brainsim.reader._mat import variables
from brainsim.reader._roi import joined, traces
from brainsim.reader._suite2p import Plane
from brainsim.reader._suite2p_files import ARRAYS, FallMat, Folder

FILES = tuple(f"{name}.npy" for name in ARRAYS)


@dataclass(frozen=True)
class Suite2p(Reader):
    """Folder (a plane, its parent with planes, combined) or Fall.mat of suite2p; neuropil is taken off.

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
    suffixes: ClassVar[tuple[str, ...]] = (".mat",)
    takes: ClassVar[tuple[str, ...]] = ("sampling_rate", "stimuli", "units", "rois", "neuropil")

    def guess(self, source: Path) -> bool:
        """Tell whether it is a folder with at least three of suite2p's files, with such planes, or a ``Fall.mat``."""
        return _is_plane(source) or bool(_planes(source)) or _is_fall(source)

    def files(self, source: Path) -> list[Path]:
        """Return the arrays of the planes, not the movie that lies beside them."""
        if source.is_file():
            return [source]
        folders = [source] if _is_plane(source) else _planes(source)
        names = (*FILES, "settings.npy", "redcell.npy")
        return [path for folder in folders for name in names if (path := folder / name).is_file()]

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return ``calcium (time, neuron)`` with the positions and probabilities of the ROIs.

        Raises
        ------
        InputError
            If a file is missing, damaged or of another shape than its neighbours, no ROI is accepted, or the frame
            rate is not told.
        """
        folders = [source] if _is_plane(source) or source.is_file() else _planes(source)
        if not folders:
            raise InputError(
                "there are no files of suite2p in it",
                where=f"{source}, field '{FILES[0]}'",
                remedy="give the plane folder, or its parent with plane0, plane1 ...",
            )
        planes = [Plane(FallMat(each) if each.is_file() else Folder(each), options) for each in folders]
        _same_length(planes)
        first = planes[0]
        rois = joined([plane.rois for plane in planes], [folder.name for folder in folders])
        kept = rois.kept(options, f"{source}, field 'iscell.npy'")
        values = [plane.values(kept, at) for plane, at in zip(planes, _starts(planes), strict=True)]
        coords = rois.coordinates(kept, options)
        notices = [*rois.notice(kept), *dict.fromkeys(notice for plane in planes for notice in plane.notices)]
        if (bad := first.bad_frames()) is not None:
            coords["bad_frame"] = ("time", bad)
            notices.append(f"suite2p marks {int(bad.sum())} frames as badly registered (`bad_frame`): they are kept")
        dataset = traces(
            (np.concatenate(values) if len(values) > 1 else values[0]).T,
            np.arange(first.frames) / first.rate,
            first.rate,
            options.units or "raw fluorescence",
            coords,
        )
        dataset.attrs |= {"neuropil_coefficient": first.coefficient, "notices": "\n".join(notices)}
        if (decay := first.decay()) is not None:
            dataset.attrs["indicator_decay_s"] = decay
        return dataset


def _is_fall(source: Path) -> bool:
    """Tell whether it is a MATLAB 5 file with suite2p's arrays."""
    if source.suffix.lower() != ".mat" or not source.is_file() or not head_of(source).startswith(b"MATLAB 5"):
        return False
    try:
        return {"F", "Fneu", "stat", "ops"} <= variables(source)
    except InputError:
        return False  # whoever reads MATLAB files says what is wrong with it


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


def _starts(planes: list[Plane]) -> list[int]:
    """Return where the ROIs of each plane begin among all."""
    return list(accumulate((len(plane.raw) for plane in planes[:-1]), initial=0))


def _same_length(planes: list[Plane]) -> None:
    """Refuse planes that differ in frames or frame rate."""
    first = planes[0]
    for plane in planes[1:]:
        if (plane.frames, plane.rate) != (first.frames, first.rate):
            raise InputError(
                f"it has {plane.frames} frames at {plane.rate:g} Hz, {Path(first.files.where('F')).parent.name} "
                f"{first.frames} at {first.rate:g} Hz",
                where=f"{plane.files.where('F')}, field 'time'",
                remedy="read each plane by itself, or the folder combined",
            )
