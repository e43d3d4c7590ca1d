"""What suite2p, CaImAn, NWB, MATLAB and pynapple tell is kept; what they get wrong is one sentence; nothing is run."""

import os
import pickle
import zipfile
from pathlib import Path

import formats
import h5py
import numpy as np
import pytest
import xarray as xr

from brainsim import schema
from brainsim.calcium import deconvolve
from brainsim.error import InputError
from brainsim.reader import ReadOptions
from brainsim.reader._npy import read_npy
from brainsim.reading import read_recording
from brainsim.store import open_recording, save_recording

SHARED = Path(__file__).parents[2] / "shared" / "data"
real_data = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not in this checkout")

FILES = {
    "caiman": lambda folder: formats.caiman(folder / "out.hdf5"),
    "nwb": lambda folder: formats.nwb(folder / "rec.nwb"),
    "nwb1-allen": lambda folder: formats.nwb1(folder / "old.nwb"),
    "matlab 5": lambda folder: formats.matlab5(folder / "rec.mat"),
    "matlab 7.3": lambda folder: formats.matlab73(folder / "rec.mat"),
    "pynapple": lambda folder: formats.pynapple(folder / "rec.npz"),
}


def read(source: Path, **options: object) -> xr.Dataset:
    found = read_recording([source], options=ReadOptions(**options))
    assert not [f for f in schema.check(found) if f.severity == "error"]
    return found


def refused(source: Path, words: str, **options: object) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_recording([source], options=ReadOptions(**options))
    assert caught.value.remedy
    assert "field '" in caught.value.where
    assert "\n" not in str(caught.value)


# suite2p


@pytest.mark.parametrize("new", [False, True])
def test_suite2p_keeps_what_it_tells_of_each_roi(new, tmp_path):
    plane = formats.suite2p(tmp_path / "plane0", new, redcell=np.array([[0, 0.1], [0, 0.2], [1, 0.8]]))
    found = read(plane)
    assert found.attrs["sampling_rate_hz"] == formats.RATE
    assert found.attrs["neuropil_coefficient"] == 0.7
    assert found.calcium.attrs["units"] == "raw fluorescence"
    assert found.neuron.values.tolist() == [0, 2]
    assert found.roi_probability.values.tolist() == [0.9, 0.7]
    assert found.roi_red.values.tolist() == [False, True]
    assert found.roi_red_probability.values.tolist() == [0.1, 0.8]
    assert found.roi_npix.values.tolist() == [3, 3]
    assert found.position.values.tolist() == [[4, 9], [6, 9]]
    assert (found.position.attrs["units"], found.axis.values.tolist()) == ("pixel", ["y", "x"])
    assert "1 of 3 ROIs were left out" in found.attrs["notices"]
    every = read(plane, rois="all", neuropil=0.0)
    np.testing.assert_array_equal(every.calcium, formats.F.T)
    assert every.roi_accepted.values.tolist() == [True, False, True]


def test_suite2p_planes_follow_each_other_and_combined_is_read_without_them(tmp_path):
    for plane in ("plane0", "plane1", "plane10", "plane2"):
        formats.suite2p(tmp_path / "suite2p" / plane, iscell=np.array([[0, 0.0], [1, 0.5], [0, 0.0]]))
    for source in (tmp_path / "suite2p", tmp_path):
        found = read(source)
        assert found.neuron.values.tolist() == ["plane0_1", "plane1_1", "plane2_1", "plane10_1"]
        assert found.roi_plane.values.tolist() == ["plane0", "plane1", "plane2", "plane10"]
        np.testing.assert_array_equal(found.calcium[:, 3], (formats.F - 0.7 * formats.NEUROPIL)[1])
    alone = formats.suite2p(tmp_path / "other" / "combined", spks=None)
    assert read(alone.parent).attrs["format"] == "suite2p"
    np.testing.assert_array_equal(read(alone.parent).calcium, formats.CORRECTED)


