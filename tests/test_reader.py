"""Every reader of the catalogue: write a tiny real file, guess, read, compare; and what no reader may accept."""

from collections.abc import Callable
from pathlib import Path

import formats
import h5py
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from brainsim import catalog, gap, schema
from brainsim.error import InputError, UnknownName
from brainsim.export import write_csv
from brainsim.reader import ReadOptions
from brainsim.reading import read_recording
from brainsim.store import open_recording, save_recording

SHARED = Path(__file__).parents[2] / "shared" / "data"
VALUES = np.array([[0.5, np.nan, -1.25], [2.0, 3.5, 0.1], [1e-9, 4.0, 7.0], [0.25, 0.5, 0.75]])

real_data = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not in this checkout")


def recording(values: np.ndarray = VALUES, rate: float = 10.0, names: list | None = None) -> xr.Dataset:
    return xr.Dataset(
        {"calcium": (("time", "neuron"), values, {"units": "dF/F"})},
        coords={"time": np.arange(len(values)) / rate, "neuron": names or [f"n{i}" for i in range(values.shape[1])]},
        attrs={"sampling_rate_hz": rate, "source": "recorded"},
    )


def make_netcdf(folder: Path) -> Path:
    return save_recording(recording(), folder / "rec.nc")


def make_zarr(folder: Path) -> Path:
    return save_recording(recording(), folder / "rec.zarr")


def make_csv_wide(folder: Path) -> Path:
    cells = [[str(n / 10), *("" if np.isnan(v) else repr(float(v)) for v in row)] for n, row in enumerate(VALUES)]
    return text(folder / "rec.csv", "time_s,n0,n1,n2\n" + "\n".join(map(",".join, cells)) + "\n")


def make_csv_long(folder: Path) -> Path:
    return text(folder / "rec.csv", "neuron,time_s\n2,0.5\n0,0.25\n2,0.1\n")


def make_trial_table(folder: Path) -> Path:
    text(folder / "m1_tag.csv", "a,a,b\n")
    return text(folder / "m1_mean.csv", "0.5,0\n0.25,1\n0,0.75\n")


def make_cilva(folder: Path) -> Path:
    text(folder / "f.stim", "0\n3\n3\n0\n4\n3\n")
    return text(folder / "f.ca2", "1 2 3 4 5 6\n-1e-1 0 1 0 nan 1\n")


def make_cascade(folder: Path) -> Path:
    return cascade(folder / "cell_PV1.mat", [part(), part(frames=3, spikes=[])])


def part(frames: int = 4, rate: float = 20.0, spikes: list | None = None, **fields: object) -> dict[str, object]:
    time = np.arange(frames)[None] / rate
    ticks = [[500.0, 1000.0]] if spikes is None else np.zeros((0, 0), np.uint8) if not spikes else [spikes]
    return {"fluo_time": time, "fluo_mean": np.arange(frames)[:, None] / 4, "events_AP": ticks, **fields}


def cascade(path: Path, parts: list[dict[str, object]], compressed: bool = True) -> Path:
    from scipy.io import savemat

    held = np.empty((1, len(parts)), object)
    held[0, :] = parts
    savemat(path, {"CAttached": held}, do_compression=compressed)
    return path


