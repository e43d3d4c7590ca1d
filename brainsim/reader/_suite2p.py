"""One plane of suite2p: its settings, its ROIs, its traces ``F - neucoeff * Fneu``."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import ReadOptions
from brainsim.reader._clock import agree
from brainsim.reader._roi import Rois
from brainsim.reader._suite2p_files import Files

NEUROPIL = 0.7
MOST_NEUROPIL = 2.0
SHAPE = ("npix", "radius", "aspect_ratio", "compact", "footprint", "skew", "std", "snr")


class Plane:
    """One plane: its settings, its ROIs, and its traces where they are asked for."""

    def __init__(self, files: Files, options: ReadOptions) -> None:
        self.files = files
        self.facts = _facts(files, options)
        self.notices: list[str] = []
        self.rate = _rate(files, self.facts, options.sampling_rate)
        self.raw = _matrix(files, "F")
        self.coefficient = self._coefficient(options)
        self.frames = self.raw.shape[1]
        self.rois = self._rois(options)

    @property
    def traces_file(self) -> str:
        """Name of the file that holds the traces."""
        return Path(self.files.where("F")).name

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
                where=f"{self.files.where('ops')}, field 'neucoeff'",
                remedy="give --neuropil",
            )
        return _number(told)

    def _rois(self, options: ReadOptions) -> Rois:
        """Return what suite2p says of each ROI."""
        n, stat = len(self.raw), self.files.read("stat")
        if not isinstance(stat, np.ndarray) or stat.shape != (n,) or not all(isinstance(one, dict) for one in stat):
            raise _mismatch(self.files, "stat", f"{n} ROIs of {self.traces_file}", stat)
        told = [key for key in SHAPE if all(key in one for one in stat)]
        columns = {key: np.array([_number(one[key]) for one in stat]) for key in told}
        if all("iplane" in one for one in stat):
            columns["plane"] = np.array([f"plane{_number(one['iplane']):g}" for one in stat])
        accepted = None
        if self.files.has("iscell") or options.rois != "all":
            accepted, columns["probability"] = self._judged("iscell", n)
        if self.files.has("redcell"):
            columns["red"], columns["red_probability"] = self._judged("redcell", n)
        position = np.array([[_number(each) for each in _pair(one.get("med"))] for one in stat])
        return Rois(np.arange(n), accepted, position, columns=columns)

    def _judged(self, name: str, n: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Return the judgement of each ROI and its probability."""
        table = _matrix(self.files, name)
        if table.shape != (n, 2):
            raise _mismatch(self.files, name, f"{n} ROIs of {self.traces_file} and 2 columns", table)
        return table[:, 0] > 0, table[:, 1].astype(float)

    def decay(self) -> float | None:
        """Return the decay of the indicator that suite2p was told [s]."""
        tau = _number(self.facts.get("tau"))
        return tau if 0 < tau < np.inf else None

    def bad_frames(self) -> NDArray[np.bool_] | None:
        """Return which frames suite2p marked as badly registered, `None` where there are none."""
        bad = self.facts.get("badframes")
        if not isinstance(bad, np.ndarray) or bad.dtype not in (bool, np.uint8) or bad.shape != (self.frames,):
            return None
        return bad.astype(bool) if bad.any() else None

    def values(self, kept: NDArray[np.int64], start: int) -> NDArray[Any]:
        """Return the corrected traces of the ROIs that are kept and belong to this plane, shape (roi, time)."""
        mine = kept[(kept >= start) & (kept < start + len(self.raw))] - start
        if not self.coefficient:
            return self.raw[mine]
        neuropil = _matrix(self.files, "Fneu")
        if neuropil.shape != self.raw.shape:
            raise _mismatch(self.files, "Fneu", f"the shape {self.raw.shape} of {self.traces_file}", neuropil)
        return self.raw[mine] - self.coefficient * neuropil[mine]


def _facts(files: Files, options: ReadOptions) -> dict[str, Any]:
    """Return what `settings` (from 1.0, here or above) and `ops` say, the latter first."""
    found = files.facts()
    for name, facts in found:
        if not isinstance(facts, dict):
            raise _mismatch(files, name, "a dictionary", facts)
    if not found and options.sampling_rate is None:
        raise InputError(
            "neither this file nor settings.npy is there, which tell the frame rate",
            where=f"{files.where('ops')}, field 'fs'",
            remedy="copy the whole folder, or give --sampling-rate",
        )
    return {key: value for _, facts in found for key, value in facts.items()}


def _rate(files: Files, facts: dict[str, Any], given: float | None) -> float:
    """Return the frame rate of a plane [Hz]."""
    told = facts.get("fs")
    where = f"{files.where('ops')}, field 'fs'"
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


def _matrix(files: Files, name: str) -> NDArray[Any]:
    """Return an array as a matrix of numbers, a row per ROI."""
    values = files.read(name)
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype.kind not in "fiub":
        raise _mismatch(files, name, "a matrix of numbers, a row per ROI", values)
    return values


def _mismatch(files: Files, name: str, wanted: str, found: Any) -> InputError:
    """Return the error of an array that is not what its neighbours need."""
    shape = f"an array {found.dtype} of shape {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__
    return InputError(
        f"it holds {shape}, not {wanted}",
        where=f"{files.where(name)}, field '{name}'",
        remedy="the files are not of one run of suite2p: copy the whole folder again",
    )
