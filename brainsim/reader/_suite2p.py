"""One plane of suite2p: its settings, its ROIs, its traces ``F - neucoeff * Fneu``."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import ReadOptions
from brainsim.reader._clock import agree
from brainsim.reader._npy import read_npy
from brainsim.reader._roi import Rois

NEUROPIL = 0.7
MOST_NEUROPIL = 2.0
SHAPE = ("npix", "radius", "aspect_ratio", "compact", "footprint", "skew", "std", "snr")


class Plane:
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
        if _number(known.get("neuropil_extract", True)) == 0:
            self.notices.append("suite2p was told to extract no neuropil: none was taken off")
            return 0.0
        told = known.get("neucoeff", known.get("neuropil_coefficient"))
        if told is None:
            self.notices.append(f"the neuropil coefficient is not told: {NEUROPIL} was taken; give --neuropil")
            return NEUROPIL
        if not 0 <= _number(told) <= MOST_NEUROPIL:
            raise InputError(
                f"the neuropil coefficient is {str(told)[:30]}",
                where=f"{self.folder / 'ops.npy'}, field 'neucoeff'",
                remedy="give --neuropil",
            )
        return _number(told)

    def _rois(self, options: ReadOptions) -> Rois:
        """Return what suite2p says of each ROI."""
        n, stat = len(self.raw), read_npy(self.folder / "stat.npy")
        if not isinstance(stat, np.ndarray) or stat.shape != (n,) or not all(isinstance(one, dict) for one in stat):
            raise _mismatch(self.folder / "stat.npy", f"{n} ROIs of F.npy", stat)
        told = [key for key in SHAPE if all(key in one for one in stat)]
        columns = {key: np.array([_number(one[key]) for one in stat]) for key in told}
        if all("iplane" in one for one in stat):
            columns["plane"] = np.array([f"plane{_number(one['iplane']):g}" for one in stat])
        accepted = None
        if (self.folder / "iscell.npy").exists() or options.rois != "all":
            accepted, columns["probability"] = self._judged("iscell.npy", n)
        if (self.folder / "redcell.npy").exists():
            columns["red"], columns["red_probability"] = self._judged("redcell.npy", n)
        position = np.array([[_number(each) for each in _pair(one.get("med"))] for one in stat])
        return Rois(np.arange(n), accepted, position, columns=columns)

    def _judged(self, name: str, n: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Return the judgement of each ROI and its probability."""
        table = _matrix(self.folder, name)
        if table.shape != (n, 2):
            raise _mismatch(self.folder / name, f"{n} ROIs of F.npy and 2 columns", table)
        return table[:, 0] > 0, table[:, 1].astype(float)

    def decay(self) -> float | None:
        """Return the decay of the indicator that suite2p was told [s]."""
        tau = _number(self.facts.get("tau"))
        return tau if 0 < tau < np.inf else None

    def bad_frames(self) -> NDArray[np.bool_] | None:
        """Return which frames suite2p marked as badly registered, `None` where there are none."""
        bad = self.facts.get("badframes")
        if not isinstance(bad, np.ndarray) or bad.dtype != bool or bad.shape != (self.frames,):
            return None
        return bad if bad.any() else None

    def values(self, kept: NDArray[np.int64], start: int) -> NDArray[Any]:
        """Return the corrected traces of the ROIs that are kept and belong to this plane, shape (roi, time)."""
        mine = kept[(kept >= start) & (kept < start + len(self.raw))] - start
        if not self.coefficient:
            return self.raw[mine]
        neuropil = _matrix(self.folder, "Fneu.npy")
        if neuropil.shape != self.raw.shape:
            raise _mismatch(self.folder / "Fneu.npy", f"the shape {self.raw.shape} of F.npy", neuropil)
        return self.raw[mine] - self.coefficient * neuropil[mine]


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
    if not 0 < _number(told) < np.inf:
        raise InputError(f"the frame rate is {str(told)[:30]}", where=where, remedy="correct it where suite2p has it")
    agree(_number(told), given, where)
    return _number(told)


def _number(value: Any) -> float:
    """Return a number that stands alone, NaN for anything else."""
    one = np.asarray(value).ravel() if isinstance(value, (int, float, np.generic, np.ndarray)) else np.zeros(0)
    return float(one[0]) if one.size == 1 and one.dtype.kind in "fiub" else np.nan


def _pair(value: Any) -> tuple[Any, Any]:
    """Return the two numbers of a position, NaN where there are none."""
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist()
    return (value[0], value[1]) if isinstance(value, (list, tuple)) and len(value) > 1 else (np.nan, np.nan)


def _matrix(folder: Path, name: str) -> NDArray[Any]:
    """Return a file as a matrix of numbers, a row per ROI."""
    values = read_npy(folder / name)
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype.kind not in "fiub":
        raise _mismatch(folder / name, "a matrix of numbers, a row per ROI", values)
    return values


def _mismatch(path: Path, wanted: str, found: Any) -> InputError:
    """Return the error of a file that is not what its neighbours need."""
    shape = f"an array {found.dtype} of shape {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__
    return InputError(
        f"it holds {shape}, not {wanted}",
        where=f"{path}, field '{path.stem}'",
        remedy="the files are not of one run of suite2p: copy the whole folder again",
    )
