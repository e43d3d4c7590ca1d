"""What `data check` finds: every check on a recording that has the defect, and none on one that is in order."""

import json
import re
import zlib
from pathlib import Path

import formats
import numpy as np
import pytest
import xarray as xr

from brainsim import catalog, schema
from brainsim.check.orientation import smoothness
from brainsim.dataset import load_dataset
from brainsim.examined import Examined
from brainsim.indicator import Indicator
from brainsim.inspection import SEVERITIES, describe, inspect, inspect_file
from brainsim.reader import ReadOptions
from brainsim.reading import read_recording
from brainsim.store import save_recording

FRAMES, NEURONS, RATE = 2000, 12, 10.0
PAGE = Path(__file__).resolve().parents[1] / "docs" / "check.md"


def good():
    """Calcium with the spikes behind it, two stimuli in turn: nothing to warn about."""
    rng = np.random.default_rng(3)
    spike, cell = np.sort(rng.uniform(0, FRAMES / RATE, 1800)), rng.integers(0, NEURONS, 1800)
    time = np.arange(FRAMES) / RATE
    trace = Indicator().fluorescence(spike, cell, NEURONS, time, rng)
    onset = np.arange(2.0, 190, 6.0)
    return xr.Dataset(
        {
            "calcium": (("time", "neuron"), trace, {"units": "dF/F"}),
            "spike_time": ("spike", spike),
            "spike_neuron": ("spike", cell),
        },
        coords={
            "time": time,
            "neuron": [f"n{i}" for i in range(NEURONS)],
            "cell_type": ("neuron", ["E"] * 9 + ["I"] * 3),
            "onset": ("trial", onset),
            "duration": ("trial", np.full(len(onset), 2.0)),
            "stimulus": ("trial", np.where(np.arange(len(onset)) % 2, "aud", "vis")),
        },
        attrs={"source": "simulated", "sampling_rate_hz": RATE},
    )


def calcium(change):
    """Change the traces, an array (time, neuron)."""

    def apply(ds):
        values = ds["calcium"].values.copy()
        return ds.assign(calcium=(("time", "neuron"), change(values), dict(ds["calcium"].attrs)))

    return apply


def put(values, where, what):
    values[where] = what
    return values


def coordinate(name, change):
    """Change a coordinate, an array."""
    return lambda ds: ds.assign_coords({name: (ds[name].dims, change(ds[name].values.copy()))})


def units(name, change):
    return lambda ds: calcium(change)(ds).pipe(lambda d: d.assign(calcium=d["calcium"].assign_attrs(units=name)))


def swapped(ds):
    traces = ds["calcium"].values
    coords = {"time": np.arange(NEURONS) / RATE, "neuron": np.arange(FRAMES)}
    return xr.Dataset({"calcium": (("time", "neuron"), traces.T, {"units": "dF/F"})}, coords, ds.attrs)


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def rounded(step):
    return calcium(lambda v: np.round(v / step) * step)


def spikes_only(ds):
    return ds.drop_vars(["calcium", "time", "onset", "duration", "stimulus"]).assign_attrs(duration_s=200.0)


def in_whole_ms(ds):
    lone = spikes_only(ds)
    return lone.assign(spike_time=np.round(lone["spike_time"] * 1000)).assign_attrs(duration_s=200e3)


def few_spikes(ds):
    return ds.isel(spike=slice(0, 60))


def without_spikes_of_n2(ds):
    return ds.isel(spike=np.flatnonzero(ds["spike_neuron"].values != 2))


def twins(ds):
    twin = ds.isel(spike=np.flatnonzero(ds["spike_neuron"].values == 0))
    more = {n: ("spike", np.concatenate([ds[n].values, v])) for n, v in
            (("spike_time", twin["spike_time"].values), ("spike_neuron", np.full(twin.sizes["spike"], 1)))}  # fmt: skip
    kept = ds.isel(spike=np.flatnonzero(ds["spike_neuron"].values != 1))
    more = {n: ("spike", np.concatenate([kept[n].values, v[1][len(ds[n]) :]])) for n, v in more.items()}
    order = np.argsort(more["spike_time"][1], kind="stable")
    return kept.drop_vars(list(more)).assign({n: ("spike", v[1][order]) for n, v in more.items()})


def dropping(every):
    return lambda ds: ds.isel(time=np.flatnonzero(np.arange(FRAMES) % every))