def text(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(content.encode(encoding))
    return path


MAKERS: dict[str, Callable[[Path], Path]] = {
    "netcdf": make_netcdf,
    "zarr": make_zarr,
    "csv-wide": make_csv_wide,
    "csv-long": make_csv_long,
    "trial-table": make_trial_table,
    "cilva": make_cilva,
    "cascade": make_cascade,
    "suite2p": lambda folder: formats.suite2p(folder / "plane0"),
    "caiman": lambda folder: formats.caiman(folder / "out.hdf5"),
    "nwb": lambda folder: formats.nwb(folder / "rec.nwb", transposed=True),
    "nwb1-allen": lambda folder: formats.nwb1(folder / "old.nwb"),
    "matlab": lambda folder: formats.matlab5(folder / "rec.mat"),
    "pynapple": lambda folder: formats.pynapple(folder / "rec.npz"),
}
EXPECTED: dict[str, tuple[str, np.ndarray]] = {
    "netcdf": ("calcium", VALUES),
    "zarr": ("calcium", VALUES),
    "csv-wide": ("calcium", VALUES),
    "csv-long": ("spike_time", np.array([0.1, 0.25, 0.5])),
    "trial-table": ("calcium", np.array([[[0.5, 0]], [[0.25, 1]], [[0, 0.75]]])),
    "cilva": ("calcium", np.array([[1, 2, 3, 4, 5, 6], [-0.1, 0, 1, 0, np.nan, 1]]).T),
    "cascade": ("calcium", np.array([[0, 0.25, 0.5, 0.75, 0, 0.25, 0.5]]).T),
    "suite2p": ("calcium", formats.CORRECTED),
    "caiman": ("calcium", (formats.F + formats.NEUROPIL)[[0, 2]].T),
    "nwb": ("calcium", formats.CORRECTED),
    "nwb1-allen": ("calcium", formats.F.T / 10),
    "matlab": ("calcium", formats.F.T),
    "pynapple": ("calcium", formats.F.T),
}


@pytest.mark.parametrize("name", catalog.names("reader"))
def test_reader_contract(name, tmp_path):
    assert name in MAKERS, f"give the reader '{name}' a tiny real file in MAKERS and EXPECTED"
    source = MAKERS[name](tmp_path)
    read = read_recording([source])
    variable, values = EXPECTED[name]
    np.testing.assert_array_equal(read[variable].values, values)
    assert read.attrs["format"] == name
    assert read.attrs["input_file"] == source.name
    assert len(read.attrs["input_sha256"]) == 64
    assert not [f for f in schema.check(read) if f.severity == "error"]
    again = open_recording(save_recording(read, tmp_path / "again.nc"))
    assert again.identical(read)
    named = read_recording([source], name)
    assert named.identical(read)


def test_each_format_is_claimed_by_its_reader_alone_or_first(tmp_path):
    for name, make in MAKERS.items():
        folder = tmp_path / name
        folder.mkdir()
        assert read_recording([make(folder)]).attrs["format"] == name
        if name != "zarr":
            assert read_recording([folder]).attrs["format"] == name


def test_csv_long_keeps_silent_neurons_and_says_what_it_assumed(tmp_path):
    source = make_csv_long(tmp_path)
    full = read_recording([source], options=ReadOptions(duration=10, neurons=5))
    assert full.sizes == {"spike": 3, "neuron": 5}
    assert full.attrs["duration_s"] == 10
    assert "notices" not in full.attrs
    assert full.spike_neuron.values.tolist() == [2, 0, 2]
    assumed = read_recording([source])
    assert assumed.sizes["neuron"] == 3
    assert "--duration" in assumed.attrs["notices"]
    assert "--neurons" in assumed.attrs["notices"]


def test_csv_long_with_names_sorts_them(tmp_path):
    read = read_recording([text(tmp_path / "s.csv", "neuron,time_s\nb,1\na,2\nb,3\n")], options=ReadOptions(duration=4))
    assert read.neuron.values.tolist() == ["a", "b"]
    assert read.spike_neuron.values.tolist() == [1, 0, 1]


def test_cascade_recordings_follow_each_other(tmp_path):
    read = read_recording([cascade(tmp_path / "c.mat", [part(), part(spikes=[0.0, 1500.0])], compressed=False)])
    np.testing.assert_allclose(read.time, [0, 0.05, 0.1, 0.15, 10.15, 10.2, 10.25, 10.3])
    np.testing.assert_allclose(read.spike_time, [0.05, 0.1, 10.15, 10.3])
    assert read.cell_type.values.tolist() == ["unknown"]
    assert read.attrs["data_set"] == tmp_path.name
    assert read.attrs["sampling_rate_hz"] == pytest.approx(20)
    named = read_recording([make_cascade(tmp_path)])
    assert named.cell_type.values.tolist() == ["I"]
    assert "PV interneurons" in named.attrs["notices"]


def test_cascade_says_what_it_leaves_out(tmp_path):
    again = np.array([[0, 0.05, 0.1, 0.1]])
    late = part(spikes=[500.0, 1000.0, 9999.0])
    read = read_recording([cascade(tmp_path / "c.mat", [part(fluo_time=again), late, part(frames=3, rate=5.0)])])
    assert read.sizes["time"] == 7
    for words in ("CAttached{1,1}: 1 frame", "CAttached{1,2}: 1 spike", "1 of 3 recordings have another frame rate"):
        assert words in read.attrs["notices"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"fluo_time": np.zeros((1, 4))}, "does not increase at 3 frames"),
        ({"fluo_time": np.zeros((1, 3))}, "3 times for 4 values"),
        ({"events_AP": [[9e4, 9e4, 500.0]]}, "2 of 3 spikes are outside"),
        ({"fluo_mean": np.array([["a", "b"]])}, r"CAttached\{1,1\}\.fluo_mean'"),
        ({"fluo_mean": np.zeros((2, 2))}, "not one number per frame"),
    ],
)
def test_cascade_that_contradicts_itself_is_refused(fields, words, tmp_path):
    with pytest.raises(InputError, match=words):
        read_recording([cascade(tmp_path / "c.mat", [part(**fields)])])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_cascade_is_refused(share, tmp_path):
    source = cascade(tmp_path / "c.mat", [part(frames=4000)] * 3)
    source.write_bytes(source.read_bytes()[: int(share * source.stat().st_size)])
    with pytest.raises(InputError, match=r"c\.mat, field 'file'"):
        read_recording([source])


