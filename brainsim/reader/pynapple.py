"""Archives of pynapple (.npz): time series and groups of spike trains."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import Reader, ReadOptions
from brainsim.reader._clock import clock, usable
from brainsim.reader._file import head_of
from brainsim.reader._npy import npz_names, read_npz
from brainsim.reader._roi import traces
from brainsim.reader._spikes import events

Arrays = dict[str, NDArray[Any]]
TRACES = ("Tsd", "TsdFrame")
SPIKES = ("Ts", "TsGroup")


@dataclass(frozen=True)
class Pynapple(Reader):
    """Archive of pynapple (.npz): Tsd and TsdFrame are traces, Ts and TsGroup spikes.

    Times are in seconds, as pynapple saves them. The end of spikes is that of the last epoch. Columns that pynapple
    saves as objects are not read.

    References
    ----------
    Viejo et al., Pynapple, a toolbox for data analysis in neuroscience, eLife 12 (2023).
    """

    name: ClassVar[str] = "pynapple"
    priority: ClassVar[int] = 0
    suffixes: ClassVar[tuple[str, ...]] = (".npz",)
    takes: ClassVar[tuple[str, ...]] = ("sampling_rate", "duration", "stimuli", "units")

    def guess(self, source: Path) -> bool:
        """Tell whether it is an archive of arrays with a type and times."""
        if source.suffix.lower() not in self.suffixes or head_of(source, 4) != b"PK\x03\x04":
            return False
        names = npz_names(source)
        return "type" in names or not names  # an archive that cannot be opened is named as such by `read`

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return ``calcium (time, neuron)``, or ``spike_time`` and ``spike_neuron``.

        Raises
        ------
        InputError
            If the archive is damaged, of another type, or its arrays do not belong together.
        """
        held = read_npz(source, ("type", "t", "d", "columns", "index", "keys", "start", "end"))
        kind = str(np.ravel(held["type"])[0]) if "type" in held and held["type"].size else "nothing"
        needed = {"Tsd": ("t", "d"), "TsdFrame": ("t", "d"), "Ts": ("t",), "TsGroup": ("t", "index")}.get(kind)
        if needed is None:
            raise InputError(
                f"it holds a '{kind[:40]}' of pynapple",
                where=f"{source}, field 'type'",
                remedy=f"save one of {', '.join((*TRACES, *SPIKES))}",
            )
        for name in needed:
            if name not in held or held[name].dtype.kind not in "fiub":
                raise InputError("it is missing or holds no numbers", where=f"{source}, field '{name}'",
                                 remedy="save it again with pynapple")  # fmt: skip
        return _traces(held, source, options) if kind in TRACES else _spikes(held, source, options)


def _traces(held: Arrays, source: Path, options: ReadOptions) -> xr.Dataset:
    """Return the columns of a series as neurons."""
    if options.duration is not None:
        where = f"{source}, field 'duration'"
        raise InputError("traces have no use for --duration", where=where, remedy="leave it out")
    time, values = held["t"].ravel().astype(float), held["d"]
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != len(time) or not values.size:
        raise InputError(
            f"its shape is {values.shape} for {len(time)} times", where=f"{source}, field 'd'",
            remedy="save it again with pynapple",
        )  # fmt: skip
    names = held.get("columns", np.arange(values.shape[1])).ravel()
    names = names if len(names) == values.shape[1] else np.arange(values.shape[1])
    kept = usable(time, f"{source}, field 't'")
    stamps, rate = clock(time[kept], int(kept.sum()), options.sampling_rate, source, field="t")
    notices = [] if kept.all() else [f"{int((~kept).sum())} frame(s) were left out whose time does not increase"]
    if options.units is None:
        notices.append(f"{source.name} does not tell its unit: taken as dF/F; give --units if it is another")
    dataset = traces(values[kept], stamps, rate, options.units or "dF/F", {"neuron": names})
    dataset.attrs["notices"] = "\n".join(notices)
    return dataset


def _spikes(held: Arrays, source: Path, options: ReadOptions) -> xr.Dataset:
    """Return spikes in order of time."""
    time = held["t"].ravel().astype(float)
    owner = held["index"].ravel() if "index" in held else np.zeros(len(time), int)
    names = np.unique(held["keys"].ravel() if "keys" in held and held["keys"].size else owner)
    cell = np.searchsorted(names, owner)
    if len(owner) != len(time) or not len(names) or not np.isin(owner, names).all():
        raise InputError(
            f"it names {len(owner)} owners for {len(time)} spikes, or some that are no keys",
            where=f"{source}, field 'index'",
            remedy="save it again with pynapple",
        )
    ends = held.get("end", np.zeros(0)).ravel()
    end = options.duration or float(ends.max() if len(ends) else time.max() if len(time) else 0)
    return events(time, cell, names, end, f"{source}, field 't'")
