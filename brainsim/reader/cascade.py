"""Ground truth of CASCADE: fluorescence and spikes of one neuron, in MATLAB 5 files.

A file holds ``CAttached{1, n}``, the n recordings of one neuron, each with ``fluo_time`` [s], ``fluo_mean`` [dF/F] and
``events_AP`` [0.1 ms]. Neurons of different files were not recorded together, so a file becomes a recording of one
neuron, and its n recordings follow each other with a pause of 10 s between them.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import Reader, ReadOptions
from brainsim.reader._clock import usable
from brainsim.reader._mat import load

Floats = NDArray[np.float64]

VARIABLE = "CAttached"
FIELDS = ("fluo_time", "fluo_mean", "events_AP")
PAUSE_S = 10.0
TICK_S = 1e-4
SAME_RATE = 0.05
INTERNEURON = re.compile(r"(?:^|[-_])(PV|SST|VIP)(?=[-_\d]|$)")


@dataclass(frozen=True)
class Cascade(Reader):
    """CASCADE ground truth (.mat): calcium and spikes of one neuron.

    The attribute `data_set` is the name of the file's folder. A folder or file named after an interneuron (PV, SST,
    VIP) makes the neuron inhibitory; the type of any other is not known, for the files do not tell it (`cell_type`).

    References
    ----------
    Rupprecht, Carta, Hoffmann, Echizen, Blot, Kwan, Dan, Hofer, Kitamura, Helmchen, Friedrich, A database and deep
    learning toolbox for noise-optimized, generalized spike inference from calcium imaging, Nature Neuroscience 24
    (2021).
    """

    name: ClassVar[str] = "cascade"
    priority: ClassVar[int] = 0
    suffixes: ClassVar[tuple[str, ...]] = (".mat",)
    takes: ClassVar[tuple[str, ...]] = ("stimuli", "units")

    def guess(self, source: Path) -> bool:
        """Tell whether it is a MATLAB 5 file whose first variable is ``CAttached``."""
        if not source.is_file() or source.suffix.lower() not in self.suffixes:
            return False
        with source.open("rb") as file:
            return _begins_with(file.read(1024), VARIABLE)

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return ``calcium (time, neuron)`` of one neuron with its `spike_time`.

        Raises
        ------
        InputError
            If the file is damaged, a field is missing or of another kind, or times and values do not belong together.
        """
        parts, notices = _one_rate(list(_recordings(source)), source)
        time, values, spikes, end = [], [], [], -PAUSE_S
        for part in parts:
            start = end + PAUSE_S
            time.append(start + part.time)
            values.append(part.values)
            spikes.append(start + part.spikes)
            notices += part.notices
            end = float(time[-1][-1])
        spike_time = np.sort(np.concatenate(spikes))
        kind, told = _cell_type(source)
        if told and options.cell_type is None:
            notices.append(told)
        frames = np.concatenate(time)
        return xr.Dataset(
            {
                "calcium": (("time", "neuron"), np.concatenate(values)[:, None], {"units": options.units or "dF/F"}),
                "spike_time": ("spike", spike_time),
                "spike_neuron": ("spike", np.zeros(len(spike_time), np.int64)),
            },
            coords={"time": frames, "neuron": [source.stem], "cell_type": ("neuron", [kind])},
            attrs={
                "sampling_rate_hz": parts[0].rate,
                "duration_s": end + 1 / parts[0].rate,
                "data_set": source.resolve().parent.name,
                "notices": "\n".join(notices),
            },
        )


@dataclass(frozen=True, eq=False)
class _Part:
    """One recording of the neuron: frame times [s], dF/F, spike times [s], frame rate [Hz], what was left out."""

    time: Floats
    values: Floats
    spikes: Floats
    rate: float
    notices: list[str]