def test_cell_types_are_given_for_all_or_by_a_table(tmp_path):
    source = make_csv_wide(tmp_path)
    every = read_recording([source], options=ReadOptions(cell_type="I"))
    assert every.cell_type.values.tolist() == ["I"] * 3
    table = text(tmp_path / "types.csv", "neuron,cell_type\nn2,E\nn0,I\n")
    assert read_recording([source], options=ReadOptions(cell_type=str(table))).cell_type.values.tolist() == [
        "I",
        "unknown",
        "E",
    ]
    for content, words in (
        ("neuron,cell_type\nn9,E\n", "neuron 'n9'"),
        ("neuron,cell_type\nn1,X\n", "cell type 'X'"),
        ("a,b\nn1,E\n", "no columns neuron,cell_type"),
    ):
        text(table, content)
        with pytest.raises(InputError, match=words):
            read_recording([source], options=ReadOptions(cell_type=str(table)))
    with pytest.raises(InputError, match="neither E nor I"):
        read_recording([source], options=ReadOptions(cell_type="pyramidal"))


@real_data
def test_real_cascade():
    files = sorted((SHARED / "cascade").glob("DS*/*.mat"))
    assert len(files) == 33
    for file in (files[0], files[-1], files[17]):
        read = read_recording([file])
        assert read.sizes["neuron"] == 1
        assert not [f for f in schema.check(read) if f.severity == "error"]
        assert 0 < read.spike_time.values.max() <= read.attrs["duration_s"]


def test_cilva_trials_are_runs_of_one_code(tmp_path):
    read = read_recording([make_cilva(tmp_path)], options=ReadOptions(sampling_rate=2.0))
    assert read.onset.values.tolist() == [0.5, 2.0, 2.5]
    assert read.duration.values.tolist() == [1.0, 0.5, 0.5]
    assert read.stimulus.values.tolist() == ["3", "4", "3"]
    assert "frame rate" not in read.attrs["notices"]
    assert "2.1646" in read_recording([tmp_path / "f.ca2"]).attrs["notices"]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("\ufefftime_s;a;b\r\n0,0;1,5;2\r\n0,1;-3,25;\r\n0,2;0;1e-3\r\n", "utf-8"),
        ("time_s\ta\tb\n0\t1.5\t2\n0.1\t-3.25\tNaN\n0.2\t0\t1e-3\n", "utf-8"),
        ("# made by hand\n\ntime_s,a,b\r\n0,1.5,2\r\n0.1,-3.25,NA\r\n0.2,0,1e-3", "utf-16"),
    ],
)
def test_spreadsheet_dialects_give_the_same_numbers(content, encoding, tmp_path):
    read = read_recording([text(tmp_path / "x.csv", content, encoding)])
    np.testing.assert_array_equal(read.calcium.values, [[1.5, 2], [-3.25, np.nan], [0, 1e-3]])
    assert read.attrs["sampling_rate_hz"] == 10
    assert gap.missing_by_neuron(read.calcium) == {"b": 1}


def test_windows_encoding_is_read_with_a_notice(tmp_path):
    read = read_recording([text(tmp_path / "x.csv", "time,zelle_ä\n0,1\n1,2\n", "cp1252")])
    assert read.neuron.values.tolist() == ["zelle_ä"]
    assert "not UTF-8" in read.attrs["notices"]