DEFECTS = {
    "swapped axes": (swapped, "orientation", "warning", "calcium", ["2000", "12"]),
    "swapped axes, few neurons": (
        lambda ds: swapped(ds).isel(neuron=slice(0, 11)),
        "orientation", "warning", "calcium", ["neighbouring neurons at"],
    ),
    "more neurons than frames": (
        lambda ds: ds.drop_dims(["spike", "trial"]).isel(time=slice(0, 10)),
        "orientation", "note", "calcium", ["more neurons (12) than frames (10)", "seems right"],
    ),
    "times in ms": (coordinate("time", lambda t: t * 1000), "sampling rate", "error", "time", ["milliseconds"]),
    "times in us": (coordinate("time", lambda t: t * 1e6), "sampling rate", "error", "time", ["microseconds"]),
    "rate off by a little": (
        lambda ds: ds.assign_attrs(sampling_rate_hz=10.3), "sampling rate", "warning", "time", ["0.1", "0.09709"],
    ),
    "rate off by much": (
        lambda ds: ds.assign_attrs(sampling_rate_hz=30.0), "sampling rate", "error", "time", ["0.1", "0.03333"],
    ),
    "times and rate in ms": (
        lambda ds: coordinate("time", lambda t: t * 1000)(ds).assign_attrs(sampling_rate_hz=0.01),
        "sampling rate", "warning", "time", ["100 s", "milliseconds?"],
    ),
    "frames dropped": (dropping(100), "gaps", "warning", "time", ["19 gaps of 1.9 s", "frame 99", "dropped"]),
    "a pause": (coordinate("time", lambda t: t + 60 * (t > 100)), "gaps", "note", "time", ["1 gap of 60 s"]),
    "jitter": (
        coordinate("time", lambda t: np.sort(t + np.random.default_rng(0).uniform(0, 0.04, len(t)))),
        "jitter", "warning", "time", ["one frame in twenty", "0.099"],
    ),
    "time goes back": (
        coordinate("time", lambda t: put(t, slice(500, 502), [3.0, 3.0])),
        "time", "error", "time", ["frame 500", "1 frames go back, 1 repeat"],
    ),
    "time is no number": (coordinate("time", lambda t: put(t, 7, np.nan)), "time", "error", "time", ["finite"]),
    "frames missing in one": (
        calcium(lambda v: put(v, (slice(5, 25), 1), np.nan)), "missing", "warning", "calcium", ["n1: 20 of 2000"],
    ),
    "frames missing in all": (
        calcium(lambda v: put(v, np.r_[40:60, 100:105], np.nan)),
        "missing frames", "note", "calcium", ["25 of 2000", "2 stretches", "20 frames from frame 40"],
    ),
    "a neuron without data": (
        calcium(lambda v: put(v, (slice(None), 3), np.nan)), "empty neurons", "warning", "calcium", ["neuron n3"],
    ),
    "a constant neuron": (
        calcium(lambda v: put(v, (slice(None), [3, 5]), 0.5)),
        "constant neurons", "warning", "calcium", ["neurons n3, n5", "never changes"],
    ),
    "a silent neuron": (without_spikes_of_n2, "silent neurons", "note", "spike_time", ["neuron n2: no spike"]),
    "few spikes": (few_spikes, "few events", "warning", "spike_time", ["12 of 12 neurons", "fewer than 10"]),
    "few rises of calcium": (
        lambda ds: calcium(lambda v: 0.01 * noise(v.shape))(ds).drop_dims("spike"),
        "few events", "warning", "calcium", ["12 of 12"],
    ),
    "clipped at the top": (
        calcium(lambda v: put(v, (slice(None), 4), np.minimum(v[:, 4], np.quantile(v[:, 4], 0.98)))),
        "saturation", "warning", "calcium", ["neuron n4", "2.0"],
    ),
    "raw fluorescence that bleaches": (
        units("raw fluorescence", lambda v: 100 * (1 + v) * np.exp(-np.arange(FRAMES) / FRAMES)[:, None]),
        "bleaching", "warning", "calcium", ["falls by 5"],
    ),
    "dF/F that falls": (
        calcium(lambda v: v - np.linspace(0, 2, FRAMES)[:, None]), "bleaching", "warning", "calcium", ["noise"],
    ),
    "a neuron twice": (
        calcium(lambda v: put(v, (slice(None), 7), 2 * v[:, 2] + 0.1)),
        "duplicate neurons", "warning", "calcium", ["1 pair is the same: n2 and n7 (r = 1.000)"],
    ),
    "a spike train twice": (twins, "duplicate neurons", "warning", "spike_time", ["n0 and n1"]),
    "spikes beyond the frames": (
        lambda ds: ds.assign(spike_time=ds["spike_time"] * 2.5), "spikes outside", "error", "spike_time", ["200 s"],
    ),
    "spikes out of order": (
        lambda ds: ds.isel(spike=np.r_[0:50, 60, 50:60, 61:1800]),
        "spike intervals", "warning", "spike_time", ["spike 51"],
    ),
    "spikes counted twice": (
        lambda ds: ds.isel(spike=np.sort(np.r_[0:1800, 5:12])),
        "spike intervals", "warning", "spike_time", ["7 spikes"],
    ),
    "several neurons in a unit": (
        lambda ds: ds.assign(spike_time=ds["spike_time"] / 100), "spike intervals", "warning", "spike_time", ["1 ms"],
    ),
    "too many labels": (
        lambda ds: ds.drop_vars("stimulus").assign_coords(stimulus=("label", ["a", "b"] * 20)),
        "label counts", "error", "stimulus", ["40 values of 'stimulus' for 32 trials"],
    ),
    "too few cell types": (
        lambda ds: ds.drop_vars("cell_type").assign_coords(cell_type=("cell", ["E"] * 11)),
        "label counts", "error", "cell_type", ["11 values of 'cell_type' for 12 neurons"],
    ),
    "spikes in ms": (in_whole_ms, "spikes outside", "warning", "spike_time", ["milliseconds"]),
    "spikes after the end": (
        lambda ds: spikes_only(ds).assign_attrs(duration_s=100.0),
        "spike times", "error", "spike_time", ["after the end at 100 s"],
    ),
    "stop before start": (
        coordinate("duration", lambda d: put(d, 3, -1.0)), "trial times", "error", "duration", ["1 of 32", "trial 3"],
    ),
    "no onset": (coordinate("onset", lambda o: put(o, 2, np.nan)), "trial times", "error", "onset", ["no onset"]),
    "onset outside": (
        coordinate("onset", lambda o: put(o, 31, 900.0)), "trial times", "warning", "onset", ["outside", "200 s"],
    ),
    "onsets in ms": (coordinate("onset", lambda o: o * 1000), "trial times", "error", "onset", ["32 of 32"]),
    "trials overlap": (
        coordinate("duration", lambda d: put(d, 4, 7.0)), "trial overlap", "warning", "onset", ["trial 5", "32 s"],
    ),
    "one stimulus": (
        coordinate("stimulus", lambda s: np.full(len(s), "vis")), "trial counts", "warning", "stimulus", ["same"],
    ),
    "a single trial": (
        coordinate("stimulus", lambda s: put(s.astype("<U9"), 4, "tactile")),
        "trial counts", "warning", "stimulus", ["1 of 3", "'tactile' 1"],
    ),
    "few trials": (lambda ds: ds.isel(trial=slice(0, 12)), "trial counts", "note", "stimulus", ["fewer than 10"]),
    "blocks": (coordinate("stimulus", np.sort), "stimulus blocks", "warning", "stimulus", ["contiguous block"]),
    "labels that may be the same": (
        coordinate("stimulus", lambda s: put(s.astype("<U9"), slice(0, None, 4), "Vis ")),
        "label names", "warning", "stimulus", ["'Vis ' and 'vis'"],
    ),
    "an empty label": (
        coordinate("stimulus", lambda s: put(s, [3, 5], "")), "label names", "warning", "stimulus", ["2 of 32"],
    ),
    "raw called dF/F": (calcium(lambda v: 800 + 90 * v), "scale", "warning", "calcium", ["raw fluorescence"]),
    "percent called dF/F": (calcium(lambda v: 100 * v), "scale", "warning", "calcium", ["percent"]),
    "z-scores called dF/F": (
        calcium(lambda v: (v - v.mean(0)) / v.std(0)), "scale", "warning", "calcium", ["z-scores"],
    ),
    "dF/F called raw": (units("raw", lambda v: v - np.median(v, 0)), "scale", "warning", "calcium", ["dF/F"]),
    "an unknown unit": (units("counts", lambda v: v), "scale", "warning", "calcium", ["'counts'"]),
    "no fraction": (units("active fraction", lambda v: v), "scale", "warning", "calcium", ["between 0 and 1"]),
    "few values": (rounded(0.25), "quantised values", "warning", "calcium", ["different values in 2000 frames"]),
    "an infinite value": (calcium(lambda v: put(v, (3, 3), np.inf)), "finite", "error", "calcium", ["infinite"]),
}  # fmt: skip