def _begins_with(head: bytes, variable: str) -> bool:
    """Tell whether the first variable of a MATLAB 5 file, compressed or not, has this name."""
    if not head.startswith(b"MATLAB 5.0 MAT-file"):
        return False
    body = head[128:]
    if 15 in (int.from_bytes(body[:4], "little"), int.from_bytes(body[:4], "big")):
        try:
            body = zlib.decompressobj().decompress(body[8:], 256)
        except zlib.error:
            return False
    return variable.encode() in body[:256]


def _recordings(source: Path) -> Iterator[_Part]:
    """Give the recordings of the neuron."""
    held = load(source, VARIABLE)
    if not isinstance(held, np.ndarray) or held.dtype != object or not held.size:
        raise InputError(
            "it is no list of recordings", where=f"{source}, field '{VARIABLE}'", remedy="give a file of CASCADE"
        )
    for number, each in enumerate(held.ravel(), 1):
        yield _part(each, f"{VARIABLE}{{1,{number}}}", source)


def _part(struct: Any, name: str, source: Path) -> _Part:
    """Check one recording and bring it to seconds."""
    time, values, ticks = (_numbers(struct, field, f"{source}, field '{name}.{field}'") for field in FIELDS)
    where = f"{source}, field '{name}.fluo_time'"
    if len(time) != len(values) or len(time) < 2:
        raise InputError(f"{len(time)} times for {len(values)} values", where=where, remedy="copy the file again")
    kept = usable(time, where)
    dropped = int((~kept).sum())
    time, values = time[kept], np.where(np.isfinite(values[kept]), values[kept], np.nan)
    frame = float(np.median(np.diff(time)))
    start = min(0.0, float(time[0]))
    spikes = ticks * TICK_S
    inside = (spikes >= max(start, time[0] - frame)) & (spikes <= time[-1] + frame)
    outside = int((~inside).sum())
    if outside > len(spikes) / 2:
        raise InputError(
            f"{outside} of {len(spikes)} spikes are outside the recording of {time[-1] - time[0]:.4g} s",
            where=f"{source}, field '{name}.events_AP'",
            remedy="spike times are in units of 0.1 ms: write them so",
        )
    notices = [f"{name}: {dropped} frame(s) were left out whose time does not increase"] if dropped else []
    notices += [f"{name}: {outside} spike(s) outside the recording were left out"] if outside else []
    return _Part(time - start, values, spikes[inside] - start, 1 / frame, notices)


def _numbers(struct: Any, field: str, where: str) -> Floats:
    """Return a field as numbers, shape (n,); an empty one has none."""
    names = struct.dtype.names if isinstance(struct, np.ndarray) and struct.size == 1 else None
    if not names or field not in names:
        raise InputError("it is missing", where=where, remedy="give a file of the CASCADE ground truth")
    values = np.asarray(struct[field].ravel()[0])
    if values.size and (values.dtype.kind not in "fiu" or max(values.shape, default=0) != values.size):
        raise InputError(
            f"it is {values.dtype} of shape {values.shape}, not one number per frame or spike",
            where=where,
            remedy="give a file of the CASCADE ground truth",
        )
    return values.ravel().astype(np.float64)


def _one_rate(parts: list[_Part], source: Path) -> tuple[list[_Part], list[str]]:
    """Return the recordings with the frame rate of the longest, and name how many have another."""
    rate = max(parts, key=lambda part: len(part.time)).rate
    same = [part for part in parts if abs(part.rate / rate - 1) < SAME_RATE]
    other = len(parts) - len(same)
    found = f"{source.name}: {other} of {len(parts)} recordings have another frame rate than {rate:.4g} Hz: left out"
    return same, [found] if other else []


def _cell_type(source: Path) -> tuple[str, str]:
    """Return the cell type that folder and file are named after, and how that is known."""
    for name in (source.resolve().parent.name, source.stem):
        if found := INTERNEURON.search(name):
            return "I", f"the cell is inhibitory: '{name}' names {found.group(1)} interneurons"
    return "unknown", ""
