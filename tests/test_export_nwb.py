"""What is written as NWB is valid, stands where the standard wants it, and reads back as the same Dataset."""

import json

import h5py
import networkx as nx
import numpy as np
import pynwb
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from made_up import calcium_trials, fraction_trials
from made_up import fit as made_up_fit

from brainsim import graph
from brainsim.dataset import load_dataset
from brainsim.error import InputError, OutputError
from brainsim.export_nwb import write_nwb
from brainsim.reader import ReadOptions
from brainsim.reader._nwb_index import PLACE, decoded, encoded
from brainsim.reading import read_recording
from brainsim.store import open_recording, save_recording

OF_READING = ("format", "input_file", "input_sha256", "brainsim_version")


def full():
    """Everything that a recording may hold, with ties of spikes in no order, and names that need care."""
    rng = np.random.default_rng(0)
    time = np.concatenate([np.arange(40) / 7.3, 60 + np.arange(30) / 7.3])
    trace = rng.normal(size=(70, 5)).astype(np.float32)
    trace[8:12, 1] = np.nan
    spike = np.sort(np.round(rng.uniform(0, 9, 60), 1))
    return xr.Dataset(
        {
            "calcium": (("time", "neuron"), trace, {"units": "dF/F"}),
            "spikes": (("time", "neuron"), rng.gamma(0.2, 1.0, (70, 5))),
            "spike_time": ("spike", spike),
            "spike_neuron": ("spike", rng.integers(0, 4, 60)),
            "true_weight": (("pre", "post"), rng.normal(size=(5, 5))),
        },
        coords={
            "time": time,
            "neuron": ["<script>", "=1+1", "naïve/7", "ß", "n 4"],
            "pre": np.arange(5),
            "post": np.arange(5),
            "cell_type": ("neuron", ["E", "E", "I", "unknown", "E"]),
            "position": (("neuron", "axis"), rng.normal(size=(5, 2)), {"units": "um"}),
            "axis": ["y", "x"],
            "decay_time": ("neuron", [0.5, np.nan, 0.25, 1.0, 2.0], {"units": "s", "method": "oasis"}),
            "roi_accepted": ("neuron", np.array([True, False, True, True, False])),
            "onset": ("trial", [0.1, 1.3, 61.7]),
            "duration": ("trial", [0.3, 0.1, 0.7]),
            "stimulus": ("trial", ["aud", "vis", "aud"]),
            "session": ("trial", ["one", "one", "two"]),
            "depth": ((), 120.0),
        },
        attrs={
            "source": "simulated", "model": "made up", "seed": 3, "sampling_rate_hz": 7.3, "trial_frames": 3,
            "sessions": ["one", "two"], "interval": np.array([0.1, np.nan]), "notices": "one\ntwo",
        },
    )  # fmt: skip


def of_spikes():
    """Spike times only, a silent neuron, in order of time and neuron."""
    coords = {"neuron": np.array([3, 7, 9]), "cell_type": ("neuron", ["E", "I", "E"])}
    spikes = {"spike_time": ("spike", [0.1, 0.1, 0.5]), "spike_neuron": ("spike", np.array([0, 2, 0], np.int32))}
    return xr.Dataset(spikes, coords, {"source": "recorded", "duration_s": 2.0})


def with_onsets(step):
    """Trials that were cut out, with onsets `step` seconds apart."""
    data = calcium_trials(0, trials=8, neurons=3, frames=10)
    data["calcium"].attrs["units"] = "raw fluorescence"
    return data.assign_coords(onset=("trial", 5 + step * np.arange(8)), duration=("trial", np.full(8, 0.5)))


def odd_types():
    """Integers, big-endian numbers, one frame, no trial and no spike."""
    return xr.Dataset(
        {
            "calcium": (("time", "neuron"), np.array([[1, 2]], ">i2")),
            "spike_time": ("spike", np.zeros(0)),
            "spike_neuron": ("spike", np.zeros(0, int)),
        },
        coords={
            "time": np.array([3.0], ">f4"),
            "onset": ("trial", np.zeros(0)),
            "stimulus": ("trial", np.zeros(0, "U3")),
        },
        attrs={"source": "recorded"},
    )  # fmt: skip