def test_a_good_recording_has_nothing():
    assert inspect(good()) == []
    assert inspect(spikes_only(good())) == []


@pytest.mark.parametrize("case", DEFECTS)
def test_a_defect_is_found(case):
    damage, check, severity, field, words = DEFECTS[case]
    found = [f for f in inspect(damage(good())) if f.check == check]
    assert found, case
    assert (found[0].severity, found[0].field) == (severity, field)
    assert len(found[0].remedy) > 10
    for word in words:
        assert word in found[0].found


def test_every_check_has_a_defect_that_it_finds():
    assert {check for _, check, *_ in DEFECTS.values()} >= set(catalog.names("check"))


def test_no_check_stumbles_over_what_breaks_the_schema():
    ds = good()
    broken = [
        xr.Dataset(),
        xr.Dataset({"temperature": ("x", [1.0])}),
        ds.drop_vars("time"),
        ds.rename(time="frame"),
        ds.isel(neuron=slice(0, 0)),
        ds.isel(time=slice(0, 0)),
        ds.isel(time=slice(0, 1)),
        ds.isel(spike=slice(0, 0), trial=slice(0, 0)),
        ds.assign(calcium=(("time", "neuron"), np.full((FRAMES, NEURONS), "x"))),
        ds.assign(calcium=ds["calcium"].transpose()),
        ds.assign(calcium=ds["calcium"].isel(neuron=0)),
        ds.assign(spike_neuron=ds["spike_neuron"] + 100),
        ds.assign(spike_neuron=ds["spike_neuron"] - 100.5),
        ds.assign(spike_time=ds["spike_time"] * np.nan),
        ds.assign_coords(onset=("trial", ["a"] * 32)),
        ds.assign_attrs(sampling_rate_hz="fast", duration_s="long", source=3),
        ds * np.nan,
    ]  # fmt: skip
    for each in broken:
        found = inspect(each)
        assert not [f for f in found if "could not be made" in f.found], found
        assert set(describe(each)) >= {"sizes", "findings"}
    assert all(any(f.severity == "error" for f in inspect(each)) for each in broken[:5])


