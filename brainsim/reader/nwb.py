"""Neurodata Without Borders 2, read as plain HDF5: extensions need no definition, and none is run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import Reader, ReadOptions
from brainsim.reader._file import head_of
from brainsim.reader._hdf5 import HDF5, child, opened, peek, text
from brainsim.reader._intervals import stimuli, units
from brainsim.reader._nwb_index import restored, was_indexed, without_stimuli
from brainsim.reader._plane import rois_of
from brainsim.reader._roi import joined, traces
from brainsim.reader._series import Series, find_series

ORDER = ("dff", "corrected", "raw", "denoised")
NEUROPIL = 0.7
UNITS = "units"


@dataclass(frozen=True)
class Nwb(Reader):
    """NWB 2: RoiResponseSeries by type (dF/F first, else fluorescence without neuropil), or the spikes of Units.

    Data stored (ROI, time) against the standard are recognised by the numbers of ROIs and times; where these do not
    tell, `orientation` must. `variable` names another series by its path or name, or ``"units"`` for the spikes. All
    planes of one kind are read together. ``conversion`` and ``offset`` are applied. A file that brainsim wrote gives
    back the Dataset it was written from, unless an option asks for a part of it.

    References
    ----------
    Rübel, Tritt, Ly, Dichter, Ghosh, Niu, Baker, Soltesz, Ng, Svoboda, Frank, Bouchard, The Neurodata Without Borders
    ecosystem for neurophysiological data science, eLife 11 (2022).
    """

    name: ClassVar[str] = "nwb"
    priority: ClassVar[int] = 1
    suffixes: ClassVar[tuple[str, ...]] = (".nwb",)
    takes: ClassVar[tuple[str, ...]] = (
        "sampling_rate", "stimuli", "units", "orientation", "variable", "rois", "neuropil", "duration",
    )  # fmt: skip

    def guess(self, source: Path) -> bool:
        """Tell whether it is HDF5 that ends in .nwb, or says that it is NWB 2."""
        if source.suffix.lower() in self.suffixes:
            return head_of(source).startswith(HDF5)
        return peek(source).get("neurodata_type") == "NWBFile"

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return ``calcium (time, neuron)`` with its trials, or ``spike_time`` and ``spike_neuron``.

        Raises
        ------
        InputError
            If the file is damaged, leads out of itself, holds neither traces nor spikes, or contradicts itself.
        """
        with opened(source) as file:
            if was_indexed(file) and not any(getattr(options, name) for name in self.takes if name != "stimuli"):
                dataset = restored(file)
                return dataset if options.stimuli is None else without_stimuli(dataset)
            series = find_series(file)
            events = options.variable == UNITS or not any(each.role in ORDER for each in series)
            dataset = _events(file, options, series) if events else _traces(file, options, series)
            if options.stimuli is None:
                _attach(dataset, file)
            start = child(file, "session_start_time")
            if getattr(start, "shape", None) == ():
                dataset.attrs["session_start_time"] = text(start[()])
        return dataset


def _events(file: Any, options: ReadOptions, series: list[Series]) -> xr.Dataset:
    """Return the spikes of a file."""
    found = units(file, options)
    if found is None:
        other = f" (it has {', '.join(each.path for each in series)})" if series else ""
        raise InputError(
            f"there is neither fluorescence of ROIs nor a table of units in it{other}",
            where=f"{file.filename}, field 'RoiResponseSeries'",
            remedy="give a file with processed data, or name the series with --variable",
        )
    dataset, notices = found
    dataset.attrs["notices"] = "\n".join(notices)
    return dataset


def _traces(file: Any, options: ReadOptions, series: list[Series]) -> xr.Dataset:
    """Return the traces of one kind, of all planes."""
    chosen, notices = _chosen(series, options, file.filename)
    role = chosen[0].role
    parts = [each.values(options) for each in chosen]
    rois = joined(
        [rois_of(s.table(), s.rows(), v.shape[1], s.where) for s, v in zip(chosen, parts, strict=True)],
        [each.path.rsplit("/", 1)[-1] for each in chosen],
    )
    time, rate, frames = chosen[0].times(len(parts[0]), options)
    for each, values in zip(chosen[1:], parts[1:], strict=True):
        if len(values) != len(parts[0]):
            raise InputError(
                f"it has {len(values)} frames, {chosen[0].path} {len(parts[0])}",
                where=each.where,
                remedy="read each plane by itself with --variable",
            )
    coefficient = _coefficient(role, options, notices, series)
    if coefficient:
        parts = [
            values - coefficient * _neuropil(each, series, values.shape, options)
            for each, values in zip(chosen, parts, strict=True)
        ]
    notices += _apart(chosen, time, rate, frames, options)
    kept = rois.kept(options, f"{file.filename}, field '{chosen[0].path}/rois'")
    values = np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
    unit = options.units or ("dF/F" if role == "dff" else "raw fluorescence")
    dataset = traces(values[np.ix_(frames, kept)], time, rate, unit, rois.coordinates(kept, options))
    if not frames.all():
        notices.append(f"{int((~frames).sum())} frame(s) were left out whose time does not increase")
    if child(file, "units") is not None:
        notices.append("the file holds spikes of units too: --variable units reads them")
    dataset.attrs |= {"neuropil_coefficient": coefficient} if role == "raw" else {}
    dataset.attrs["notices"] = "\n".join([*rois.notice(kept), *notices])
    return dataset


