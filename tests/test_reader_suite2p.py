"""Folders of suite2p and what lies in them: everything is kept, nothing is run, contradictions are one sentence."""

import os
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import formats
import numpy as np
import pytest
from formats import SHARED, read, real_data, refused

from brainsim.error import InputError
from brainsim.reader._npy import read_npy


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


@pytest.mark.parametrize("name", ["ops", "stat", "F"])
def test_flipped_bytes_are_an_answer_or_one_sentence(name, tmp_path):
    plane = formats.suite2p(tmp_path / "plane0")
    source = plane / f"{name}.npy"
    content, rng = source.read_bytes(), np.random.default_rng(0)
    refusals = []
    for _ in range(60):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] = rng.integers(256)
        source.write_bytes(damaged)
        try:
            read(plane)
        except InputError as error:
            refusals.append(error)
    assert 0 < len(refusals) < 60
    assert all(error.remedy for error in refusals)


@pytest.mark.parametrize("value", ["x", None, [1, 2], {"a": 1}, np.zeros((2, 2)), float("nan"), -1, 10**400, b"q"])
def test_settings_that_are_no_numbers_are_an_answer_or_one_sentence(value, tmp_path):
    for key in ("fs", "neucoeff", "badframes", "neuropil_extract", "extraction", "med", "npix", "iplane"):
        told = {"fs": 10.0, "neucoeff": 0.7, key: value}
        stat = np.array([{"med": [1, 2], "npix": 3, "iplane": 0, key: value} for _ in range(3)])
        plane = formats.suite2p(tmp_path / key, ops=told, stat=stat)
        if key in ("fs", "neucoeff"):
            if not (key == "neucoeff" and value is None):
                refused(plane, "the (frame rate|neuropil coefficient) is ")
        else:
            assert read(plane).sizes["neuron"] == 2


def test_numbers_texts_dates_and_arrays_come_out_as_they_are(tmp_path):

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
        "days": np.array(["2024-01-02T03", "NaT"], "M8[3h]"),
        "set": (1, 2.5, {"k": b"v"}),
    }
    np.save(tmp_path / "x.npy", np.array(held, object))
    found = read_npy(tmp_path / "x.npy")
    assert found.pop("at") == str(held.pop("at"))
    np.testing.assert_equal(found.pop("ragged").tolist(), held.pop("ragged").tolist())
    assert found["twice"][0].dtype == shared.dtype
    assert found["days"].dtype == held["days"].dtype
    np.testing.assert_equal(found, held)


def test_a_forged_header_is_told_from_the_size_of_the_file(tmp_path):
    plane = formats.suite2p(tmp_path / "plane0")
    content = (plane / "F.npy").read_bytes()
    (plane / "F.npy").write_bytes(content.replace(b"(3, 6), ", b"(3000000000000, 6), ")[: len(content)])
    refused(plane, r"F\.npy, field 'header': .*(bytes .*are there|cannot be read)")
    (plane / "F.npy").write_bytes(content.replace(b"(3, 6), ", b"(9, 6), "))
    refused(plane, r"F\.npy, field 'header': its header tells of 216 bytes .*but 72 are there")


@pytest.mark.parametrize("name", ["F", "Fneu", "iscell", "stat", "ops"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, "html"])
def test_damaged_files_of_suite2p_are_named(name, share, tmp_path):
    plane = formats.suite2p(tmp_path / "plane0")
    source = plane / f"{name}.npy"
    content = source.read_bytes()
    source.write_bytes(b"<html>" if share == "html" else content[: int(share * len(content))])
    refused(plane, rf"{name}\.npy, field '(file|header|pickle)': .*(empty|web page|incomplete|NumPy array)")


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


@pytest.mark.parametrize("rois", [None, "all"])
def test_fall_mat_gives_what_the_folder_gives(rois, tmp_path):
    folder = formats.suite2p(tmp_path / "plane0")
    one, other = read(folder, rois=rois), read(formats.fall_mat(tmp_path / "Fall.mat", folder), rois=rois)
    origin = ("input_file", "input_sha256", "notices")
    bare = [each.drop_vars("roi_plane", errors="ignore") for each in (one, other)]
    for each in bare:
        each.attrs = {name: value for name, value in each.attrs.items() if name not in origin}
    assert other.attrs["format"] == "suite2p"
    assert bare[0].identical(bare[1])
    assert one.attrs.get("notices") == other.attrs.get("notices")


def test_fall_mat_of_a_single_roi_and_of_parts_that_do_not_fit(tmp_path):
    folder = formats.suite2p(tmp_path / "plane0")
    stat = np.load(folder / "stat.npy", allow_pickle=True)
    single = {"F": formats.F[:1], "Fneu": formats.NEUROPIL[:1], "iscell": np.array([[1, 0.9]]), "stat": stat[:1]}
    found = read(formats.fall_mat(tmp_path / "one.mat", folder, **single))
    np.testing.assert_allclose(found.calcium, formats.CORRECTED[:, :1])
    few = formats.fall_mat(tmp_path / "few.mat", folder, iscell=np.ones((2, 2)))
    refused(few, "it holds an array .* of shape .2, 2., not 3 ROIs of few.mat and 2 columns")
    numbers = formats.fall_mat(tmp_path / "stat.mat", folder, stat=np.zeros(3))
    refused(numbers, "field 'stat': it holds .*not 3 ROIs of stat.mat")
    refused(formats.fall_mat(tmp_path / "rate.mat", folder, ops={"Ly": 3}), "field 'fs': the frame rate is not told")