def test_orientation_transposes(tmp_path):
    source = text(tmp_path / "x.csv", "neuron,0.0,0.5,1.0\na,1,2,3\nb,4,5,6\n")
    read = read_recording([source], options=ReadOptions(orientation="neuron-time"))
    np.testing.assert_array_equal(read.calcium.transpose("neuron", "time").values, [[1, 2, 3], [4, 5, 6]])
    assert read.neuron.values.tolist() == ["a", "b"]
    assert read.attrs["sampling_rate_hz"] == 2


def test_square_trial_table_needs_the_orientation(tmp_path):
    text(tmp_path / "m_tag.csv", "a\nb\n")
    source = text(tmp_path / "m_mean.csv", "0,1\n0.5,0.25\n")
    with pytest.raises(InputError, match="--orientation"):
        read_recording([source])
    rows = read_recording([source], options=ReadOptions(orientation="time-neuron")).calcium.values[:, 0]
    columns = read_recording([source], options=ReadOptions(orientation="neuron-time")).calcium.values[:, 0]
    np.testing.assert_array_equal(rows, columns.T)
    np.testing.assert_array_equal(rows, [[0, 1], [0.5, 0.25]])


def test_tag_file_decides_which_dimension_is_trial(tmp_path):
    text(tmp_path / "m_tag.csv", "a,b")
    read = read_recording([text(tmp_path / "m_mean.csv", "0,1\n0.5,0.25\n1,1\n")])
    assert dict(read.sizes) == {"trial": 2, "time": 1, "neuron": 3}
    np.testing.assert_array_equal(read.calcium.values[:, 0], [[0, 0.5, 1], [1, 0.25, 1]])


def test_stimulus_table_is_attached_in_order_of_onset(tmp_path):
    stimuli = text(tmp_path / "s.csv", "onset_s,duration_s,stimulus\n0.2,0.1,b/../c\n0.0,0.1,a\n")
    read = read_recording([make_csv_wide(tmp_path)], options=ReadOptions(stimuli=stimuli))
    assert read.stimulus.values.tolist() == ["a", "b/../c"]
    assert read.onset.values.tolist() == [0.0, 0.2]
    assert read.attrs["stimuli_file"] == "s.csv"
    for suffix in (".nc", ".zarr"):
        assert open_recording(save_recording(read, tmp_path / f"again{suffix}")).equals(read)


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "trial-table"])
def test_a_stimulus_table_is_attached_to_any_format(name, tmp_path):
    (tmp_path / "made").mkdir()
    source = MAKERS[name](tmp_path / "made")
    start = {"nwb1-allen": 8.0, "nwb": 0.5}.get(name, 0.0)
    header = "onset_s,duration_s,stimulus\n"
    stimuli = text(tmp_path / "table.csv", f"{header}{start + 0.2},0.1,b\n{start + 0.1},0.05,a\n")
    read = read_recording([source], options=ReadOptions(stimuli=stimuli))
    assert read.stimulus.values.tolist() == ["a", "b"]
    assert read.attrs["stimuli_file"] == "table.csv"
    text(stimuli, f"{header}99,0.1,b\n")
    with pytest.raises(InputError, match=r"field 'onset_s': line 2: onset outside the recording"):
        read_recording([source], options=ReadOptions(stimuli=stimuli))


def test_a_netcdf_file_cannot_show_another_file(tmp_path):
    save_recording(recording(), tmp_path / "secret.nc")
    source = make_netcdf(tmp_path)
    for link in (h5py.ExternalLink("secret.nc", "/calcium"), h5py.SoftLink("/neuron")):
        with h5py.File(source, "r+") as file:
            del file["calcium"]
            file["calcium"] = link
        for read in (open_recording, lambda path: read_recording([path])):
            with pytest.raises(InputError, match=r"rec\.nc, field 'calcium': its data lie in another file"):
                read(source)


def test_options_without_meaning_are_refused(tmp_path):
    with pytest.raises(InputError, match="no use for --neurons"):
        read_recording([make_csv_wide(tmp_path)], options=ReadOptions(neurons=3))


def test_times_and_rate_must_agree(tmp_path):
    source = text(tmp_path / "x.csv", "time,a\n0,1\n100,2\n200,3\n")
    with pytest.raises(InputError, match="milliseconds"):
        read_recording([source], options=ReadOptions(sampling_rate=10))


