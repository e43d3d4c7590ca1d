"""Fluorescence as a table: a row per frame and a column per neuron, or the other way round."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import Reader, ReadOptions
from brainsim.reader._cell import is_number
from brainsim.reader._clock import clock
from brainsim.reader._stimuli import beside
from brainsim.reader._text import Table, looks_like_text, read_head, read_table

SECONDS = ("time_s", "time", "t", "time (s)", "time [s]", "seconds", "timestamp", "timestamps")
FRAMES = ("frame", "frames", "frame_number", "index", "")
NAMES = ("neuron", "cell", "roi", "unit", "name", "")


@dataclass(frozen=True)
class CsvWide(Reader):
    """CSV wide: rows are frames and columns neurons, under a header; a column of times or frame numbers is recognised.

    Empty cells stay missing. ``orientation="neuron-time"`` reads a row per neuron: the header then holds the times,
    and a first column `neuron` the names. Without times the sampling rate must be given.
    """

    name: ClassVar[str] = "csv-wide"
    priority: ClassVar[int] = 6
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".txt")
    takes: ClassVar[tuple[str, ...]] = ("sampling_rate", "stimuli", "orientation", "units")

    def guess(self, source: Path) -> bool:
        """Tell whether it is a text table with a header."""
        if not looks_like_text(source, self.suffixes):
            return False
        head = read_head(source, counted=True)
        numeric = bool(head.rows) and any(cell.strip() and is_number(cell) for cell in head.rows[0])
        return head.header is not None and numeric and head.column("onset_s") is None

    def companion(self, source: Path) -> Path | None:
        """Return the table ``<name>_stimuli.csv``."""
        return beside(source)

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return ``calcium (time, neuron)``.

        Raises
        ------
        InputError
            If a cell is no number, the sampling rate is not told or contradicts the times, or the orientation is open.
        """
        table = read_table(source, counted=True)
        if table.header is None:
            raise InputError(
                "there is no header with the names of the neurons",
                where=f"{source}, field 'line 1'",
                remedy="add one, or read it with --format trial-table if a row is a trial",
            )
        if not table.rows:
            raise InputError(
                "there is no frame in it, only a header",
                where=f"{source}, field 'line 2'",
                remedy="copy or download it again",
            )
        notices = list(table.notices)
        read = _rows_are_neurons if options.orientation == "neuron-time" else _rows_are_frames
        values, names, time, frames = read(table, options)
        time, rate = clock(
            time,
            len(values),
            options.sampling_rate,
            source,
            frames=frames,
            missing="there is no column of times",
        )
        if options.units is None:
            notices.append(f"{source.name} does not tell its unit: taken as dF/F; give --units if it is another")
        calcium = ("time", "neuron"), values, {"units": options.units or "dF/F"}
        return xr.Dataset(
            {"calcium": calcium},
            coords={"time": time, "neuron": names},
            attrs={"sampling_rate_hz": rate, "notices": "\n".join(notices)},
        )


Floats = NDArray[np.float64]
Parts = tuple[Floats, NDArray[np.generic], Floats | None, Floats | None]


def _rows_are_frames(table: Table, options: ReadOptions) -> Parts:
    """Return values (time, neuron), names, times [s] and frame numbers of a table with a row per frame."""
    header = table.header or []
    seconds = table.column(*SECONDS)
    frame = table.column(*FRAMES) if seconds is None else None
    columns = [c for c in range(len(header)) if c not in (seconds, frame)]
    if seconds is None and frame is None and options.orientation is None and len(columns) > len(table.rows):
        raise InputError(
            f"{len(table.rows)} rows and {len(columns)} columns do not tell which are the neurons",
            where=f"{table.path}, field 'orientation'",
            remedy="give --orientation time-neuron if a row is a frame, neuron-time if it is a neuron",
        )
    if not columns:
        raise InputError(
            "there is no column of a neuron, only the time",
            where=f"{table.path}, field 'neuron'",
            remedy="add a column per neuron",
        )
    times = None if seconds is None else table.numbers([seconds])[:, 0]
    frames = None if frame is None else table.numbers([frame])[:, 0]
    return table.numbers(columns), _names([header[c] for c in columns]), times, frames


def _rows_are_neurons(table: Table, options: ReadOptions) -> Parts:
    """Return the same of a table with a row per neuron."""
    header = table.header or []
    named = table.column(*NAMES)
    columns = [c for c in range(len(header)) if c != named]
    names = _names(table.texts(named)) if named is not None else np.arange(len(table.rows))
    head = np.array([_number(header[c]) for c in columns])
    counted = bool((np.diff(head) == 1).all()) and options.sampling_rate is not None
    times = head if np.isfinite(head).all() and not counted else None
    return table.numbers(columns).T, names, times, head if counted else None


def _names(cells: list[str]) -> NDArray[np.generic]:
    """Return names of neurons, as integers where all are."""
    plain = all(cell.isdecimal() and str(int(cell)) == cell for cell in cells)
    return np.array([int(cell) for cell in cells]) if plain else np.array(cells)


def _number(cell: str) -> float:
    """Return a number of the header, NaN for a name."""
    try:
        return float(cell)
    except ValueError:
        return float("nan")
