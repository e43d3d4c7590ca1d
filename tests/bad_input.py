"""Every bad input that is tried through a command; docs/robustness.md is made from it, a test compares the two."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import formats
import h5py
import numpy as np
import xarray as xr
from test_data_command import BAD

from brainsim.store import save_recording

FRAMES, NEURONS = 200, 4
MARK = "owned"


@dataclass(frozen=True)
class Bad:
    """An input: how it is made in the current folder, the command that gets it, the exit code that it must have.

    `library` is set where the sentence holds words of a library, which change with its version.
    """

    section: str
    title: str
    make: Callable[[], object]
    command: tuple[str, ...]
    code: int = 1
    library: bool = False


class Payload:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {MARK}",)


def recording(**attrs: Any) -> xr.Dataset:
    """Return four neurons with transients."""
    rng = np.random.default_rng(0)
    trace = np.zeros((FRAMES, NEURONS))
    for frame in range(1, FRAMES):
        trace[frame] = 0.85 * trace[frame - 1] + (rng.random(NEURONS) < 0.06)
    return xr.Dataset(
        {"calcium": (("time", "neuron"), trace + 0.05 * rng.normal(size=trace.shape), {"units": "dF/F"})},
        coords={"time": np.arange(FRAMES) / 10, "neuron": [f"n{n}" for n in range(NEURONS)]},
        attrs={"sampling_rate_hz": 10.0, "source": "recorded", **attrs},
    )


def changed(change: Callable[[xr.Dataset], xr.Dataset | None]) -> Callable[[], object]:
    """Write a changed recording as any program would, without brainsim's checks."""

    def make() -> None:
        made = recording()
        made = made if (new := change(made)) is None else new
        made.to_netcdf("rec.nc", engine="h5netcdf")

    return make


def trace(values: Callable[[np.ndarray], object]) -> Callable[[], object]:
    """Write a recording whose second neuron is changed in place."""

    def change(made: xr.Dataset) -> None:
        values(made["calcium"].values[:, 1])

    return changed(change)


def put(where: slice | int, value: float) -> Callable[[np.ndarray], object]:
    """Set frames of a trace."""
    return lambda one: one.__setitem__(where, value)


def truncated(share: float) -> None:
    """Write a recording and cut its end off."""
    content = save_recording(recording(), "rec.nc").read_bytes()
    Path("rec.nc").write_bytes(content[: int(share * len(content))])


def flipped() -> None:
    """Write a recording and change one byte of its traces."""
    path = save_recording(recording(), "rec.nc")
    with h5py.File(path) as file:
        at = file["calcium"].id.get_chunk_info(0).byte_offset + 100
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def without_chunk() -> None:
    """Write a recording as Zarr and take a chunk away."""
    save_recording(recording(), "rec.zarr")
    (Path("rec.zarr") / "calcium" / "0.0").unlink()


def halved_chunk() -> None:
    """Write a recording as Zarr and cut a chunk."""
    save_recording(recording(), "rec.zarr")
    chunk = Path("rec.zarr") / "calcium" / "0.0"
    chunk.write_bytes(chunk.read_bytes()[:50])


def poisoned() -> None:
    """Write a folder of suite2p that runs a command where it is unpickled."""
    formats.suite2p(Path("plane0"), True, stat=np.array([{"med": [1, 2], "x": Payload()}] * 3))


def linked() -> None:
    """Write NWB whose traces are a link to another file."""
    shutil.copy(formats.nwb(Path("rec.nwb")), "secret.nwb")
    place = "processing/my pipeline/A/Trace/data"
    with h5py.File("rec.nwb", "r+") as file:
        del file[place]
        file[place] = h5py.ExternalLink("secret.nwb", place)


def existing() -> None:
    """Write a recording twice."""
    save_recording(recording(), "rec.nc")
    save_recording(recording(), "out.nc")


def cut_format(name: str, make: Callable[[Path], Path]) -> Bad:
    """Return half a file of a format."""

    def halve() -> None:
        source = make(Path(name))
        source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])

    return Bad("Files", f"half of {name}", halve, ("data", "read", name, "--out", "out.nc"), library=True)


