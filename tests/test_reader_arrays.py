"""MATLAB and pynapple, and what no format may survive: truncated, empty, a web page."""

import os
import re
import zipfile
from pathlib import Path

import formats
import numpy as np
import pytest
from formats import SHARED, read, real_data, refused

from brainsim import catalog, schema
from brainsim.error import InputError
from brainsim.reading import read_recording

DOCS = Path(__file__).parents[1] / "docs"

FILES = {
    "caiman": lambda folder: formats.caiman(folder / "out.hdf5"),
    "nwb": lambda folder: formats.nwb(folder / "rec.nwb"),
    "nwb1-allen": lambda folder: formats.nwb1(folder / "old.nwb"),
    "matlab 5": lambda folder: formats.matlab5(folder / "rec.mat"),
    "matlab 7.3": lambda folder: formats.matlab73(folder / "rec.mat"),
    "pynapple": lambda folder: formats.pynapple(folder / "rec.npz"),
}


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


def test_pynapple_traces_and_groups(tmp_path):
    traces = read(formats.pynapple(tmp_path / "a.npz"))
    assert traces.neuron.values.tolist() == ["a", "b", "c"]
    group = read(formats.pynapple(tmp_path / "b.npz", "TsGroup"))
    assert group.neuron.values.tolist() == [3, 5, 7]
    assert group.spike_neuron.values.tolist() == [2, 0, 2]
    assert group.unit_label.values.tolist() == ["x", "y", "z"]
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
        (
            "TsGroup",
            {"_metadata": np.array({"a": os.getcwd}, object)},
            "field 'pickle': it wants to run 'posix.getcwd'",
        ),
        ("TsdFrame", {"d": np.array([{}] * 6)}, "field 'd': it is missing or holds no numbers"),
    ],
)
def test_pynapple_that_contradicts_itself_is_refused(kind, arrays, words, tmp_path):
    refused(formats.pynapple(tmp_path / "a.npz", kind, **arrays), words)


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


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, "html"])
def test_truncated_empty_and_web_pages_are_one_sentence(name, share, tmp_path):
    source = FILES[name](tmp_path)
    content = source.read_bytes()
    source.write_bytes(b"<!DOCTYPE html><html>" if share == "html" else content[: int(share * len(content))])
    words = {0.0: "the file is empty", "html": "this is a web page"}.get(share, "damaged|incomplete")
    refused(source, rf"{source.name}, field '(file|\w+\.npy)': .*({words})")


@real_data
def test_real_allen_excerpt():
    found = read(SHARED / "cascade" / "Experiment_552195520_excerpt.mat")
    assert dict(found.sizes) == {"time": 6001, "neuron": 74}
    assert found.attrs["sampling_rate_hz"] == 30
    assert "30 Hz" in found.attrs["notices"]


# the documentation


def rows_of_formats() -> list[list[str]]:
    """Return the cells of the table of docs/formats.md."""
    text = (DOCS / "formats.md").read_text(encoding="utf-8")
    return [re.split(r" *(?<!\\)\| *", line)[1:-1] for line in text.splitlines() if line.startswith("| `")]


def test_every_reader_is_documented_with_its_options():
    told = {name: row[3] for row in rows_of_formats() for name in re.findall(r"`([\w-]+)`", row[0])}
    assert set(told) == set(catalog.names("reader"))
    for name, options in told.items():
        takes = {f"--{field.replace('_', '-')}" for field in catalog.get("reader", name).takes} - {"--stimuli"}
        assert set(re.findall(r"--[a-z-]+", options)) == takes, name


def test_everything_that_readers_keep_is_documented(tmp_path):
    known = set(schema.VARIABLES) | set(schema.COORDINATES)
    text = (DOCS / "schema.md").read_text(encoding="utf-8")
    for name, make in {**FILES, "suite2p": lambda folder: formats.suite2p(folder / "plane0")}.items():
        found = read(make(tmp_path))
        for each in map(str, found.variables):
            assert each in known or each.split("_")[0] in ("roi", "unit", "trial"), (name, each)
        assert all(f"`{attribute}`" in text for attribute in found.attrs), (name, found.attrs)


def test_traces_in_a_struct_of_matlab_5_are_found_by_name_and_by_what_they_are(tmp_path):
    session = {"dff": formats.F, "info": {"fs": formats.RATE, "who": "me"}, "t": np.arange(6) / formats.RATE}
    found = read(formats.matlab5(tmp_path / "a.mat", session=session, other=np.eye(4)), variable="session.dff")
    np.testing.assert_array_equal(found.calcium, formats.F.T)
    nested = formats.matlab5(tmp_path / "b.mat", s={"deep": {"traces": formats.F, "fs": 20.0}})
    turned = read(nested, orientation="neuron-time")
    np.testing.assert_array_equal(turned.calcium, formats.F.T)
    assert turned.attrs["sampling_rate_hz"] == 20
    refused(nested, "there is no numeric matrix 's.none'; choose among s.deep.traces", variable="s.none")