def test_unknown_format_names_the_nearest(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'csv-wide'"):
        read_recording([make_csv_wide(tmp_path)], "csv_wide")


letters = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"))
names = st.lists(st.text(letters, min_size=1, max_size=6), min_size=3, max_size=3, unique=True)
finite = st.one_of(st.just(float("nan")), st.floats(allow_nan=False, allow_infinity=False))
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(values=arrays(float, (4, 3), elements=finite), names=names)
@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_store_round_trip(suffix, values, names, tmp_path):
    made = recording(values, names=names)
    assert open_recording(save_recording(made, tmp_path / f"r{suffix}", overwrite=True)).identical(made)


@quick
@given(
    values=arrays(float, (4, 3), elements=finite),
    names=names,
    rate=st.floats(0.1, 1000),
    lead=st.sampled_from(["", "=", "@", "-", "'"]),
)
def test_csv_wide_round_trip(values, names, rate, lead, tmp_path):
    made = recording(values, rate, [f"{lead}{name}x" for name in names])
    write_csv(made, tmp_path / "r.csv", overwrite=True)
    header = (tmp_path / "r.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert not any(cell.strip('"').startswith(("=", "+", "-", "@")) for cell in header)
    read = read_recording([tmp_path / "r.csv"], "csv-wide")
    assert read.equals(made)
    assert read.attrs["sampling_rate_hz"] == pytest.approx(rate, rel=1e-6)


@quick
@given(spikes=st.lists(st.tuples(st.floats(0, 100), st.integers(0, 6)), max_size=30))
def test_csv_long_round_trip(spikes, tmp_path):
    spikes = sorted(spikes, key=lambda spike: spike[0])
    made = xr.Dataset(
        {
            "spike_time": ("spike", np.array([t for t, _ in spikes], float)),
            "spike_neuron": ("spike", np.array([n for _, n in spikes], int)),
        },
        coords={"neuron": np.arange(7)},
        attrs={"source": "recorded", "duration_s": 100.0},
    )
    write_csv(made, tmp_path / "r.csv", overwrite=True)
    assert read_recording([tmp_path / "r.csv"], options=ReadOptions(duration=100, neurons=7)).equals(made)


@real_data
@pytest.mark.parametrize(
    ("name", "trials", "neurons", "stimuli"),
    [("20180827_Mouse1_mean_signal.csv", 498, 259, 14), ("20180904_mean.csv", 723, 293, 22)],
)
def test_real_sessions(name, trials, neurons, stimuli):
    source = SHARED / "seed_guanlab_v1" / name
    read = read_recording([source])
    assert dict(read.sizes) == {"trial": trials, "time": 1, "neuron": neurons}
    assert len(set(read.stimulus.values)) == stimuli
    assert read.calcium.attrs["units"] == "active fraction"
    np.testing.assert_array_equal(read.calcium.values[:, 0], np.loadtxt(source, delimiter=","))
    assert [f.check for f in schema.check(read)] == ["stimulus blocks"]


@real_data
def test_real_labels_of_the_other_session_are_noticed():
    folder = SHARED / "seed_guanlab_v1"
    sentence = r"20180827_Mouse1_tag\.csv, field 'stimulus'.*498 labels.*723 trials.*20180904_mean\.csv"
    with pytest.raises(InputError, match=sentence):
        read_recording([folder / "20180904_mean.csv", folder / "20180827_Mouse1_tag.csv"])
    with pytest.raises(InputError, match=r"2 sessions: 20180827_Mouse1_mean_signal\.csv, 20180904_mean\.csv"):
        read_recording([folder])


@real_data
def test_real_zebrafish_and_spycon():
    fish = read_recording([SHARED / "zebrafish_cilva"])
    assert dict(fish.sizes) == {"time": 1950, "neuron": 143, "trial": 45}
    names, counts = np.unique(fish.stimulus, return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {str(code): 5 for code in range(3, 12)}
    assert fish.onset.values[0] == pytest.approx(3 / 2.1646)
    spikes = read_recording([SHARED / "spycon20" / "spikes.csv"], options=ReadOptions(duration=3600, neurons=20))
    assert dict(spikes.sizes) == {"spike": 93699, "neuron": 20}
