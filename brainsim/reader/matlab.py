"""MATLAB files, version 5 and 7.3: a numeric matrix that is named, or the only one that can be meant."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import Reader, ReadOptions
from brainsim.reader._clock import agree, clock, usable
from brainsim.reader._file import head_of
from brainsim.reader._hdf5 import is_hdf5
from brainsim.reader._mat import load, numeric
from brainsim.reader._roi import traces

Floats = NDArray[np.float64]

TRACES = ("dff", "df_f", "dfof", "df_traces", "dff_traces", "deltaf", "calcium", "fluorescence", "traces", "f", "c_raw",
          "sigraw", "data")  # fmt: skip
TIMES = ("t", "time", "times", "time_s", "timestamps", "frame_times", "frametimes", "tt")
RATES = ("fs", "fr", "framerate", "frame_rate", "sampling_rate", "samplingrate", "imaging_rate", "rate_hz", "hz")
RAW = ("fluorescence", "f", "sigraw", "c_raw")
ALLEN = "dF_traces"
ALLEN_RATE = 30.0


@dataclass(frozen=True)
class Matlab(Reader):
    """MATLAB 5 and 7.3 (.mat): a matrix of traces, with the times or the frame rate that stand beside it.

    The matrix is the one that `variable` names (in a struct ``s.name``), one with a usual name, or the
    only one. The dimension that is as long as the times is time; without times `orientation` must say:
    ``"neuron-time"`` for a row per neuron. ``dF_traces``, an excerpt of the Allen Brain Observatory as CASCADE
    distributes it, holds a row per neuron at 30 Hz.
    """

    name: ClassVar[str] = "matlab"
    priority: ClassVar[int] = 2
    suffixes: ClassVar[tuple[str, ...]] = (".mat",)
    takes: ClassVar[tuple[str, ...]] = ("sampling_rate", "stimuli", "orientation", "units", "variable")

    def guess(self, source: Path) -> bool:
        """Tell whether it ends in .mat and is MATLAB 5 or HDF5."""
        if source.suffix.lower() not in self.suffixes:
            return False
        return head_of(source).startswith(b"MATLAB") or is_hdf5(source)

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return ``calcium (time, neuron)``.

        Raises
        ------
        InputError
            If the file is damaged, the matrix or its orientation cannot be told, or times and rate do not fit.
        """
        shapes = numeric(source)
        name = _chosen(shapes, options.variable, source)
        excerpt = name == ALLEN and not any(key.lower() in (*TIMES, *RATES) for key in shapes)
        notices, given = [], options.sampling_rate
        if excerpt:
            notices.append(f"'{ALLEN}' is the excerpt of the Allen Brain Observatory in CASCADE: a row per neuron")
        if excerpt and given is None:
            given = ALLEN_RATE
            notices.append(f"{source.name} does not hold its frame rate: {given:g} Hz, that of the Allen Brain "
                           "Observatory, was taken; give --sampling-rate if it is another")  # fmt: skip
        time = _beside(shapes, TIMES, source, max(shapes[name]))
        orientation = options.orientation or ("neuron-time" if excerpt else None)
        values = _oriented(load(source, name), name, time, orientation, source)
        given = _rate(shapes, given, source)
        kept = np.ones(len(values), bool) if time is None else usable(time, f"{source}, field 'time'")
        stamps = None if time is None else time[kept]
        stamps, rate = clock(stamps, int(kept.sum()), given, source, missing="it holds neither times nor a frame rate")
        units = options.units or ("raw fluorescence" if name.split(".")[-1].lower() in RAW else "dF/F")
        if options.units is None:
            notices.append(f"{source.name} does not tell its unit: taken as {units}; give --units if it is another")
        dataset = traces(values[kept], stamps, rate, units, {"neuron": np.arange(values.shape[1])})
        if not kept.all():
            notices.append(f"{int((~kept).sum())} frame(s) were left out whose time does not increase")
        dataset.attrs["notices"] = "\n".join(notices)
        return dataset


def _chosen(shapes: dict[str, tuple[int, ...]], wanted: str | None, source: Path) -> str:
    """Return the name of the matrix to read."""
    matrices = {name: shape for name, shape in shapes.items() if len(shape) == 2 and min(shape) > 1}
    if wanted is not None:
        if wanted in shapes and len(shapes[wanted]) == 2:
            return wanted
        matrices_told = ", ".join(f"{name} {shape}" for name, shape in matrices.items()) or "none"
        raise InputError(
            f"there is no numeric matrix '{wanted[:60]}'",
            where=f"{source}, field '{wanted[:60]}'",
            remedy=f"choose among {matrices_told}",
        )
    usual = sorted((TRACES.index(low), name) for name in matrices if (low := name.split(".")[-1].lower()) in TRACES)
    if usual:
        return usual[0][1]
    if len(matrices) != 1:
        told = ", ".join(f"{name} {shape}" for name, shape in list(matrices.items())[:12])
        raise InputError(
            f"it holds {len(matrices)} numeric matrices" + (f": {told}" if told else ""),
            where=f"{source}, field 'variable'",
            remedy="name the traces with --variable" if told else "save the traces as a numeric matrix",
        )
    return next(iter(matrices))


def _beside(shapes: dict[str, tuple[int, ...]], names: tuple[str, ...], source: Path, longest: int) -> Floats | None:
    """Return the vector with one of these names, no longer than the traces; `None` where there is none."""
    for name, shape in shapes.items():
        if name.split(".")[-1].lower() in names and 1 < max(shape, default=1) == np.prod(shape) <= longest:
            return np.asarray(load(source, name), float).ravel()
    return None


def _rate(shapes: dict[str, tuple[int, ...]], given: float | None, source: Path) -> float | None:
    """Return the frame rate that stands in the file or was given [Hz]."""
    for name, shape in shapes.items():
        if name.split(".")[-1].lower() in RATES and np.prod(shape) == 1:
            told = float(np.asarray(load(source, name), float).ravel()[0])
            where = f"{source}, field '{name}'"
            if not 0 < told < np.inf:
                raise InputError(f"the frame rate is {told:g}", where=where, remedy="correct the file")
            agree(told, given, where)
            return told
    return given


def _oriented(values: object, name: str, time: Floats | None, given: str | None, source: Path) -> Floats:
    """Return the matrix as (time, neuron)."""
    matrix = np.asarray(values)
    where = f"{source}, field '{name}'"
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiub":
        raise InputError(f"it is {matrix.dtype} of shape {matrix.shape}, no matrix of numbers", where=where,
                         remedy="name the traces with --variable")  # fmt: skip
    rows, columns = matrix.shape
    fits = {"time-neuron": time is None or len(time) == rows, "neuron-time": time is None or len(time) == columns}
    allowed = [each for each, right in fits.items() if right and given in (None, each)]
    if len(allowed) == 1:
        matrix = matrix.T if allowed[0] == "neuron-time" else matrix
        return matrix if matrix.dtype.kind == "f" else matrix.astype(float)
    if not allowed:
        raise InputError(
            f"{len(time) if time is not None else 'no'} times do not fit {rows} rows and {columns} columns"
            + (f" as {given}" if given else ""),
            where=where,
            remedy="give another --orientation, or name the traces with --variable",
        )
    raise InputError(
        f"{rows} rows and {columns} columns do not tell which are the neurons",
        where=f"{source}, field 'orientation'",
        remedy="give --orientation time-neuron if a row is a frame, neuron-time if it is a neuron",
    )