DECONVOLVE = ("deconvolve", "rec.nc", "--out", "out.nc")
DESCRIBE = ("data", "describe", "rec.nc")
READ = ("data", "read", "rec.nc", "--out", "out.nc")


def tables() -> Iterator[Bad]:
    """Give text files and options that do not fit."""
    for title, (files, arguments, _) in BAD.items():

        def make(files: dict[str, str | bytes] = files) -> None:
            for name, content in files.items():
                Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())

        yield Bad(
            "Files",
            title,
            make,
            ("data", "read", *arguments, "--out", "out.nc"),
            library=title in ("truncated netcdf", "foreign hdf5"),
        )


def damaged() -> Iterator[Bad]:
    """Give damaged files."""
    for share in (0.1, 0.5, 0.9):
        cut = lambda share=share: truncated(share)  # noqa: E731
        yield Bad("Files", f"first {share:.0%} of a recording", cut, READ, library=True)
    yield Bad("Files", "one bit of a recording flipped", flipped, READ, library=True)
    yield Bad("Files", "a chunk of Zarr is gone", without_chunk, ("data", "read", "rec.zarr", "--out", "out.nc"))
    for out in ("out.nc", "out.zarr"):
        title, command = f"half a chunk of Zarr, to {out}", ("deconvolve", "rec.zarr", "--out", out)
        yield Bad("Files", title, halved_chunk, command, library=True)
    for name, make in {
        "rec.nwb": formats.nwb,
        "allen.nwb": formats.nwb1,
        "caiman.hdf5": formats.caiman,
        "rec.mat": formats.matlab5,
        "new.mat": formats.matlab73,
        "rec.npz": formats.pynapple,
    }.items():
        yield cut_format(name, make)


def traces() -> Iterator[Bad]:
    """Give traces that OASIS cannot take; the second of four neurons is bad."""
    nan, half = np.nan, FRAMES // 2
    for title, change in {
        "0 in every frame": put(slice(None), 0.0),
        "the same number in every frame": put(slice(None), 3.5),
        "NaN in every frame": put(slice(None), nan),
        "two frames, else NaN": put(slice(2, None), nan),
        "three frames, else NaN": put(slice(3, None), nan),
        "NaN at the beginning": put(slice(0, 20), nan),
        "NaN in the middle": put(slice(half, half + 20), nan),
        "every third frame NaN": put(slice(None, None, 3), nan),
        "one infinite frame": put(half, np.inf),
        "infinite in every frame": put(slice(None), -np.inf),
        "1e300 in one frame": put(half, 1e300),
        "noise alone": lambda one: one.__setitem__(slice(None), np.random.default_rng(1).normal(size=FRAMES)),
    }.items():
        yield Bad("Traces", title, trace(change), DECONVOLVE, code=0)
    for kind in ("i2", "u1", "f4", ">f8"):

        def cast(made: xr.Dataset, kind: str = kind) -> xr.Dataset:
            return made.assign(calcium=(made["calcium"] * 50 + 50).round().astype(kind).assign_attrs(units="dF/F"))

        yield Bad("Traces", f"numbers of type {kind}", changed(cast), DECONVOLVE, code=0)
    for frames in (0, 1, 2):
        cut = lambda made, frames=frames: made.isel(time=slice(0, frames))  # noqa: E731
        yield Bad("Traces", f"a recording of {frames} frames", changed(cut), DECONVOLVE)
    yield Bad(
        "Traces", "a recording of 3 frames", changed(lambda made: made.isel(time=slice(0, 3))), DECONVOLVE, code=0
    )
    for units in ("active fraction", "volts"):
        named = lambda made, units=units: made.assign(calcium=made["calcium"].assign_attrs(units=units))  # noqa: E731
        yield Bad("Traces", f"traces in {units}", changed(named), DECONVOLVE)
    raw = lambda made: made.assign(calcium=(made["calcium"] - 9).assign_attrs(units="raw fluorescence"))  # noqa: E731
    yield Bad("Traces", "raw fluorescence below 0", changed(raw), DECONVOLVE)
    one = lambda made: made.assign(  # noqa: E731
        calcium=(made["calcium"] + xr.where(made["neuron"] == "n1", -9, 9)).assign_attrs(units="raw fluorescence")
    )
    yield Bad("Traces", "raw fluorescence below 0 in one neuron", changed(one), DECONVOLVE, code=0)


