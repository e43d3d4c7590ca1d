"""Whatever fails while a result is written: the old one is there or the new one, and nothing else beside it."""

import os
import subprocess
import sys

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from fault import DISK, files_end_at

from brainsim import atomic
from brainsim.calcium_file import deconvolve_file
from brainsim.error import InputError, OutputError
from brainsim.export import write_csv
from brainsim.export_nwb import write_nwb
from brainsim.folder import result_folder, write_table
from brainsim.reading import read_recording
from brainsim.store import open_recording, save_recording, write_text

FRAMES, NEURONS = 90, 4


def made(seed, neurons=NEURONS):
    rng = np.random.default_rng(seed)
    return xr.Dataset(
        {"calcium": (("time", "neuron"), rng.normal(size=(FRAMES, neurons)).cumsum(0), {"units": "dF/F"})},
        coords={"time": np.arange(FRAMES) / 10, "neuron": [f"n{n}" for n in range(neurons)]},
        attrs={"sampling_rate_hz": 10.0, "source": "recorded"},
    )


OLD, NEW = made(1), made(2, 6)


def save(path, dataset):
    save_recording(dataset, path, overwrite=True)


def read(path):
    return open_recording(path)


def save_spikes(path, dataset):
    """From disk to disk, block by block."""
    source = path.parent.parent / f"source{dataset.sizes['neuron']}.zarr"
    if not source.exists():
        save_recording(dataset, source)
    deconvolve_file(source, path, overwrite=True)


def read_calcium(path):
    return open_recording(path)[["calcium"]].drop_vars(["decay_time", "noise", "baseline", "spike_unit"])


def save_folder(path, dataset):
    """A folder of results: a table, a text, a recording in a folder of its own."""
    with result_folder(path, "table.csv", overwrite=True) as draft:
        write_table(pd.DataFrame({"neuron": dataset["neuron"].values}), draft / "table.csv")
        (draft / "inner").mkdir()
        save_recording(dataset, draft / "inner" / "rec.nc")
        write_text(draft / "page.html", "a page")


def read_folder(path):
    assert sorted(p.name for p in path.iterdir()) == ["inner", "page.html", "table.csv"]
    return open_recording(path / "inner" / "rec.nc")


def save_csv(path, dataset):
    write_csv(dataset, path, overwrite=True)


def read_csv(path):
    table = pd.read_csv(path, index_col=0, float_precision="round_trip")
    return made(0, table.shape[1]).assign(calcium=(("time", "neuron"), table.values, {"units": "dF/F"}))


def save_nwb(path, dataset):
    write_nwb(dataset, path, overwrite=True)


def read_nwb(path):
    return read_recording([path])


KINDS = {
    "out.nc": (save, read),
    "out.zarr": (save, read),
    "spikes.zarr": (save_spikes, read_calcium),
    "folder": (save_folder, read_folder),
    "out.csv": (save_csv, read_csv),
    "out.nwb": (save_nwb, read_nwb),
}


STEP = {"spikes.zarr": 23}  # of its 200 operations, most are those of out.zarr


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Nobody waits for the disk."""
    monkeypatch.setattr(atomic, "flush", lambda path: None)


def same(found, expected):
    return found.equals(expected)


@pytest.mark.parametrize("forever", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_nth_write_fails_for_every_n(kind, forever, tmp_path):
    write, load = KINDS[kind]
    home = tmp_path / "home"
    home.mkdir()
    path = home / kind
    write(path, OLD)
    with DISK.armed(home) as disk:
        write(path, NEW)
    total = disk.count
    assert same(load(path), NEW)
    assert total >= 2
    write(path, OLD)
    for n in range(1, total + 1, STEP.get(kind, 1)):
        try:
            with DISK.armed(home, n, forever):
                write(path, NEW)
        except OutputError:
            assert same(load(path), OLD), f"operation {n} of {total}"
        else:
            assert same(load(path), NEW), f"operation {n} of {total}"
            write(path, OLD)
        assert [p.name for p in home.iterdir()] == [kind], f"operation {n} of {total}"


@pytest.mark.parametrize("n", range(1, 90, 4))
def test_without_an_exchange_in_one_step_nothing_is_lost_either(n, tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
    path = tmp_path / "out.zarr"
    save(path, OLD)
    try:
        with DISK.armed(tmp_path, n):
            save(path, NEW)
    except OutputError:
        assert read(path).equals(OLD)
    else:
        assert read(path).equals(NEW)
    assert [p.name for p in tmp_path.iterdir()] == ["out.zarr"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_fills_up_anywhere_leaves_the_old_result(kind, tmp_path):
    write, load = KINDS[kind]
    home = tmp_path / "home"
    home.mkdir()
    path = home / kind
    write(path, NEW)
    largest = max(p.stat().st_size for p in [path, *path.rglob("*")] if p.is_file())
    write(path, OLD)
    for size in np.linspace(0, largest - 1, 8).astype(int):
        with pytest.raises(OutputError, match=kind), files_end_at(int(size)):
            write(path, NEW)
        assert same(load(path), OLD)
        assert [p.name for p in home.iterdir()] == [kind]


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_a_command_on_a_full_disk_ends_with_one_sentence(suffix, tmp_path):
    rows = "\n".join(f"{n / 10},{','.join(map(str, np.random.default_rng(n).normal(size=40)))}" for n in range(200))
    (tmp_path / "x.csv").write_text("time_s," + ",".join(f"n{n}" for n in range(40)) + "\n" + rows + "\n")
    (tmp_path / "home").mkdir()
    run = "from brainsim_cli.main import brainsim; brainsim()"
    command = f"ulimit -f 8; exec '{sys.executable}' -c '{run}' data read x.csv --out home/o{suffix}"
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=unmeasured, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("brainsim: home/o")
    assert done.stderr.count("\n") == 1
    assert "free space" in done.stderr
    assert not any((tmp_path / "home").iterdir())


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
@pytest.mark.parametrize("field", ["calcium", "time"])
def test_a_flipped_bit_anywhere_in_the_numbers_is_noticed(field, suffix, tmp_path):
    path = save_recording(NEW, tmp_path / f"r{suffix}")
    if suffix == ".zarr":
        (file,) = (chunk for chunk in (path / field).iterdir() if chunk.name[0] != ".")
        start, stop = 16, file.stat().st_size
    else:
        file = path
        with h5py.File(path) as held:
            chunk = held[field].id.get_chunk_info(0)
        start, stop = chunk.byte_offset, chunk.byte_offset + chunk.size
    content = file.read_bytes()
    for at in np.linspace(start, stop - 1, 25).astype(int):
        changed = bytearray(content)
        changed[at] ^= 4
        file.write_bytes(changed)
        with pytest.raises(InputError, match="damaged"):
            open_recording(path)
    file.write_bytes(content)
    assert open_recording(path).equals(NEW)