def repeated():
    """A fit with repeats."""
    weights = np.random.default_rng(1).normal(size=(3, 24, 24))
    made = made_up_fit()
    return made.assign(weight=(("repeat", "pre", "post"), weights)).assign_coords(repeat=np.arange(3))


DATA = {
    "everything": full,
    "spike times": of_spikes,
    "generated trials": lambda: calcium_trials(0, trials=8, neurons=3, source="generated"),
    "trials of one frame": lambda: fraction_trials(0, trials=8, neurons=3),
    "trials with onsets": lambda: with_onsets(2.0),
    "trials that overlap": lambda: with_onsets(0.25),
    "a fit": made_up_fit,
    "a fit with repeats": repeated,
    "odd types": odd_types,
}


def without_origin(data):
    return data.assign_attrs({}).pipe(lambda d: d.drop_attrs(deep=False).assign_attrs(kept(d)))


def kept(data):
    return {name: value for name, value in data.attrs.items() if name not in OF_READING}


@pytest.fixture(params=DATA)
def written(request, tmp_path):
    data = DATA[request.param]()
    return data, write_nwb(data, tmp_path / "out.nwb")


def test_it_is_valid_and_reads_back_as_the_same(written):
    data, path = written
    assert pynwb.validate(path=str(path)) == []
    read = read_recording([path])
    xr.testing.assert_identical(without_origin(read), without_origin(data))
    assert {n: v.dtype.kind for n, v in read.variables.items()} == {n: v.dtype.kind for n, v in data.variables.items()}
    for name in ("calcium", "spikes", "time", "weight", "spike_neuron"):
        if name in data.variables:
            assert read[name].dtype == data[name].dtype
    assert read.attrs["format"] == "nwb"
    assert [p.name for p in path.parent.iterdir()] == ["out.nwb"]


def test_the_bundled_recording_and_what_was_saved_read_back(tmp_path):
    data = load_dataset().isel(time=slice(0, 600), spike=slice(0, 3000))
    save_recording(data, tmp_path / "rec.nc")
    opened = open_recording(tmp_path / "rec.nc")
    read = read_recording([write_nwb(opened, tmp_path / "rec.nwb")])
    xr.testing.assert_identical(without_origin(read), without_origin(opened))
    assert pynwb.validate(path=str(tmp_path / "rec.nwb")) == []


def test_everything_stands_where_the_standard_wants_it(tmp_path):
    data = full()
    with pynwb.NWBHDF5IO(str(write_nwb(data, tmp_path / "x.nwb")), "r") as io:
        nwb = io.read()
        series = nwb.processing["ophys"]["DfOverF"]["calcium"]
        assert series.data.shape == (70, 5)
        np.testing.assert_array_equal(series.data[:], data["calcium"])
        np.testing.assert_array_equal(series.timestamps[:], data["time"])
        inferred = nwb.processing["ophys"]["Deconvolved"]["spikes"]
        np.testing.assert_array_equal(inferred.data[:], data["spikes"])
        np.testing.assert_array_equal(inferred.timestamps[:], data["time"])
        table = series.rois.table.to_dataframe()
        assert table["cell_type"].tolist() == ["E", "E", "I", "unknown", "E"]
        assert table["neuron"].tolist() == data["neuron"].values.tolist()
        np.testing.assert_array_equal(np.stack(table["position"]), data["position"])
        trials = nwb.trials.to_dataframe()
        np.testing.assert_array_equal(trials["start_time"], data["onset"])
        np.testing.assert_allclose(trials["stop_time"], data["onset"] + data["duration"])
        assert trials["stimulus"].tolist() == ["aud", "vis", "aud"]
        for neuron in range(5):
            mine = np.sort(data["spike_time"].values[data["spike_neuron"].values == neuron])
            np.testing.assert_array_equal(nwb.units["spike_times"][neuron], mine)
        weights = nwb.processing["brainsim"]["pre"]["true_weight"]
        np.testing.assert_array_equal(weights[:], data["true_weight"])
        assert nwb.session_start_time.year == 1970
        assert "not known" in nwb.notes


def test_what_is_known_of_the_session_is_kept(tmp_path):
    data = of_spikes().assign_attrs(session_start_time="2018-08-27T10:11:12+02:00")
    with pynwb.NWBHDF5IO(str(write_nwb(data, tmp_path / "x.nwb")), "r") as io:
        nwb = io.read()
        assert nwb.session_start_time.isoformat() == "2018-08-27T10:11:12+02:00"
        assert nwb.units.id[:].tolist() == [3, 7, 9]


