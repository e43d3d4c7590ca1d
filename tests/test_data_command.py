"""The commands of `data` and `deconvolve` through the installed entry point: results, exit codes, one sentence."""

import json
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner, Result

from brainsim.indicator import Indicator
from brainsim.store import open_recording, save_recording

WIDE = "time_s,a,b\n0,1,2\n0.1,3,4\n0.2,5,6\n"
LONG = "neuron,time_s\n0,1\n1,2\n"


def brainsim(*args: object) -> Result:
    (entry,) = entry_points(group="console_scripts", name="brainsim")
    return CliRunner().invoke(entry.load(), [str(arg) for arg in args])


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def fails(result: Result, *words: str) -> None:
    """One sentence on stderr with these words, exit code 1, nothing on stdout."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("brainsim: ")
    assert result.stderr.count("\n") == 1
    assert "unforeseen" not in result.stderr
    for word in words:
        assert word in result.stderr


@pytest.fixture
def fluorescence(tmp_path):
    rng = np.random.default_rng(5)
    trace = Indicator().fluorescence(rng.uniform(0, 60, 200), rng.integers(0, 4, 200), 4, np.arange(600) / 10, rng)
    trace[20:25, 1] = np.nan
    made = xr.Dataset(
        {"calcium": (("time", "neuron"), trace, {"units": "dF/F"})},
        coords={
            "time": np.arange(600) / 10,
            "neuron": [f"n{n}" for n in range(4)],
            "onset": ("trial", [1.0, 20.0]),
            "duration": ("trial", [1.0, 1.0]),
            "stimulus": ("trial", ["<b>", "=1+1"]),
        },
        attrs={"sampling_rate_hz": 10.0, "source": "simulated"},
    )
    return save_recording(made, tmp_path / "rec.nc")


BAD: dict[str, tuple[dict[str, str | bytes], list[str], list[str]]] = {
    "missing file": ({}, ["x.csv"], ["x.csv", "no such file", "check the path"]),
    "empty file": ({"x.csv": ""}, ["x.csv"], ["x.csv", "field 'file'", "empty", "again"]),
    "only a byte order mark": ({"x.csv": b"\xef\xbb\xbf\r\n"}, ["x.csv"], ["empty"]),
    "web page as nwb": ({"x.nwb": "<!DOCTYPE html><html>"}, ["x.nwb"], ["x.nwb", "web page", "download"]),
    "web page as csv": ({"x.csv": "\n <html>a,b\n1,2"}, ["x.csv"], ["web page", "download"]),
    "web page as csv, named": ({"x.csv": "<html>\n"}, ["x.csv", "--format", "csv-long"], ["web page", "download"]),
    "web page as nc": ({"x.nc": "<html>\n"}, ["x.nc"], ["web page", "download"]),
    "no known format": ({"x.abc": "hello"}, ["x.abc"], ["no reader", "--format", "trial-table"]),
    "foreign hdf5": ({"x.nwb": b"\x89HDF\r\n\x1a\n" + bytes(100)}, ["x.nwb"], ["HDF5", "damaged"]),
    "truncated netcdf": ({"x.nc": b"\x89HDF\r\n\x1a\n" + bytes(100)}, ["x.nc"], ["x.nc", "field 'file'", "damaged"]),
    "netcdf 3": ({"x.nc": b"CDF\x01" + bytes(100)}, ["x.nc"], ["x.nc", "not a netCDF 4 file"]),
    "folder without recording": ({"README.md": "x"}, ["."], ["no file in this folder", "csv-wide"]),
    "folder with two sessions": ({"a.csv": WIDE, "b.csv": WIDE}, ["."], ["2 sessions: a.csv, b.csv", "one by one"]),
    "format misspelt": ({"x.csv": WIDE}, ["x.csv", "--format", "csvwide"], ["did you mean 'csv-wide'"]),
    "three files": (
        {"a.csv": WIDE, "b.csv": WIDE, "c.csv": WIDE},
        ["a.csv", "b.csv", "c.csv"],
        ["3 files", "--stimuli"],
    ),
    "no number": ({"x.csv": "time,a\n0,1\n1,two\n"}, ["x.csv"], ["'two' in line 3", "field 'a'", "correct"]),
    "ragged": ({"x.csv": "time,a,b\n0,1,2\n1,2\n"}, ["x.csv"], ["line 3 has 2 cells", "first has 3", "copy it again"]),
    "no rate": ({"x.csv": "a,b\n1,2\n3,4\n"}, ["x.csv"], ["field 'sampling_rate_hz'", "--sampling-rate"]),
    "rate zero": ({"x.csv": "a,b\n1,2\n3,4\n"}, ["x.csv", "--sampling-rate", "0"], ["--sampling-rate", "above 0"]),
    "orientation open": ({"x.csv": "a,b,c\n1,2,3\n3,4,5\n"}, ["x.csv", "--sampling-rate", "9"], ["--orientation"]),
    "time not increasing": (
        {"x.csv": "time,a\n0,1\n1,2\n0.5,3\n2,3\n"},
        ["x.csv"],
        ["field 'time'", "frame 2", "sort"],
    ),
    "time repeated": ({"x.csv": "time,a\n0,1\n1,2\n1,3\n2,3\n"}, ["x.csv"], ["field 'time'", "frame 2"]),
    "time missing": ({"x.csv": "time,a\n0,1\n,2\n2,3\n"}, ["x.csv"], ["field 'time'", "1 times are missing"]),
    "infinite": ({"x.csv": "time,a\n0,1\n1,inf\n2,3\n"}, ["x.csv"], ["field 'calcium'", "infinite", "NaN"]),
    "same name twice": ({"x.csv": "time,a,a\n0,1,2\n1,2,3\n"}, ["x.csv"], ["field 'neuron'", "share a name"]),
    "negative spike": ({"x.csv": "neuron,time_s\n0,1\n1,-2\n"}, ["x.csv"], ["1 spike times are negative", "line 3"]),
    "spike without time": ({"x.csv": "neuron,time_s\n0,\n1,2\n"}, ["x.csv"], ["missing", "line 2", "field 'time_s'"]),
    "spike after the end": ({"x.csv": LONG}, ["x.csv", "--duration", "1.5"], ["after the end at 1.5 s", "--duration"]),
    "too few neurons": ({"x.csv": LONG}, ["x.csv", "--neurons", "1"], ["2 neurons", "--neurons"]),
    "option without use": ({"x.csv": LONG}, ["x.csv", "--sampling-rate", "9"], ["no use for --sampling-rate"]),
    "labels of another length": (
        {"m_mean.csv": "0,1\n1,0\n0,0\n", "m_tag.csv": "a,b,c,d"},
        ["m_mean.csv"],
        ["m_tag.csv, field 'stimulus'", "m_mean.csv", "4 labels", "3 trials", "session"],
    ),
    "no labels": ({"m_mean.csv": "0,1\n1,0\n0,0\n"}, ["m_mean.csv"], ["field 'orientation'", "--orientation"]),
    "empty label": ({"m_mean.csv": "0,1\n1,0\n0,0\n", "m_tag.csv": "a,,c"}, ["m_mean.csv"], ["label 2 of 3 is empty"]),
    "onset outside": (
        {"x.csv": WIDE, "s.csv": "onset_s,duration_s,stimulus\n9,1,a\n"},
        ["x.csv", "--stimuli", "s.csv"],
        ["s.csv", "field 'onset_s'", "outside the recording", "line 2"],
    ),
    "stimulus backwards": (
        {"x.csv": WIDE, "s.csv": "onset_s,duration_s,stimulus\n0,-1,a\n"},
        ["x.csv", "--stimuli", "s.csv"],
        ["field 'duration_s'", "negative", "line 2"],
    ),
    "labels without trials": (
        {"x.csv": WIDE, "s.csv": "a\nb\n"},
        ["x.csv", "--stimuli", "s.csv"],
        ["no trials", "onset_s"],
    ),
    "codes of another length": (
        {"f.ca2": "1 2 3\n4 5 6\n", "f.stim": "0\n1\n"},
        ["f.ca2"],
        ["f.stim", "f.ca2", "2 stimulus codes", "3 frames", "field 'stimulus'"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_leaves_nothing(case, tmp_path, monkeypatch):
    files, args, words = BAD[case]
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    for name, content in files.items():
        write(Path(name), content)
    for target in ("out.nc", "out.zarr"):
        fails(brainsim("data", "read", *args, "--out", tmp_path / target), *words)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert sorted(path.name for path in Path().iterdir()) == sorted(files)


def test_foreign_netcdf_and_zarr_are_told_apart_from_recordings(tmp_path):
    other = xr.Dataset({"temperature": ("x", [1.0, 2.0])})
    other.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    other.to_zarr(tmp_path / "x.zarr", zarr_format=2)
    for name in ("x.nc", "x.zarr"):
        result = brainsim("data", "read", tmp_path / name, "--out", tmp_path / "o.nc")
        fails(result, name, "no recording in it", "temperature")
    assert not (tmp_path / "o.nc").exists()


def test_target_is_checked_before_any_work(tmp_path):
    fails(brainsim("data", "read", tmp_path / "absent.csv", "--out", tmp_path / "o.txt"), "o.txt", "end in .nc")
    source = write(tmp_path / "x.csv", WIDE)
    target = write(tmp_path / "o.nc", "precious")
    fails(brainsim("data", "read", source, "--out", target), "exists already", "--overwrite")
    assert target.read_text() == "precious"
    assert brainsim("data", "read", source, "--out", target, "--overwrite").exit_code == 0
    assert open_recording(target).sizes["time"] == 3


def test_usage_errors_end_with_2(tmp_path, fluorescence):
    assert brainsim("data", "read", "--out", "o.nc").exit_code == 2
    assert brainsim("data", "raed").exit_code == 2
    assert "Did you mean 'read'" in brainsim("data", "raed").output
    wrong = brainsim("deconvolve", fluorescence, "--out", tmp_path / "s.nc", "--method", "lowpass-diff", "--order", 2)
    assert wrong.exit_code == 2
    assert not (tmp_path / "s.nc").exists()


def test_read_json_tells_missing_frames_by_neuron(tmp_path):
    source = write(tmp_path / "x.csv", "time_s,a,b\n0,1,\n0.1,3,4\n0.2,5,\n")
    result = brainsim("data", "read", source, "--out", tmp_path / "o.nc", "--json")
    assert result.exit_code == 0
    facts = json.loads(result.stdout)
    assert facts["sizes"] == {"time": 3, "neuron": 2}
    assert facts["written"] == [str(tmp_path / "o.nc")]
    assert [f["found"] for f in facts["findings"]] == ["neuron b: 2 of 3 frames are missing"]
    assert "neuron b: 2 of 3 frames are missing" in result.stderr
    np.testing.assert_array_equal(open_recording(tmp_path / "o.nc").calcium.values, [[1, np.nan], [3, 4], [5, np.nan]])


def test_describe_lays_out_what_is_there(fluorescence):
    told = brainsim("data", "describe", fluorescence)
    assert told.exit_code == 0
    for words in ("neuron  4", "(time, neuron)", "sampling_rate_hz  10.0", "<b>", "severity", "neuron n1: 5 of 600"):
        assert words in told.stdout
    facts = json.loads(brainsim("data", "describe", fluorescence, "--json").stdout)
    assert facts["stimuli"] == {"<b>": 1, "=1+1": 1}


def test_write_reads_back_the_same(fluorescence, tmp_path):
    made = open_recording(fluorescence)
    result = brainsim("data", "write", fluorescence, "--out", tmp_path / "t.csv")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-2:] == [str(tmp_path / "t.csv"), str(tmp_path / "t_stimuli.csv")]
    assert "'=1+1" in (tmp_path / "t_stimuli.csv").read_text()
    assert brainsim("data", "read", tmp_path / "t.csv", "--out", tmp_path / "again.nc").exit_code == 0
    assert open_recording(tmp_path / "again.nc").equals(made)
    fails(brainsim("data", "write", fluorescence, "--out", tmp_path / "t.csv"), "exists already")
    other = brainsim("data", "write", fluorescence, "--out", tmp_path / "u.csv", "--variable", "spikes")
    fails(other, "no spikes", "calcium")
    assert not (tmp_path / "u.csv").exists()


def test_deconvolve_keeps_the_recording(fluorescence, tmp_path):
    result = brainsim("deconvolve", fluorescence, "--out", tmp_path / "s.nc", "--order", 2, "--json")
    assert result.exit_code == 0
    facts = json.loads(result.stdout)
    assert facts["median_decay_time"] == pytest.approx(0.6, abs=0.3)
    made, found = open_recording(fluorescence), open_recording(tmp_path / "s.nc")
    estimates = ["decay_time", "noise", "baseline", "rise_time", "spike_unit"]
    assert found[list(made.variables)].drop_vars(estimates).equals(made)
    np.testing.assert_array_equal(np.isnan(found.spikes.values), np.isnan(made.calcium.values))
    misspelt = brainsim("deconvolve", fluorescence, "--out", tmp_path / "x.nc", "--method", "oassis")
    fails(misspelt, "did you mean 'oasis'")
    assert not (tmp_path / "x.nc").exists()


def test_active_fraction_is_not_deconvolved(tmp_path):
    write(tmp_path / "m_tag.csv", "a,b,b")
    source = write(tmp_path / "m_mean.csv", "0,1\n1,0\n0,0\n")
    assert brainsim("data", "read", source, "--out", tmp_path / "m.nc").exit_code == 0
    fails(brainsim("deconvolve", tmp_path / "m.nc", "--out", tmp_path / "s.nc"), "active fraction", "field 'calcium'")
    assert not (tmp_path / "s.nc").exists()


def test_list_names_what_is_installed():
    from brainsim.dataset import paths

    facts = json.loads(brainsim("data", "list", "--json").stdout)
    assert sorted(facts) == sorted(paths())
