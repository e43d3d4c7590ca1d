"""Tables of trial x neuron without a header, with a tag file that names the stimulus of each trial."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import Reader, ReadOptions
from brainsim.reader._stimuli import labels
from brainsim.reader._text import looks_like_text, read_head, read_table


@dataclass(frozen=True)
class TrialTable(Reader):
    """Trial table: one number per trial and neuron (the fraction of active frames), and a tag file of labels.

    The dimension that has as many entries as the tag file has labels is `trial`. Where both or neither has, or there
    is no tag file, `orientation` must say: ``"time-neuron"`` for a row per trial, ``"neuron-time"`` for a row per
    neuron. The tag file is the one named by `stimuli`, or the file ``<session>_tag.*`` beside the table whose session
    begins the name of the table.
    """

    name: ClassVar[str] = "trial-table"
    priority: ClassVar[int] = 7
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".txt")
    takes: ClassVar[tuple[str, ...]] = ("sampling_rate", "stimuli", "orientation", "units")
    reads_stimuli: ClassVar[bool] = True

    def guess(self, source: Path) -> bool:
        """Tell whether it is a text matrix without a header, at least two by two, and no tag file."""
        if not looks_like_text(source, self.suffixes) or _session(source) is not None:
            return False
        head = read_head(source)
        return head.header is None and len(head.rows) > 1 and len(head.rows[0]) > 1

    def companion(self, source: Path) -> Path | None:
        """Return the tag file of the session, the one with the longest name that fits."""
        sessions = {_session(path): path for path in source.parent.iterdir() if path != source and path.is_file()}
        fitting = [name for name in sessions if name is not None and f"{source.stem}_".startswith(f"{name}_")]
        return sessions[max(fitting, key=len)] if fitting else None

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return ``calcium (trial, time, neuron)`` with one frame per trial.

        Raises
        ------
        InputError
            If the labels fit no dimension, the orientation cannot be told, or a cell is no number.
        """
        table = read_table(source)
        if table.header:
            raise InputError(
                f"the first line holds names ('{table.header[0][:40]}'), a trial table has none",
                where=f"{source}, field 'line 1'",
                remedy="read it with --format csv-wide",
            )
        values = table.numbers(range(len(table.rows[0])))
        tags = labels(read_table(options.stimuli)) if options.stimuli else None
        if _neurons_in_rows(values.shape, tags, source, options):
            values = values.T
        units, notices = _units(values, options.units)
        if options.stimuli and (session := _session(options.stimuli)) and not source.stem.startswith(session):
            notices.append(f"the tag file {options.stimuli.name} is named after another session than {source.name}")
        coords: dict[str, object] = {"time": [0.0], "neuron": np.arange(values.shape[1])}
        if tags is not None:
            name = (_session(options.stimuli) if options.stimuli else None) or source.stem
            coords |= {"stimulus": ("trial", np.array(tags)), "session": ("trial", np.full(len(tags), name))}
        attrs: dict[str, str | float] = {"notices": "\n".join([*table.notices, *notices])}
        if options.sampling_rate:
            attrs |= {"sampling_rate_hz": options.sampling_rate}
        calcium = ("trial", "time", "neuron"), values[:, None, :], {"units": units}
        return xr.Dataset({"calcium": calcium}, coords=coords, attrs=attrs)


def _session(path: Path) -> str | None:
    """Return the session that a tag file is named after, `None` for any other file."""
    name, mark, rest = path.stem.rpartition("_tag")
    return name if mark and not rest else None


def _neurons_in_rows(shape: tuple[int, ...], tags: list[str] | None, source: Path, options: ReadOptions) -> bool:
    """Tell from the number of labels, or from the user, whether the rows are neurons."""
    rows, columns = shape
    if tags is None:
        if options.orientation is None:
            raise InputError(
                f"{rows} rows and {columns} columns do not tell which are the trials",
                where=f"{source}, field 'orientation'",
                remedy="give the tag file, or --orientation time-neuron if a row is a trial",
            )
        return options.orientation == "neuron-time"
    fits = {"time-neuron": len(tags) == rows, "neuron-time": len(tags) == columns}
    allowed = [name for name, right in fits.items() if right and options.orientation in (None, name)]
    if not allowed:
        trials = {"time-neuron": f"{rows} trials", "neuron-time": f"{columns} trials"}.get(
            options.orientation or "", f"{rows} trials (rows; or {columns}, if columns are trials)"
        )
        raise InputError(
            f"there are {len(tags)} labels for the {trials} of {source}",
            where=f"{options.stimuli}, field 'stimulus'",
            remedy="give the tag file of the same session",
        )
    if len(allowed) > 1:
        raise InputError(
            f"{len(tags)} labels fit the {rows} rows and the {columns} columns",
            where=f"{source}, field 'orientation'",
            remedy="give --orientation time-neuron if a row is a trial, neuron-time if it is a neuron",
        )
    return allowed[0] == "neuron-time"


def _units(values: NDArray[np.float64], given: str | None) -> tuple[str, list[str]]:
    """Return the unit of the values, and a notice where it is not what trial tables hold."""
    if given:
        return given, []
    if np.nanmin(values, initial=0) < 0 or np.nanmax(values, initial=0) > 1:
        return "dF/F", ["values outside 0..1 are no fraction of active frames: taken as dF/F; give --units if not"]
    return "active fraction", []
