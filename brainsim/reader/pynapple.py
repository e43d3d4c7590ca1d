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
from brainsim.reader._roi import named, traces
from brainsim.reader._spikes import events

Arrays = dict[str, Any]
TRACES = ("Tsd", "TsdFrame")
SPIKES = ("Ts", "TsGroup")
META = "_metadata"


@dataclass(frozen=True)
class Pynapple(Reader):
    """Archive of pynapple (.npz): Tsd and TsdFrame are traces, Ts and TsGroup spikes.

    Times are in seconds, as pynapple saves them. The end of spikes is that of the last epoch. Metadata become
    ``roi_<column>`` and ``unit_<column>``.

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
        held = read_npz(source, ("type", "t", "d", "columns", "index", "keys", "end", META))
        kind = next(iter(map(str, np.ravel(held.get("type", "nothing")))), "nothing")
        needed = {"Tsd": ("t", "d"), "TsdFrame": ("t", "d"), "Ts": ("t",), "TsGroup": ("t", "index")}.get(kind)
        if needed is None:
            raise InputError(
                f"it holds a '{kind[:40]}' of pynapple",
                where=f"{source}, field 'type'",
                remedy=f"save one of {', '.join((*TRACES, *SPIKES))}",
            )
        for name in needed:
            if not isinstance(held.get(name), np.ndarray) or held[name].dtype.kind not in "fiub":
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
    names = _plain(held.get("columns"), values.shape[1])
    names = np.arange(values.shape[1]) if names is None else names
    kept = usable(time, f"{source}, field 't'")
    stamps, rate = clock(time[kept], int(kept.sum()), options.sampling_rate, source, field="t")
    notices = [] if kept.all() else [f"{int((~kept).sum())} frame(s) were left out whose time does not increase"]
    if options.units is None:
        notices.append(f"{source.name} does not tell its unit: taken as dF/F; give --units if it is another")
    dataset = traces(
        values[kept], stamps, rate, options.units or "dF/F", {"neuron": names, **_metadata(held, "roi", len(names))}
    )
    dataset.attrs["notices"] = "\n".join(notices)
    return dataset


def _spikes(held: Arrays, source: Path, options: ReadOptions) -> xr.Dataset:
    """Return spikes in order of time."""
    time = held["t"].ravel().astype(float)
    owner = held["index"].ravel() if "index" in held else np.zeros(len(time), int)
    keys = _numbers(held.get("keys"))
    names = np.unique(keys if len(keys) else owner)
    cell = np.searchsorted(names, owner)
    if len(owner) != len(time) or not len(names) or not np.isin(owner, names).all():
        raise InputError(
            f"it names {len(owner)} owners for {len(time)} spikes, or some that are no keys",
            where=f"{source}, field 'index'",
            remedy="save it again with pynapple",
        )
    ends = _numbers(held.get("end"))
    end = options.duration or float(ends.max() if len(ends) else time.max() if len(time) else 0)
    dataset = events(time, cell, names, end, f"{source}, field 't'")
    return dataset.assign_coords(_metadata(held, "unit", len(names)))


def _numbers(values: Any) -> NDArray[Any]:
    """Return a vector of numbers, an empty one for anything else."""
    return values.ravel() if isinstance(values, np.ndarray) and values.dtype.kind in "fiu" else np.zeros(0)


def _plain(values: Any, count: int) -> NDArray[Any] | None:
    """Return as many numbers or texts, `None` for anything else; objects become text."""
    if not isinstance(values, np.ndarray) or values.shape != (count,) or values.dtype.kind not in "fiubUO":
        return None
    return values.astype(str) if values.dtype.kind == "O" else values


def _metadata(held: Arrays, prefix: str, count: int) -> dict[str, Any]:
    """Return the metadata of each neuron as coordinates."""
    told = held.get(META)
    columns = {str(key): _plain(each, count) for key, each in told.items()} if isinstance(told, dict) else {}
    return named(prefix, "neuron", {key: each for key, each in columns.items() if each is not None})