def times_and_labels() -> Iterator[Bad]:
    """Give times, labels and orientations that contradict themselves."""

    def timed(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[], object]:
        return changed(lambda made: made.assign_coords(time=change(made["time"].values.copy())))

    back = lambda t: np.where(np.arange(FRAMES) == 50, 1.0, t)  # noqa: E731
    yield Bad("Time", "time goes back", timed(back), READ)
    yield Bad("Time", "time missing in one frame", timed(lambda t: np.where(np.arange(FRAMES) == 50, np.nan, t)), READ)
    yield Bad("Time", "no time at all", changed(lambda made: made.drop_vars("time")), READ)
    for rate in (0.0, -1.0, float("nan")):
        rated = lambda made, rate=rate: made.assign_attrs(sampling_rate_hz=rate)  # noqa: E731
        yield Bad("Time", f"frame rate {rate:g}", changed(rated), READ)

    def spikes(times: list[float], cells: list[int]) -> Callable[[], object]:
        return changed(
            lambda made: made.assign(spike_time=("spike", times), spike_neuron=("spike", cells)).assign_attrs(
                duration_s=20.0
            )
        )

    yield Bad("Time", "a spike after the end", spikes([1.0, 400.0], [0, 1]), READ)
    yield Bad("Time", "a spike before 0", spikes([-1.0, 4.0], [0, 1]), READ)
    yield Bad("Time", "a spike without a time", spikes([1.0, float("nan")], [0, 1]), READ)
    yield Bad("Labels", "a spike of no neuron", spikes([1.0, 2.0], [0, 9]), READ)
    turned = lambda made: made.transpose("neuron", "time")  # noqa: E731
    yield Bad("Labels", "neurons and frames exchanged", changed(turned), READ)
    twice = lambda made: made.assign_coords(neuron=["a", "a", "b", "c"])  # noqa: E731
    yield Bad("Labels", "two neurons of one name", changed(twice), READ)
    kinds = lambda made: made.assign_coords(cell_type=("neuron", list("EIXE")))  # noqa: E731
    yield Bad("Labels", "a cell type that is none", changed(kinds), READ)
    yield Bad("Labels", "no neuron", changed(lambda made: made.isel(neuron=slice(0, 0))), READ)
    words = lambda made: made.assign(calcium=made["calcium"].astype(str))  # noqa: E731
    yield Bad("Labels", "words in the place of traces", changed(words), READ)
    odd = ["../x", "a/b", "<script>", "=1+1"]
    yield Bad(
        "Labels", "neurons named ../x, a/b, <script>, =1+1", changed(lambda m: m.assign_coords(neuron=odd)), READ, 0
    )


def hostile() -> Iterator[Bad]:
    """Give files that want to run something or to read something else, and targets that must not be lost."""
    yield Bad("Security", "a pickle that runs a command", poisoned, ("data", "read", "plane0", "--out", "out.nc"))
    yield Bad("Security", "traces linked from another file", linked, ("data", "read", "rec.nwb", "--out", "out.nc"))
    yield Bad("Results", "the result exists", existing, READ)
    source = lambda: save_recording(recording(), "rec.nc")  # noqa: E731
    yield Bad("Results", "the folder of the result does not exist", source, (*READ[:-1], "no/where/out.nc"))
    yield Bad("Results", "the result has another ending", source, (*READ[:-1], "out.txt"))


CASES = [*tables(), *damaged(), *traces(), *times_and_labels(), *hostile()]
