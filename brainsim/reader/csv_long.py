"""Spikes as a table of neuron and time."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import Reader, ReadOptions
from brainsim.reader._stimuli import beside
from brainsim.reader._text import Table, looks_like_text, read_head, read_table

NEURON = ("neuron", "cell", "unit")
TIME = ("time_s", "spike_time_s", "spike_time", "time")


@dataclass(frozen=True)
class CsvLong(Reader):
    """CSV long: one spike per line, columns neuron and time_s; neurons without spikes are kept.

    Neurons are indices from 0, or names; names are put in order. Without `neurons` there are as many as the largest
    index tells, without `duration` the recording ends with its last spike; a notice says so.
    """

    name: ClassVar[str] = "csv-long"
    priority: ClassVar[int] = 5
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".txt")
    takes: ClassVar[tuple[str, ...]] = ("duration", "neurons", "stimuli")

    def guess(self, source: Path) -> bool:
        """Tell whether it is a text table with exactly a column of neurons and one of times."""
        if not looks_like_text(source, self.suffixes):
            return False
        head = read_head(source)
        return len(head.header or []) == 2 and None not in (head.column(*NEURON), head.column(*TIME))

    def companion(self, source: Path) -> Path | None:
        """Return the table ``<name>_stimuli.csv``."""
        return beside(source)

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return ``spike_time`` and ``spike_neuron``, in order of time.

        Raises
        ------
        InputError
            If a column is missing, a time is no number, negative or after the end, or a neuron is not among those.
        """
        table = read_table(source)
        neuron_at, time_at = table.column(*NEURON), table.column(*TIME)
        if neuron_at is None or time_at is None:
            field = "neuron" if neuron_at is None else "time_s"
            raise InputError(
                f"there is no column {field} (there are: {', '.join(table.header or ['no names'])[:80]})",
                where=f"{source}, field '{field}'",
                remedy="name the columns neuron,time_s",
            )
        notices = list(table.notices)
        time = table.numbers([time_at])[:, 0]
        duration = options.duration
        _refuse(table, ~np.isfinite(time), "missing or infinite", "drop those lines")
        _refuse(table, time < 0, "negative", "shift the times, or drop those lines")
        if duration is None:
            duration = float(time.max()) if len(time) else 0.0
            notices.append(f"the end was not given: the last spike at {duration:g} s was taken; give --duration")
        _refuse(table, time > duration, f"after the end at {duration:g} s", "give the right --duration")
        names, index = _neurons(table, neuron_at, options.neurons, notices)
        order = np.argsort(time, kind="stable")
        return xr.Dataset(
            {"spike_time": ("spike", time[order]), "spike_neuron": ("spike", index[order])},
            coords={"neuron": names},
            attrs={"duration_s": duration, "notices": "\n".join(notices)},
        )


def _refuse(table: Table, wrong: NDArray[np.bool_], what: str, remedy: str) -> None:
    """Raise if any spike time is wrong, naming the first."""
    if wrong.any():
        first = table.lines[int(np.argmax(wrong))]
        raise InputError(
            f"{int(wrong.sum())} spike times are {what}, the first in line {first}",
            where=f"{table.path}, field 'time_s'",
            remedy=remedy,
        )


def _neurons(
    table: Table, at: int, wanted: int | None, notices: list[str]
) -> tuple[NDArray[np.generic], NDArray[np.int64]]:
    """Return the names of all neurons and the index of each spike's neuron."""
    text = table.texts(at)
    field = f"{table.path}, field 'neuron'"
    if not all(text):
        raise InputError(
            f"line {table.lines[text.index('')]} names no neuron ({text.count('')} such lines)",
            where=field,
            remedy="give every spike its neuron",
        )
    if all(_is_index(name) for name in text):
        index = np.array([int(float(name)) for name in text], dtype=np.int64)
        known: NDArray[np.generic] = np.arange(int(index.max(initial=-1)) + 1)
    else:
        known, index = np.unique(np.array(text), return_inverse=True)
    if wanted is None:
        notices.append(f"the number of neurons was not given: {len(known)} taken; give --neurons if some are silent")
    elif wanted < len(known):
        raise InputError(
            f"there are {len(known)} neurons in it, but --neurons is {wanted}",
            where=field,
            remedy=f"give --neurons {len(known)} or more",
        )
    elif len(known) < wanted:
        more = np.arange(len(known), wanted)
        known = np.concatenate([known, more if known.dtype.kind == "i" else np.char.add("silent ", more.astype(str))])
    if not len(known):
        raise InputError("there is no spike and no neuron in it", where=field, remedy="give --neurons and --duration")
    return known, index


def _is_index(name: str) -> bool:
    """Tell whether a name is 0, 1, 2 ... (or 3.0, as a spreadsheet writes it)."""
    return name.isdecimal() or (name.endswith(".0") and name[:-2].isdecimal())