def test_a_check_that_fails_stops_no_other(monkeypatch):
    kind = catalog.get("check", "gaps")
    monkeypatch.setattr(kind, "find", lambda self, recording: 1 / 0)
    found = inspect(DEFECTS["a constant neuron"][0](good()))
    assert [f.check for f in found] == ["gaps", "constant neurons"]
    assert "ZeroDivisionError" in found[0].found


def test_the_threshold_leaves_the_lower_ones_out():
    ds = few_spikes(DEFECTS["a pause"][0](good())).assign_attrs(source="elsewhere")
    found = {level: inspect(ds, level) for level in SEVERITIES}
    assert [f.severity for f in found["error"]] == ["error"]
    assert {f.severity for f in found["warning"]} == {"error", "warning"}
    assert {f.severity for f in found["note"]} == {"error", "warning", "note"}
    order = [SEVERITIES.index(f.severity) for f in found["note"]]
    assert order == sorted(order)


def test_profiles_do_not_depend_on_the_blocks(monkeypatch):
    ds = calcium(lambda v: put(v, (slice(30, 90), 2), np.nan))(good()).drop_dims("spike")
    whole = Examined(ds)
    monkeypatch.setattr("brainsim.examined.BLOCK", 3 * FRAMES)
    parts = Examined(ds)
    for name in whole.calcium.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(whole.calcium, name), getattr(parts.calcium, name))
    np.testing.assert_array_equal(whole.events, parts.events)
    assert whole.calcium.known[2] == FRAMES - 60
    np.testing.assert_allclose(whole.calcium.mean, np.nanmean(ds["calcium"], 0))
    np.testing.assert_allclose(whole.calcium.spread, np.nanstd(ds["calcium"], 0))


def test_smoothness_tells_the_axis_of_time():
    walk = np.cumsum(noise((500, 8)), 0)
    in_time, across = smoothness(walk)
    assert in_time > 0.9
    assert abs(across) < 0.35
    assert smoothness(walk.T) == pytest.approx((across, in_time), abs=0.1)


def test_what_is_bundled_has_no_warning():
    assert [f for f in inspect(load_dataset()) if f.severity != "note"] == []


REAL = {
    "zebrafish_cilva": (2.1646, set()),
    "seed_guanlab_v1/20180904_mean.csv": (None, {"stimulus blocks"}),
    "cascade/DS22-OGB1-m-SST-V1/CAttached_Kwan2012_OGB_L23_SST_GIN_cell16_mini.mat": (None, set()),
    "cascade/DS17-GCaMP5k-m-V1/CAttached_Akerboom_GC5k_cell12_full_mini.mat": (None, set()),
}