@pytest.mark.parametrize(("step", "starts"), [(2.0, 5 + 2.0 * np.arange(8)), (0.25, np.arange(8.0))])
def test_trials_lie_one_after_another(step, starts, tmp_path):
    with pynwb.NWBHDF5IO(str(write_nwb(with_onsets(step), tmp_path / "x.nwb")), "r") as io:
        nwb = io.read()
        series = nwb.processing["ophys"]["Fluorescence"]["calcium"]
        assert series.unit == "raw fluorescence"
        np.testing.assert_allclose(nwb.trials["start_time"][:], starts)
        assert (np.diff(series.timestamps[:]) > 0).all()
        np.testing.assert_allclose(series.timestamps[::10], starts)


def test_without_the_index_the_standard_part_is_read(tmp_path):
    data = full().drop_vars("spikes")
    path = write_nwb(data, tmp_path / "x.nwb")
    with h5py.File(path, "a") as file:
        del file[PLACE]
    read = read_recording([path])
    np.testing.assert_array_equal(read["calcium"], data["calcium"])
    np.testing.assert_array_equal(read["onset"], data["onset"])
    np.testing.assert_array_equal(read["stimulus"], data["stimulus"])
    asked = read_recording([write_nwb(data, tmp_path / "y.nwb")], None, ReadOptions(variable="units", duration=9.0))
    assert set(asked.data_vars) == {"spike_time", "spike_neuron"}


def test_other_stimuli_replace_those_of_the_file(tmp_path):
    (tmp_path / "s.csv").write_text("onset_s,duration_s,stimulus\n0.5,0.2,tone\n")
    read = read_recording([write_nwb(full(), tmp_path / "x.nwb")], None, ReadOptions(stimuli=tmp_path / "s.csv"))
    assert read["stimulus"].values.tolist() == ["tone"]
    assert "session" not in read.coords
    (tmp_path / "l.csv").write_text("stimulus\n" + "tone\n" * 8)
    cut = read_recording(
        [write_nwb(with_onsets(2.0), tmp_path / "y.nwb")], None, ReadOptions(stimuli=tmp_path / "l.csv")
    )
    assert cut["stimulus"].values.tolist() == ["tone"] * 8
    np.testing.assert_array_equal(cut["onset"], with_onsets(2.0)["onset"])


def edited(path, change):
    """Change the index of a file."""
    with h5py.File(path, "a") as file:
        index = json.loads(file[PLACE][()])
        change(index)
        attrs = dict(file[PLACE].attrs)
        del file[PLACE]
        file[PLACE] = json.dumps(index)
        file[PLACE].attrs.update(attrs)