def test_suite2p_marks_bad_frames_and_reads_without_ops_where_the_rate_is_given(tmp_path):
    bad = np.array([0, 0, 1, 0, 0, 0], bool)
    marked = read(formats.suite2p(tmp_path / "a", ops={"fs": 10.0, "neucoeff": 0.5, "badframes": bad}))
    assert marked.bad_frame.values.tolist() == bad.tolist()
    assert marked.attrs["neuropil_coefficient"] == 0.5
    without = formats.suite2p(tmp_path / "b", ops=None)
    found = read(without, sampling_rate=20.0)
    assert found.attrs["sampling_rate_hz"] == 20
    assert "0.7 was taken" in found.attrs["notices"]
    refused(without, r"ops\.npy, field 'fs': .*give --sampling-rate")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"stat": None}, r"stat\.npy, field 'file': there is no such file; .*whole folder"),
        ({"ops": None}, r"ops\.npy, field 'fs': neither this file nor settings\.npy is there"),
        ({"ops": {"tau": 1.0}}, r"ops\.npy, field 'fs': the frame rate is not told; give --sampling-rate"),
        ({"ops": {"fs": 0.0}}, r"ops\.npy, field 'fs': the frame rate is 0"),
        ({"Fneu": None}, r"Fneu\.npy, field 'file': there is no such file"),
        ({"Fneu": formats.F[:, :5]}, r"Fneu\.npy, field 'Fneu': .*\(3, 5\), not the shape \(3, 6\) of F\.npy"),
        ({"iscell": np.zeros((3, 2))}, r"iscell\.npy': none of the 3 ROIs is accepted.*--rois all"),
        ({"iscell": np.ones((2, 2))}, r"iscell\.npy, field 'iscell': .*not 3 ROIs of F\.npy"),
        ({"stat": np.array([{"med": [1, 2]}] * 2)}, r"stat\.npy, field 'stat': .*not 3 ROIs of F\.npy"),
        ({"F": formats.F[0]}, r"F\.npy, field 'F': .*\(6,\), not a matrix"),
        ({"F": np.array([["a", "b"]])}, r"F\.npy, field 'F': it holds an array <U1"),
    ],
)
def test_suite2p_that_contradicts_itself_is_refused(files, words, tmp_path):
    refused(formats.suite2p(tmp_path / "plane0", **files), words)


def test_suite2p_planes_of_different_length_are_refused(tmp_path):
    formats.suite2p(tmp_path / "plane0")
    formats.suite2p(tmp_path / "plane1", F=formats.F[:, :5], Fneu=formats.F[:, :5])
    refused(tmp_path, r"plane1/F\.npy, field 'time': it has 5 frames at 10 Hz, plane0 6 .*each plane by itself")


# objects and archives