@pytest.mark.parametrize("name", REAL)
def test_real_recordings_raise_no_false_alarm(name, shared):
    rate, expected = REAL[name]
    found = inspect(read_recording([shared / name], None, ReadOptions(sampling_rate=rate)), "warning")
    assert {f.check for f in found} == expected


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A good recording, one that breaks the schema, one that is damaged; the current folder is theirs."""
    monkeypatch.chdir(tmp_path)
    save_recording(good(), "good.nc")
    broken = DEFECTS["time goes back"][0](good()).assign_attrs(source="elsewhere")
    broken.to_netcdf("broken.nc", engine="h5netcdf")
    Path("cut.nc").write_bytes(Path("good.nc").read_bytes()[:3000])
    return tmp_path


def test_check_through_the_command(cli, files):
    result = cli("data", "check", "good.nc")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "good.nc: nothing found\n", "")
    bad = cli("data", "check", "good.nc", "broken.nc", "cut.nc")
    assert bad.exit_code == 1
    assert "good.nc: nothing found\nbroken.nc: 2 errors" in bad.stdout
    assert "-> sort the frames" in bad.stdout
    assert bad.stderr == "brainsim: broken.nc, cut.nc: 3 errors; each has its remedy\n"
    facts = json.loads(cli("data", "check", "broken.nc", "cut.nc", "missing.nc", "--json").stdout)
    assert {f["file"] for f in facts["findings"]} == {"broken.nc", "cut.nc", "missing.nc"}
    assert facts["counts"]["error"] == 4
    assert {tuple(f) for f in facts["findings"]} == {("file", "severity", "check", "field", "found", "remedy")}
    assert [f["check"] for f in facts["findings"] if f["file"] != "broken.nc"] == ["file", "file"]
    assert inspect_file("cut.nc")[0].severity == "error"


def test_warnings_end_with_0_and_the_threshold_hides_notes(cli, files):
    save_recording(few_spikes(DEFECTS["a pause"][0](good())), "meagre.zarr")
    every = cli("data", "check", "meagre.zarr")
    assert every.exit_code == 0
    assert "1 warning, 1 note" in every.stdout
    assert "gaps" in every.stdout
    shown = cli("data", "check", "meagre.zarr", "--threshold", "warning")
    assert "1 warning, 1 note" in shown.stdout
    assert "gaps" not in shown.stdout
    assert json.loads(cli("data", "check", "meagre.zarr", "--threshold", "error", "--json").stdout)["findings"] == []
    assert cli("data", "check", "meagre.zarr", "--threshold", "fatal").exit_code == 2


def test_describe_shows_what_breaks_the_schema_and_ends_with_0(cli, files):
    told = cli("data", "describe", "broken.nc")
    assert told.exit_code == 0
    assert "time does not increase at frame 500" in told.stdout
    assert "neuron  12" in told.stdout
    assert cli("data", "describe", "cut.nc").exit_code == 1


def test_reading_tells_warnings_and_keeps_notes_for_check(cli, tmp_path):
    times = np.arange(600) / 10
    rows = [f"{t},{1 + zlib.crc32(str(t).encode()) % 999 / 999},{3}" for t in times]
    (tmp_path / "x.csv").write_text("time_s,a,b\n" + "\n".join(rows) + "\n")
    result = cli("data", "read", tmp_path / "x.csv", "--out", tmp_path / "o.nc")
    assert "warning: calcium: neuron b: the trace never changes" in result.stderr
    assert "note:" not in result.stderr


def test_check_and_describe_open_what_data_read_opens(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    formats.suite2p(Path("plane0"), F=np.ones_like(formats.F), Fneu=np.zeros_like(formats.F))
    formats.matlab5(Path("two.mat"), left=formats.F, right=formats.F)
    facts = json.loads(cli("data", "check", "plane0", "two.mat", "none.csv", "--json").stdout)
    found = {f["file"]: f for f in facts["findings"] if f["severity"] == "error"}
    assert set(found) == {"plane0", "two.mat", "none.csv"}
    assert found["two.mat"]["remedy"] == ("name the traces with --variable; options are those of `brainsim data read`")
    assert "the trace never changes" in "".join(f["found"] for f in facts["findings"] if f["file"] == "plane0")
    told = cli("data", "describe", "plane0")
    assert told.exit_code == 0
    assert "neuropil_coefficient" in told.stdout


def rows():
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_page_lists_every_check():
    listed = {row[0].strip("`"): row[1:] for row in rows()}
    for name, kind in catalog.entries("check").items():
        assert listed[name] == [kind.severity, f"`{kind.field}`", kind.summary()], name
    own = set(re.findall(r'_(?:error|warning)\(\s*"([a-z ]+)"', Path(schema.__file__).read_text("utf-8")))
    assert own == set(listed) - set(catalog.names("check")) - {"file"}