TAMPERED = {
    "a shape": (lambda i: i["variables"]["calcium"].update(shape=[7, 5]), "reshape"),
    "a place": (lambda i: i["variables"]["calcium"].update(at="/nowhere"), "missing"),
    "a group for a place": (lambda i: i["variables"]["calcium"].update(at="/processing"), "missing"),
    "a type": (lambda i: i["variables"]["calcium"].update(dtype="O"), "no type is called O"),
    "a strange type": (lambda i: i["variables"]["calcium"].update(dtype="system"), "does not fit"),
    "dimensions": (lambda i: i["variables"]["calcium"].update(dims=["time", "pre"]), "calcium"),
    "no variables": (lambda i: i.pop("variables"), "variables"),
    "attributes": (lambda i: i.update(attrs=[1]), "does not fit"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_an_index_that_was_tampered_with_is_one_error(case, tmp_path):
    change, words = TAMPERED[case]
    path = write_nwb(full(), tmp_path / "x.nwb")
    edited(path, change)
    with pytest.raises(InputError, match=words) as caught:
        read_recording([path])
    assert "x.nwb" in str(caught.value)


def test_the_index_leads_nowhere_outside(tmp_path):
    path = write_nwb(of_spikes(), tmp_path / "x.nwb")
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = np.arange(3.0)
    with h5py.File(path, "a") as file:
        file["leak"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/data")
    edited(path, lambda index: index["variables"]["cell_type"].update(at="/leak", dtype="<f8"))
    with pytest.raises(InputError, match="link to another file"):
        read_recording([path])


def test_what_nwb_cannot_hold_is_said(tmp_path):
    dates = of_spikes().assign_coords(day=("neuron", np.zeros(3, "datetime64[ns]")))
    with pytest.raises(InputError, match=r"field 'day'.*datetime64"):
        write_nwb(dates, tmp_path / "x.nwb")
    with pytest.raises(InputError, match=r"attribute 'spike_time\.how'"):
        write_nwb(of_spikes().pipe(lambda d: d["spike_time"].attrs.update(how={}) or d), tmp_path / "x.nwb")
    with pytest.raises(InputError, match="does not survive"):
        write_nwb(of_spikes().assign_coords(layer=("neuron", ["a", "b\0c", "d"])), tmp_path / "x.nwb")
    with pytest.raises(InputError, match="source"):
        write_nwb(of_spikes().drop_attrs(), tmp_path / "x.nwb")
    with pytest.raises(OutputError, match=r"end in \.nwb"):
        write_nwb(of_spikes(), tmp_path / "x.h5")
    assert list(tmp_path.iterdir()) == []


plain = st.one_of(st.text(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.booleans())


@given(st.one_of(plain, st.lists(plain, max_size=3)))
def test_attributes_survive_json(value):
    assert decoded(json.loads(json.dumps(encoded(value)))) == value
    if isinstance(value, list) and value:
        array = np.array(value) if len({type(each) for each in value}) == 1 else np.array(list(map(str, value)))
        again = decoded(json.loads(json.dumps(encoded(array))))
        np.testing.assert_array_equal(again, array)
        assert again.dtype.kind == array.dtype.kind


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_recording(full().assign_coords(neuron=[f"n{i}" for i in range(5)]), "rec.nc")
    save_recording(made_up_fit(), "fit.nc")
    return tmp_path


def test_write_and_read_through_the_commands(cli, files):
    told = cli("data", "write", "rec.nc", "--out", "rec.nwb")
    assert told.exit_code == 0, told.stderr
    assert told.stdout == "read it back with: brainsim data read rec.nwb --out REC.nc\nrec.nwb\n"
    assert cli("data", "read", "rec.nwb", "--out", "again.nc").exit_code == 0
    xr.testing.assert_equal(open_recording("again.nc"), open_recording("rec.nc"))
    assert cli("data", "write", "rec.nc", "--out", "rec.nwb").exit_code == 1
    facts = json.loads(cli("data", "write", "fit.nc", "--out", "fit.nwb", "--json").stdout)
    assert "weight" in facts["variables"]
    wrong = cli("data", "write", "rec.nc", "--out", "rec.mat")
    assert wrong.exit_code == 1
    assert "must end in .nwb or .csv or .graphml" in wrong.stderr
    assert cli("data", "write", "rec.nc", "--out", "y.nwb", "--variable", "calcium").exit_code == 2


def test_a_table_says_what_it_does_not_hold(cli, files):
    facts = json.loads(cli("data", "write", "rec.nc", "--out", "rec.csv", "--json").stdout)
    assert {"spikes", "position", "session", "true_weight"} <= set(facts["left_out"])
    assert not {"calcium", "time", "onset", "stimulus"} & set(facts["left_out"])
    told = cli("data", "write", "rec.nc", "--out", "rec.csv", "--overwrite")
    assert "a table holds no" in told.stdout


def test_the_network_of_a_fit_reads_back(cli, files):
    told = cli("data", "write", "fit.nc", "--out", "net.graphml")
    assert told.exit_code == 0, told.stderr
    assert "24 neurons" in told.stdout
    net, again = graph.network(open_recording("fit.nc")), nx.read_graphml("net.graphml")
    assert dict(again.nodes(data=True)) == dict(net.nodes(data=True))
    assert list(again.edges(data=True)) == list(net.edges(data=True))
    assert net.number_of_edges() > 10
    with pytest.raises(InputError, match="does not survive in XML"):
        graph.write_graphml(
            made_up_fit().assign_coords(pre=list(map(chr, range(24))), post=list(map(chr, range(24)))), "c.graphml"
        )
    none = cli("data", "write", "rec.nc", "--out", "rec.graphml")
    assert none.exit_code == 1
    assert "weight" in none.stderr
    assert not (files / "rec.graphml").exists()