def _chosen(series: list[Series], options: ReadOptions, source: str) -> tuple[list[Series], list[str]]:
    """Return the series to read: those of the best kind, one for each table of ROIs."""
    if options.variable is not None:
        wanted = options.variable.strip("/")
        named = [each for each in series if each.path.strip("/") == wanted or each.path.endswith(f"/{wanted}")]
        if len(named) != 1:
            raise InputError(
                f"{len(named)} series are called '{wanted[:60]}'",
                where=f"{source}, field 'RoiResponseSeries'",
                remedy=f"choose among {', '.join(each.path for each in series) or 'none'}",
            )
        return named, []
    role = next(role for role in ORDER if any(each.role == role for each in series))
    found: dict[str, Series] = {}
    other = []
    for each in (each for each in series if each.role == role):
        table = each.table()
        if found.setdefault(each.path if table is None else table.name, each) is not each:
            other.append(each.path)
    names = ", ".join(each.path for each in found.values())
    told = f"{names} read, not {', '.join(other)}; give --variable for another"
    return list(found.values()), [told] if other else []


def _apart(
    chosen: list[Series], time: NDArray[Any], rate: float, frames: NDArray[np.bool_], options: ReadOptions
) -> list[str]:
    """Say how far planes are apart in time, where that is more than a frame."""
    others = [each.times(len(frames), options)[0] for each in chosen[1:]]
    apart = [float(np.abs(other[: len(time)] - time[: len(other)]).max()) for other in others]
    worst = max(apart, default=0.0)
    told = f"planes are imaged up to {worst:.4g} s apart: the times of {chosen[0].path} were taken"
    return [told] if worst > 1 / rate else []


def _coefficient(role: str, options: ReadOptions, notices: list[str], series: list[Series]) -> float:
    """Return the share of the neuropil to take off raw fluorescence."""
    if role != "raw":
        return 0.0
    if not any(each.role == "neuropil" for each in series):
        notices.append("the file holds no neuropil: none was taken off")
        return 0.0
    if options.neuropil is None:
        notices.append(f"NWB does not tell the neuropil coefficient: {NEUROPIL} was taken; give --neuropil")
        return NEUROPIL
    return options.neuropil


def _neuropil(each: Series, series: list[Series], shape: tuple[int, ...], options: ReadOptions) -> NDArray[Any]:
    """Return the neuropil that belongs to a series: of the same table of ROIs and shape."""
    table = each.table()
    fitting = [one for one in series if one.role == "neuropil" and one.table() == table]
    if len(fitting) > 1:  # two channels of the same ROIs
        fitting = [one for one in fitting if one.alike() == each.alike()]
    if len(fitting) != 1:
        raise InputError(
            f"{len(fitting)} series of neuropil belong to it",
            where=each.where,
            remedy="give --neuropil 0 to take none off",
        )
    values = fitting[0].values(options)
    if values.shape != shape:
        raise InputError(
            f"its shape is {values.shape}, that of {each.path} {shape} (time, ROI)",
            where=fitting[0].where,
            remedy="give --neuropil 0 to take none off, or write the file again",
        )
    return values


def _attach(dataset: xr.Dataset, file: Any) -> None:
    """Attach the trials that the file holds."""
    if "time" in dataset.coords:
        first, last = float(dataset.time[0]), float(dataset.time[-1] + 1 / dataset.attrs["sampling_rate_hz"])
    else:
        first, last = 0.0, float(dataset.attrs["duration_s"])
    coords, notices = stimuli(file, first, last)
    dataset.coords.update(coords)
    told = [line for line in dataset.attrs.get("notices", "").splitlines() if line]
    dataset.attrs["notices"] = "\n".join([*told, *notices])