class Payload:
    """Runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("name", ["ops", "stat", "settings"])
def test_a_payload_is_named_and_not_run(name, tmp_path):
    mark = tmp_path / "run"
    held = {"fs": 10.0, "x": Payload(mark)}
    value = np.array([held] * 3) if name == "stat" else np.array(held, object)
    refused(
        formats.suite2p(tmp_path / "plane0", True, **{name: value}), rf"{name}\.npy, field 'pickle': .*posix\.system"
    )
    assert not mark.exists()
    np.load(tmp_path / "plane0" / f"{name}.npy", allow_pickle=True)
    assert mark.exists(), "the payload would have run"


def raw_pickle(path: Path, content: bytes) -> Path:
    np.save(path, np.array({}, object))
    path.write_bytes(path.read_bytes()[:128] + content)
    return path


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"cbuiltins\neval\n(V1+1\ntR.", "'builtins.eval'"),
        (b"cnumpy\nload\n.", "'numpy.load'"),
        (b"cnumpy.core.multiarray\nfromfile\n.", "fromfile"),
        (b"\x82\x01.", "cannot be read"),
        (b"Pname\n.", "cannot be read"),
        (b"(cnumpy\ndtype\n(VO8\ntR}b.", "cannot be read"),
        (b"cnumpy\ndtype\n(Vi4,O\ntR.", "cannot be read"),
        (b"cdatetime\ndatetime\n.", "cannot be read"),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.", "cannot be read"),
        (b"r\xff\xff\xff\xff.", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_forged_pickles_are_refused(content, words, tmp_path):
    with pytest.raises(InputError, match=f"field 'pickle': .*{words}"):
        read_npy(raw_pickle(tmp_path / "x.npy", content))


def test_a_pickle_cannot_forge_the_memory_of_an_array(tmp_path):
    class Forged:
        def __init__(self, shape: tuple[int, ...], kind: np.dtype, content: object) -> None:
            self.state = (1, shape, kind, False, content)

        def __reduce__(self) -> tuple[object, ...]:
            return np.ndarray.__reduce__(np.zeros(0))[0], (np.ndarray, (0,), b"b"), self.state

    for shape, kind, content in (
        ((1 << 40,), np.dtype("f8"), b"\0" * 8),
        ((1,), np.dtype("f8"), b"\0"),
        ((1,), np.dtype("O"), b"\0" * 8),
        ((-5,), np.dtype("u1"), b"\0" * 8),
        ((1,), np.dtype([("a", "O")]), b"\0" * 8),
    ):
        with pytest.raises(InputError, match="cannot be read"):
            read_npy(raw_pickle(tmp_path / "x.npy", pickle.dumps(Forged(shape, kind, content))))


def test_numbers_texts_dates_and_arrays_come_out_as_they_are(tmp_path):
    from datetime import UTC, datetime, timedelta

    shared = np.arange(6, dtype=">i2").reshape(2, 3, order="F")
    held = {
        "when": datetime(2024, 1, 2, tzinfo=UTC),
        "lasts": timedelta(3),
        "at": Path("a/b"),
        "twice": [shared, shared],
        "ragged": np.array([np.ones(2), "x", None], object),
        "name": np.str_("é"),
        "number": np.float32(1.5),
        "flag": np.bool_(True),
        "day": np.datetime64("2024-01-02"),
        "set": (1, 2.5, {"k": b"v"}),
    }
    np.save(tmp_path / "x.npy", np.array(held, object))
    found = read_npy(tmp_path / "x.npy")
    assert found.pop("at") == str(held.pop("at"))
    np.testing.assert_equal(found.pop("ragged").tolist(), held.pop("ragged").tolist())
    assert found["twice"][0].dtype == shared.dtype
    np.testing.assert_equal(found, held)


def test_a_forged_header_is_told_from_the_size_of_the_file(tmp_path):
    plane = formats.suite2p(tmp_path / "plane0")
    content = (plane / "F.npy").read_bytes()
    (plane / "F.npy").write_bytes(content.replace(b"(3, 6), ", b"(3000000000000, 6), ")[: len(content)])
    refused(plane, r"F\.npy, field 'header': .*(bytes .*are there|cannot be read)")
    (plane / "F.npy").write_bytes(content.replace(b"(3, 6), ", b"(9, 6), "))
    refused(plane, r"F\.npy, field 'header': its header tells of 216 bytes .*but 72 are there")


def test_an_archive_that_swells_or_lies_is_refused(tmp_path):
    source = formats.pynapple(tmp_path / "a.npz")
    with zipfile.ZipFile(source, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("keys.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": (10 << 20,)})
        for _ in range(80):
            member.write(bytes(1 << 20))
    assert source.stat().st_size < 1 << 20
    refused(source, r"field 'keys\.npy': \d+ bytes would unpack to 83\d+; .*do not trust")
    lying = tmp_path / "b.npz"
    with zipfile.ZipFile(formats.pynapple(tmp_path / "c.npz")) as old, zipfile.ZipFile(lying, "w") as made:
        for name in old.namelist():
            made.writestr(name, old.read(name).replace(b"(6,), ", b"(9,), "))
    refused(lying, r"field 't\.npy': its header tells of 72 bytes .*but 48 are there")


# CaImAn


def test_caiman_keeps_centres_and_qualities(tmp_path):
    found = read(formats.caiman(tmp_path / "out.hdf5"))
    assert found.neuron.values.tolist() == [0, 2]
    assert found.roi_snr.values.tolist() == [3, 2]
    assert found.roi_noise.values.tolist() == [0.5, 1.5]
    assert found.position.values.tolist() == [[0.75, 0], [1, 2]]  # pixels in Fortran order, weighted by A
    given = read(formats.caiman(tmp_path / "b.hdf5", center=np.array([[1.0, 2], [3, 4], [5, 6]])))
    assert given.position.values.tolist() == [[1, 2], [5, 6]]
    dff = read(formats.caiman(tmp_path / "c.hdf5", idx_components=None), variable="F_dff")
    np.testing.assert_array_equal(dff.calcium, formats.F.astype(np.float32).T / 10)
    assert dff.calcium.attrs["units"] == "dF/F"
    assert "not evaluated" in dff.attrs["notices"]


def test_caiman_can_be_deconvolved_although_its_baseline_is_below_zero(tmp_path):
    rng = np.random.default_rng(0)
    trace = np.convolve(rng.random(400) < 0.03, 0.9 ** np.arange(40))[:400] * 100 - 60 + rng.normal(0, 5, (3, 400))
    found = read(formats.caiman(tmp_path / "out.hdf5", C=trace, YrA=np.zeros((3, 400))))
    assert (deconvolve(found).spikes.sum("time") > 0).all()


@pytest.mark.parametrize(
    ("fields", "options", "words"),
    [
        ({"C": None}, {}, "field 'estimates/C': it is missing"),
        ({"YrA": None}, {}, "field 'estimates/YrA': it is missing; .*--variable"),
        ({"YrA": formats.F[:2]}, {}, r"field 'estimates/YrA': its shape is \(2, 6\), that of C \(3, 6\)"),
        ({"C": formats.F[0]}, {}, r"field 'estimates/C': its shape is \(6,\)"),
        ({"idx_components": np.zeros(0)}, {}, "none of the 3 ROIs is accepted"),
        ({}, {"sampling_rate": 20.0}, "field 'params/data/fr': the file tells 10 frames per second"),
        ({}, {"variable": "S"}, "field 'variable': there are no traces 'S'; choose among"),
    ],
)
def test_caiman_that_misses_something_is_refused(fields, options, words, tmp_path):
    refused(formats.caiman(tmp_path / "out.hdf5", **fields), words, **options)


# NWB


def test_nwb_stored_either_way_gives_the_same_and_keeps_its_columns(tmp_path):
    straight, turned = (read(formats.nwb(tmp_path / f"{way}.nwb", way)) for way in (False, True))
    assert straight.drop_attrs().identical(turned.drop_attrs())
    np.testing.assert_array_equal(straight.calcium, formats.CORRECTED)
    assert straight.time.values[0] == 0.5
    assert straight.neuron.values.tolist() == [11, 13]
    assert straight.roi_probability.values.tolist() == [0.9, 0.7]
    assert straight.roi_depth.values.tolist() == [100, 120]
    assert straight.roi_layer.values.tolist() == ["L2", "L4"]
    assert straight.position.values.tolist() == [[2, 2], [8, 7]]
    assert straight.stimulus.values.tolist() == ["a", "b"]
    assert straight.onset.values.tolist() == [0.5, 0.7]
    assert straight.trial_contrast.values.tolist() == [1.0, 0.5]
    assert straight.attrs["session_start_time"] == "2024-01-02T03:04:05+00:00"
    assert "--variable units" in straight.attrs["notices"]
    again = open_recording(save_recording(straight, tmp_path / "again.zarr"))
    assert again.identical(straight)


def test_nwb_stimuli_of_the_user_replace_those_of_the_file(tmp_path):
    table = tmp_path / "s.csv"
    table.write_text("onset_s,duration_s,stimulus\n0.6,0.1,mine\n")
    assert read(formats.nwb(tmp_path / "a.nwb"), stimuli=table).stimulus.values.tolist() == ["mine"]


def test_nwb_units_are_events(tmp_path):
    source = formats.nwb(tmp_path / "a.nwb", fluorescence=False, trials=False)
    found = read(source, duration=2.0)
    assert found.spike_time.values.tolist() == [0.25, 0.5, 0.75]
    assert found.spike_neuron.values.tolist() == [0, 1, 0]
    assert found.neuron.values.tolist() == [4, 7]
    assert found.unit_quality.values.tolist() == ["good", "mua"]
    assert "--duration" in read(source).attrs["notices"]
    assert read(formats.nwb(tmp_path / "b.nwb"), variable="units").sizes["spike"] == 3
    refused(source, "field '/units/spike_times': 1 spike times are after the end at 0.6 s, .*--duration", duration=0.6)


@pytest.fixture
def edited(tmp_path):
    """Write the file of a format, change it by h5py, and give its path."""

    def edit(change, make=formats.nwb, **options):
        source = make(tmp_path / "rec.nwb", **options)
        with h5py.File(source, "r+") as file:
            change(file)
        return source

    return edit


TRACE = "processing/my pipeline/A/Trace"


def put(file, name, value):
    del file[name]
    file[name] = value


def test_nwb_prefers_df_over_f_and_applies_conversion_and_offset(edited):
    def change(file):
        table = file["processing/my pipeline/Segments/Plane"]
        module = file["processing/my pipeline"]
        made = formats.series(formats.typed(module, "D", "DfOverF"), "x", formats.F.T.astype(">i2"), table)
        made["data"].attrs.update(conversion=0.1, offset=-1.0)

    found = read(edited(change))
    np.testing.assert_allclose(found.calcium, formats.F[[0, 2]].T * 0.1 - 1, rtol=1e-6)
    assert found.calcium.attrs["units"] == "dF/F"


def test_nwb_of_an_extension_is_read_without_its_definition(edited):
    def change(file):
        file[TRACE].attrs.update(neurodata_type="LabSeries", namespace="ndx-lab")
        file[TRACE]["lab_only"] = np.arange(3)

    np.testing.assert_array_equal(read(edited(change)).calcium, formats.CORRECTED)


def test_nwb_planes_are_read_together(edited):
    def change(file):
        module = file["processing/my pipeline"]
        module.copy("Segments/Plane", "Segments/Plane2")
        module["Segments/Plane2/iscell"][...] = [[0, 0.1], [1, 0.6], [0, 0.1]]
        for name, data in (("A/Trace2", formats.F), ("B/Neuropil2", formats.NEUROPIL)):
            formats.series(module[name.split("/")[0]], name.split("/")[1], data.T, module["Segments/Plane2"])

    found = read(edited(change))
    assert found.neuron.values.tolist() == ["Trace_11", "Trace_13", "Trace2_12"]
    np.testing.assert_array_equal(found.calcium[:, 2], (formats.F - 0.7 * formats.NEUROPIL)[1])


def test_nwb_frames_whose_time_goes_back_are_left_out_up_to_one(edited):
    def change(file, stamps):
        del file[TRACE]["starting_time"]
        file[TRACE]["timestamps"] = np.array(stamps)

    found = read(edited(lambda file: change(file, [0.5, 0.6, 0.7, 0.7, 0.8, 0.9])))
    np.testing.assert_array_equal(found.calcium, formats.CORRECTED[[0, 1, 2, 4, 5]])
    assert "1 frame(s) were left out" in found.attrs["notices"]
    words = r"field '/processing/my pipeline/A/Trace/timestamps': time does not increase at 3 frames, the first"
    refused(edited(lambda file: change(file, [0.5, 0.6, 0.7, 0.4, 0.5, 0.6])), words)
    refused(edited(lambda file: change(file, [500.0, 600, 700, 800, 900, 1000])), "milliseconds", sampling_rate=10.0)


def test_square_nwb_demands_the_orientation(edited):
    square = np.arange(9.0).reshape(3, 3)

    def change(file):
        put(file, f"{TRACE}/data", square)
        del file["processing/my pipeline/B"], file["intervals"]

    source = edited(change)
    refused(source, r"its shape \(3, 3\) fits 3 ROIs and \? times both ways; give --orientation")
    np.testing.assert_array_equal(read(source, orientation="time-neuron").calcium, square[:, [0, 2]])
    np.testing.assert_array_equal(read(source, orientation="neuron-time").calcium, square[[0, 2]].T)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: put(f, f"{TRACE}/data", np.zeros((4, 5))), r"shape \(4, 5\) does not fit 3 ROIs"),
        (lambda f: put(f, f"{TRACE}/rois", np.arange(4)), r"Trace/data': its shape \(6, 3\) does not fit 4 ROIs"),
        (lambda f: f.__delitem__(f"{TRACE}/data"), r"Trace/data': it is missing"),
        (lambda f: f[f"{TRACE}/starting_time"].attrs.update(rate=0.0), "the frame rate is 0; give --sampling-rate"),
        (lambda f: f.__delitem__(f"{TRACE}/starting_time"), "neither timestamps nor a frame rate are told"),
        (lambda f: put(f, "processing/my pipeline/B/Neuropil/data", np.zeros((5, 3))), r"Neuropil/data': its shape"),
        (
            lambda f: put(f, "intervals/trials/start_time", np.array([0.7, 9.0])),
            r"row 1 ends at 0.6 s before it begins",
        ),
        (lambda f: f["intervals/trials/start_time"].write_direct(np.array([-9.0, -8.0])), "no interval begins within"),
        (
            lambda f: f["processing/my pipeline/Segments/Plane/iscell"].write_direct(np.zeros((3, 2))),
            "none of the 3 ROIs",
        ),
        (lambda f: put(f, "processing/my pipeline/Segments/Plane/pixel_mask_index", np.array([3, 2, 4])), "into rows"),
    ],
)
def test_nwb_that_contradicts_itself_is_refused(change, words, edited):
    refused(edited(change), words)


def test_nwb_without_traces_and_spikes_is_refused(edited):
    words = "neither fluorescence of ROIs nor a table of units"
    refused(edited(lambda file: file.__delitem__("units"), fluorescence=False), words)


@pytest.mark.parametrize(
    "spikes",
    [([0.25, -0.75, 0.5], "1 spike times are negative, the first of neuron 4"), ([0.25, np.nan, 1], "missing")],
)
def test_nwb_spikes_that_are_impossible_are_refused(spikes, edited):
    change = edited(lambda file: put(file, "units/spike_times", np.array(spikes[0])), fluorescence=False, trials=False)
    refused(change, spikes[1])


def test_links_out_of_the_file_are_not_followed(edited, tmp_path):
    secret = formats.nwb(tmp_path / "secret.nwb")

    def external(file):
        del file[f"{TRACE}/data"]
        file[f"{TRACE}/data"] = h5py.ExternalLink(str(secret), f"{TRACE}/data")

    def soft(file):
        del file[f"{TRACE}/data"]
        file["out"] = h5py.ExternalLink(str(secret), "/")
        file[f"{TRACE}/data"] = h5py.SoftLink(f"/out/{TRACE}/data")

    def outside(file):
        del file[f"{TRACE}/data"]
        (tmp_path / "raw.bin").write_bytes(formats.F.T.tobytes())
        file.create_dataset(f"{TRACE}/data", (6, 3), "f4", external=[(str(tmp_path / "raw.bin"), 0, 72)])

    def virtual(file):
        del file[f"{TRACE}/data"]
        layout = h5py.VirtualLayout((6, 3), "f4")
        layout[:] = h5py.VirtualSource(str(secret), f"{TRACE}/data", (6, 3))
        file.create_virtual_dataset(f"{TRACE}/data", layout)

    for change in (external, soft, outside, virtual):
        refused(edited(change), r"rec\.nwb, field '.*another file.*does not follow")

    def circle(file):
        del file[f"{TRACE}/data"]
        file[f"{TRACE}/data"] = h5py.SoftLink(f"/{TRACE}/data")

    def inside(file):
        file.move(f"{TRACE}/data", "stimulus_data")
        file[f"{TRACE}/data"] = h5py.SoftLink("/stimulus_data")

    refused(edited(circle), "field '")
    np.testing.assert_array_equal(read(edited(inside)).calcium, formats.CORRECTED)


def test_hdf5_that_announces_more_than_it_holds_is_refused(edited):
    def change(file):
        del file[f"{TRACE}/data"]
        file[TRACE].create_dataset("data", (1 << 40, 3), "f4", chunks=(1 << 10, 3))

    refused(edited(change), r"Trace/data': \d+ bytes .*are announced, but 0 are there")


def test_nwb1_of_the_allen_brain_observatory(tmp_path):
    source = formats.nwb1(tmp_path / "old.nwb")
    found = read(source)
    assert found.neuron.values.tolist() == [501, 502, 503]
    assert found.roi_roi_id.values.tolist() == ["1", "2", "3"]
    assert found.attrs["sampling_rate_hz"] == pytest.approx(10)
    assert found.stimulus.values.tolist() == [
        "drifting_gratings temporal_frequency=2 orientation=90",
        "drifting_gratings blank",
        "natural_movie_one",
        "natural_scenes 7",
        "natural_movie_one",
        "natural_scenes blank",
    ]
    np.testing.assert_allclose(found.onset, [8.0, 8.1, 8.2, 8.3, 8.4, 8.4])
    np.testing.assert_allclose(found.duration, [0.1, 0.1, 0.2, 0.1, 0.1, 0.1])
    raw = read(source, variable="Fluorescence")
    np.testing.assert_allclose(raw.calcium, (formats.F - np.array([[0.7], [0.5], [0]]) * formats.NEUROPIL).T)
    with h5py.File(source, "r+") as file:
        file.move("processing/brain_observatory_pipeline", "processing/another")
    refused(source, "this is NWB 1, which is read from the Allen Brain Observatory only")


# MATLAB


@pytest.mark.parametrize("make", [formats.matlab5, formats.matlab73])
def test_matlab_of_both_versions(make, tmp_path):
    found = read(make(tmp_path / "a.mat"))
    np.testing.assert_array_equal(found.calcium, formats.F.T)
    assert found.attrs["sampling_rate_hz"] == pytest.approx(10)
    turned = read(make(tmp_path / "b.mat", dff=formats.F.T, fs=20.0), orientation="time-neuron")
    np.testing.assert_array_equal(turned.calcium, formats.F.T)
    assert turned.attrs["sampling_rate_hz"] == 20
    several = make(tmp_path / "c.mat", left=formats.F, right=formats.NEUROPIL)
    refused(several, r"field 'variable': it holds 2 numeric matrices: left \(3, 6\), right \(3, 6\); .*--variable")
    how = {"sampling_rate": 5.0, "orientation": "neuron-time"}
    np.testing.assert_array_equal(read(several, variable="right", **how).calcium, formats.NEUROPIL.T)
    refused(several, "there is no numeric matrix 'middle'; choose among left", variable="middle")
    refused(several, "do not tell which are the neurons; give --orientation", variable="left", sampling_rate=5.0)
    refused(several, "neither times nor a frame rate", variable="left", orientation="neuron-time")
    refused(make(tmp_path / "d.mat", note=np.ones((1, 1))), "0 numeric matrices; save the traces")


def test_matlab_structs_of_7_3_and_row_or_column_times(tmp_path):
    source = formats.matlab73(tmp_path / "a.mat", **{"s/F": formats.F, "s/time": np.arange(6)[:, None] / 4})
    assert read(source).attrs["sampling_rate_hz"] == 4
    assert read(source, variable="s.F").calcium.attrs["units"] == "raw fluorescence"


def test_matlab_7_3_given_to_cascade_is_told(tmp_path):
    with pytest.raises(InputError, match=r"a\.mat, field '/CAttached': it is missing"):
        read_recording([formats.matlab73(tmp_path / "a.mat")], "cascade")


# pynapple


def test_pynapple_traces_and_groups(tmp_path):
    traces = read(formats.pynapple(tmp_path / "a.npz"))
    assert traces.neuron.values.tolist() == ["a", "b", "c"]
    group = read(formats.pynapple(tmp_path / "b.npz", "TsGroup"))
    assert group.neuron.values.tolist() == [3, 5, 7]
    assert group.spike_neuron.values.tolist() == [2, 0, 2]
    assert group.attrs["duration_s"] == 5
    single = read(formats.pynapple(tmp_path / "c.npz", "Ts", t=np.array([0.1, 0.2])))
    assert single.sizes["neuron"] == 1


@pytest.mark.parametrize(
    ("kind", "arrays", "words"),
    [
        ("IntervalSet", {}, "field 'type': it holds a 'IntervalSet'"),
        ("TsGroup", {"t": np.array([0.5, 1.0, 9.0])}, "field 't': 1 spike times are after the end at 5 s, .*neuron 7"),
        ("TsGroup", {"t": np.array([-0.5, 1.0, 2.0])}, "field 't': 1 spike times are negative"),
        ("TsGroup", {"index": np.array([7, 4, 7])}, "field 'index': .*no keys"),
        ("TsdFrame", {"t": np.arange(5) / 10}, r"field 'd': its shape is \(6, 3\) for 5 times"),
        ("TsdFrame", {"t": np.arange(6)[::-1] / 10}, "field 't': time does not increase"),
        ("TsdFrame", {"d": np.array([{}] * 6)}, "field 'd': it is missing or holds no numbers"),
    ],
)
def test_pynapple_that_contradicts_itself_is_refused(kind, arrays, words, tmp_path):
    refused(formats.pynapple(tmp_path / "a.npz", kind, **arrays), words)


# damage


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, "html"])
def test_truncated_empty_and_web_pages_are_one_sentence(name, share, tmp_path):
    source = FILES[name](tmp_path)
    content = source.read_bytes()
    source.write_bytes(b"<!DOCTYPE html><html>" if share == "html" else content[: int(share * len(content))])
    words = {0.0: "the file is empty", "html": "this is a web page"}.get(share, "damaged|incomplete")
    refused(source, rf"{source.name}, field '(file|\w+\.npy)': .*({words})")


@pytest.mark.parametrize("name", ["F", "Fneu", "iscell", "stat", "ops"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, "html"])
def test_damaged_files_of_suite2p_are_named(name, share, tmp_path):
    plane = formats.suite2p(tmp_path / "plane0")
    source = plane / f"{name}.npy"
    content = source.read_bytes()
    source.write_bytes(b"<html>" if share == "html" else content[: int(share * len(content))])
    refused(plane, rf"{name}\.npy, field '(file|header|pickle)': .*(empty|web page|incomplete|NumPy array)")


# real files


@real_data
def test_suite2p_and_nwb_of_the_same_session_give_the_same_traces():
    folder, file = read(SHARED / "suite2p_pre1"), read(SHARED / "nwb" / "2022_08_08.nwb")
    assert dict(folder.sizes) == {"time": 2000, "neuron": 20, "axis": 2}
    np.testing.assert_array_equal(folder.calcium, file.calcium)
    for name in ("neuron", "time", "roi_probability"):
        np.testing.assert_array_equal(folder[name], file[name])
    assert np.abs(folder.position - file.position / 2).max() < 8  # median and centre of mass; 2 um per pixel
    every = read(SHARED / "suite2p_pre1", rois="all")
    raw, neuropil, judged = (np.load(SHARED / "suite2p_pre1" / f"{n}.npy") for n in ("F", "Fneu", "iscell"))
    np.testing.assert_allclose(every.calcium, (raw - 0.7 * neuropil).T, rtol=1e-6)
    np.testing.assert_array_equal(every.roi_probability, judged[:, 1])


@real_data
def test_real_suite2p_1_1_and_caiman():
    new = read(SHARED / "suite2p_1.1.0")
    assert (new.sizes["neuron"], new.sizes["time"], new.attrs["sampling_rate_hz"]) == (9, 1500, 30)
    for name, neurons in (("full", 12), ("onlyinit_S_missing", 12)):
        source = SHARED / "caiman" / f"caiman_1.12.1_cnmf_{name}.hdf5"
        found = read(source)
        assert (found.sizes["neuron"], found.sizes["time"], found.attrs["sampling_rate_hz"]) == (neurons, 1500, 30)
        with h5py.File(source) as file:
            np.testing.assert_allclose(found.calcium.T, file["estimates/C"][()] + file["estimates/YrA"][()])
            np.testing.assert_allclose(found.position, file["estimates/center"][()])


@real_data
def test_real_allen_excerpt():
    found = read(SHARED / "cascade" / "Experiment_552195520_excerpt.mat")
    assert dict(found.sizes) == {"time": 6001, "neuron": 74}
    assert found.attrs["sampling_rate_hz"] == 30
    assert "30 Hz" in found.attrs["notices"]
