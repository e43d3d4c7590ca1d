"""Stimuli of a recording: a table of onsets, one label per trial, or one code per frame."""

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader._cell import unprotected
from brainsim.reader._text import Table, read_table

COLUMNS = ("onset_s", "duration_s", "stimulus")


def attach(dataset: xr.Dataset, path: Path) -> xr.Dataset:
    """Attach a stimulus file to a recording.

    Parameters
    ----------
    dataset
        A recording without stimuli.
    path
        A table with the columns `onset_s`, `duration_s`, `stimulus`, or one label per trial in one row or column.

    Returns
    -------
    Dataset
        With `onset` and `duration` [s] and `stimulus` on `trial`, in order of onset; or `stimulus` alone.

    Raises
    ------
    InputError
        If the recording has stimuli already, the number of labels is not that of the trials, an onset lies outside
        the recording, or a duration is negative.
    """
    if "stimulus" in dataset.coords:
        raise InputError(
            "the recording has stimuli already",
            where=f"{path}, field 'stimulus'",
            remedy="leave out --stimuli, or remove them from the recording first",
        )
    table = read_table(path)
    if table.header and table.column("onset_s") is not None:
        return _attach_table(dataset, table)
    found = labels(table)
    trials = dataset.sizes.get("trial")
    if trials is None:
        raise InputError(
            f"there are {len(found)} labels, but the recording has no trials",
            where=f"{path}, field 'stimulus'",
            remedy=f"give the columns {', '.join(COLUMNS)}",
        )
    if trials != len(found):
        raise InputError(
            f"there are {len(found)} labels for {trials} trials",
            where=f"{path}, field 'stimulus'",
            remedy="give the labels of the same session, one per trial",
        )
    return dataset.assign_coords(stimulus=("trial", np.array(found)))


def beside(source: Path) -> Path | None:
    """Return the stimulus table that ``brainsim data write`` puts beside a CSV file."""
    path = source.with_name(f"{source.stem}_stimuli.csv")
    return path if path.is_file() else None


def labels(table: Table) -> list[str]:
    """Return one label per trial from one row or one column; a header over a single column is left out.

    Raises
    ------
    InputError
        If the file has several rows and columns, or an empty label.
    """
    rows = [[unprotected(cell.strip()) for cell in row] for row in table.rows]
    single_row = not rows and table.header
    if single_row:
        rows = [list(table.header or [])]
    elif table.header and table.header[0].lower() not in ("stimulus", "label", "tag", "labels", "tags"):
        rows = [table.header, *rows]
    if len(rows) > 1 and len(rows[0]) > 1:
        raise InputError(
            f"it has {len(rows)} rows and {len(rows[0])} columns",
            where=f"{table.path}, field 'stimulus'",
            remedy=f"give one label per trial in one row or column, or the columns {', '.join(COLUMNS)}",
        )
    found = rows[0] if len(rows) == 1 else [row[0] for row in rows]
    if not all(found):
        raise InputError(
            f"label {found.index('') + 1} of {len(found)} is empty",
            where=f"{table.path}, field 'stimulus'",
            remedy="give every trial a label",
        )
    return found


def trials_of_codes(codes: NDArray[np.float64], rate: float) -> dict[str, tuple[str, NDArray[np.generic]]]:
    """Return the trials of a stimulus code per frame: every run of one code that is not 0.

    Parameters
    ----------
    codes
        Code of each frame, 0 for none, shape (time,).
    rate
        Frames per second [Hz].

    Returns
    -------
    dict
        The coordinates `onset`, `duration` [s] and `stimulus` on `trial`.
    """
    starts = np.flatnonzero(np.diff(codes, prepend=0.0) != 0)
    ends = np.append(starts[1:], len(codes))
    shown = codes[starts] != 0
    return {
        "onset": ("trial", starts[shown] / rate),
        "duration": ("trial", (ends - starts)[shown] / rate),
        "stimulus": ("trial", np.array([f"{code:g}" for code in codes[starts[shown]]])),
    }


def _attach_table(dataset: xr.Dataset, table: Table) -> xr.Dataset:
    """Attach onsets, durations and names, in order of onset."""
    columns = [table.column(name) for name in COLUMNS]
    if None in columns or not table.rows:
        missing = [name for name, at in zip(COLUMNS, columns, strict=True) if at is None]
        raise InputError(
            f"there is no column {', '.join(missing)}" if missing else "there is no stimulus in it",
            where=f"{table.path}, field '{(missing or ['onset_s'])[0]}'",
            remedy=f"give the columns {', '.join(COLUMNS)}",
        )
    if "trial" in dataset.dims:
        raise InputError(
            "the recording has trials already",
            where=f"{table.path}, field 'onset_s'",
            remedy="give one label per trial instead",
        )
    onset_at, duration_at, name_at = (int(at) for at in columns if at is not None)
    onset, duration = table.numbers([onset_at, duration_at]).T
    names = np.array(table.texts(name_at))
    first, last = _extent(dataset)
    outside = ~((onset >= first) & (onset < last))
    for field, wrong, what in (
        ("onset_s", outside, f"onset outside the recording, which runs from {first:g} to {last:g} s"),
        ("duration_s", ~(duration >= 0), "duration that is negative or no number"),
        ("stimulus", names == "", "stimulus without a name"),
    ):
        if wrong.any():
            raise InputError(
                f"line {table.lines[int(np.argmax(wrong))]}: {what} ({int(wrong.sum())} such lines)",
                where=f"{table.path}, field '{field}'",
                remedy="correct the table, in seconds",
            )
    order = np.argsort(onset, kind="stable")
    return dataset.assign_coords(
        onset=("trial", onset[order]), duration=("trial", duration[order]), stimulus=("trial", names[order])
    )


def _extent(dataset: xr.Dataset) -> tuple[float, float]:
    """Return begin and end of the recording [s]."""
    if "time" in dataset.coords and dataset.sizes["time"]:
        time = dataset["time"].values
        return float(time[0]), float(time[-1] + 1 / float(dataset.attrs["sampling_rate_hz"]))
    return 0.0, float(dataset.attrs["duration_s"])
