"""Deconvolution from disk to disk: bit for bit that of memory, in bounded memory, damage is told."""

import tracemalloc

import numpy as np
import pytest
import xarray as xr

from brainsim import block, calcium_file
from brainsim.calcium import deconvolve
from brainsim.calcium_file import deconvolve_file
from brainsim.deconvolution.lowpass_diff import LowpassDiff
from brainsim.error import InputError
from brainsim.indicator import Indicator
from brainsim.store import open_recording, save_recording

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture
def small_blocks(monkeypatch):
    """Two neurons at a time."""
    monkeypatch.setattr(block.neuron_blocks, "__defaults__", (1, 2 * 8 * 600))
    monkeypatch.setattr(calcium_file, "TASK_BYTES", 2 * 8 * 600)
    monkeypatch.setattr(block.chunk, "__defaults__", (8 * 600,))


def recording(cut=False, units="dF/F", neurons=9):
    rng = np.random.default_rng(0)
    frames = np.concatenate([np.arange(300) / 10, 40 + np.arange(300) / 10])
    spikes = rng.uniform(0, 70, 60 * neurons), rng.integers(0, neurons, 60 * neurons)
    trace = Indicator().fluorescence(*spikes, neurons, frames, rng).astype("f4")
    trace[:, 1], trace[:, 2], trace[5, 3], trace[20:40, 4] = np.nan, 3, np.inf, np.nan
    coords = {"neuron": [f"ñ/{n}" for n in range(neurons)], "cell_type": ("neuron", ["E"] * neurons)}
    attrs = {"sampling_rate_hz": 10.0, "source": "recorded", "notices": "an old notice"}
    if units != "dF/F":
        trace = 100 * (1 + trace)
    if cut:
        calcium = (("trial", "time", "neuron"), trace.reshape(10, 60, neurons), {"units": units})
        coords |= {"time": np.arange(60) / 10, "stimulus": ("trial", list("abcdefghij"))}
        return xr.Dataset({"calcium": calcium}, coords=coords, attrs=attrs)
    held = {"calcium": (("time", "neuron"), trace, {"units": units}), "true_weight": (("pre", "post"), np.eye(neurons))}
    held |= {"spike_time": ("spike", [1.0, 2.0]), "spike_neuron": ("spike", [0, neurons - 1])}
    return xr.Dataset(held, coords={**coords, "time": frames, "onset": ("trial", [1.0, 2.0])}, attrs=attrs)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("how", [{}, {"cut": True}, {"units": "raw fluorescence"}], ids=str)
def test_it_is_that_of_memory_bit_for_bit(how, workers, small_blocks, tmp_path):
    made, told = recording(**how), []
    source = tmp_path / "rec.zarr"
    made.to_zarr(source, zarr_format=2)
    tell = lambda done, total, note="": told.append((done, total))  # noqa: E731
    found = deconvolve_file(source, tmp_path / "spk.zarr", workers=workers, progress=tell)
    expected = deconvolve(made)
    xr.testing.assert_identical(found.load(), expected)
    xr.testing.assert_identical(open_recording(tmp_path / "spk.zarr"), expected)
    assert told == [(n, 5) for n in range(1, 6)], "blocks of two neurons"
    assert found.attrs["notices"].splitlines()[0] == "an old notice"
    assert "neuron ñ/1: no usable run" in found.attrs["notices"]


def test_netcdf_and_other_methods_too(small_blocks, tmp_path):
    made = recording().drop_vars("calcium").assign(calcium=recording()["calcium"].where(np.isfinite))
    found = deconvolve_file(save_recording(made, tmp_path / "r.nc"), tmp_path / "s.zarr", LowpassDiff())
    xr.testing.assert_identical(found.load(), deconvolve(made, LowpassDiff()))
    again = deconvolve_file(tmp_path / "s.zarr", tmp_path / "s.zarr", overwrite=True)
    xr.testing.assert_identical(again.load(), deconvolve(deconvolve(made, LowpassDiff())))


def test_a_block_without_a_baseline_stops_no_other(small_blocks, tmp_path):
    made = recording(units="raw fluorescence")
    made.calcium[:, 6:] = -1.0
    made.to_zarr(tmp_path / "r.zarr", zarr_format=2)
    found = deconvolve_file(tmp_path / "r.zarr", tmp_path / "s.zarr").load()
    xr.testing.assert_identical(found, deconvolve(made))
    made.calcium[:] = -1.0
    made.to_zarr(tmp_path / "r.zarr", zarr_format=2, mode="w")
    with pytest.raises(InputError, match=r"r\.zarr, field 'calcium': no trace has a baseline"):
        deconvolve_file(tmp_path / "r.zarr", tmp_path / "t.zarr")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.zarr", "s.zarr"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda made: made.drop_vars("calcium"), "no calcium to deconvolve"),
        (lambda made: made.assign_coords(neuron=["a"] * 9), "share a name"),
        (lambda made: made.assign_coords(time=made.time.values[::-1]), "does not increase"),
        (lambda made: made.assign(calcium=made.calcium.assign_attrs(units="volts")), "units are 'volts'"),
    ],
)
def test_what_contradicts_itself_is_refused_with_the_name_of_the_file(change, words, small_blocks, tmp_path):
    change(recording()).to_zarr(tmp_path / "r.zarr", zarr_format=2)
    with pytest.raises(InputError, match=rf"r\.zarr, field '\w+': .*{words}") as caught:
        deconvolve_file(tmp_path / "r.zarr", tmp_path / "s.zarr")
    assert str(caught.value).count("r.zarr") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["r.zarr"]


def test_a_damaged_block_leaves_nothing(small_blocks, tmp_path):
    made = recording().drop_vars("calcium").assign(calcium=recording()["calcium"].where(np.isfinite))
    save_recording(made, tmp_path / "r.zarr")
    chunk = tmp_path / "r.zarr" / "calcium" / "0.7"
    chunk.write_bytes(chunk.read_bytes()[:100])
    with pytest.raises(InputError, match=r"r\.zarr, field 'calcium': it cannot be read"):
        deconvolve_file(tmp_path / "r.zarr", tmp_path / "s.zarr")
    assert [p.name for p in tmp_path.iterdir()] == ["r.zarr"]


def test_memory_does_not_grow_with_the_recording(small_blocks, tmp_path):
    def peak(neurons, turn):
        made = recording()[["calcium"]].drop_vars(["neuron", "cell_type"]).isel(neuron=np.arange(neurons) % 9)
        chunks = {"calcium": {"chunks": (600, 2)}}
        made.to_zarr(tmp_path / f"{turn}-{neurons}.zarr", zarr_format=2, encoding=chunks)
        tracemalloc.start()
        deconvolve_file(tmp_path / f"{turn}-{neurons}.zarr", tmp_path / f"out-{turn}-{neurons}.zarr")
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(360, "first")  # what is imported and kept once
    small, large = peak(18, "then"), peak(360, "then")
    assert large - small < 0.5 * 342 * 600 * 8, (small, large)
