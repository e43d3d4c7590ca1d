"""A long job goes on where it was killed."""

import json

import pytest

from brainsim.error import InputError, OutputError
from brainsim.ledger import Ledger

SETUP = {"seed": 0, "repeats": 3}


def opened(folder, setup=SETUP, *, resume=False, overwrite=False):
    return Ledger.open(folder, "job.json", setup, resume=resume, overwrite=overwrite)


def job(ledger, calls, fails=None):
    """Three stages; the last needs the file of the first."""

    def work(name, text):
        def do():
            calls.append(name)
            if name == fails:
                raise KeyboardInterrupt
            (ledger.folder / name).write_text(text)
            return {"length": len(text)}

        return do

    a, _ = ledger.stage("a", ["a"], work("a", "first"))
    b, _ = ledger.stage("b", ["b"], work("b", "second"))
    c, _ = ledger.stage("c", ["c"], work("c", (ledger.folder / "a").read_text() + "!"))
    return a, b, c


def test_a_job_that_was_killed_goes_on_at_the_stage(tmp_path):
    calls = []
    with pytest.raises(KeyboardInterrupt):
        job(opened(tmp_path / "out"), calls, fails="b")
    found = job(opened(tmp_path / "out", resume=True), calls)
    assert calls == ["a", "b", "b", "c"]
    assert found == ({"length": 5}, {"length": 6}, {"length": 6})
    assert job(opened(tmp_path / "out", resume=True), calls) == found
    assert len(calls) == 4


def test_a_file_that_is_gone_or_damaged_is_made_again(tmp_path):
    calls = []
    job(opened(tmp_path / "out"), calls)
    (tmp_path / "out" / "b").write_text("damaged")
    (tmp_path / "out" / "c").unlink()
    job(opened(tmp_path / "out", resume=True), calls)
    assert calls == ["a", "b", "c", "b", "c"]
    assert (tmp_path / "out" / "b").read_text() == "second"


def test_folders_count_with_all_their_files(tmp_path):
    calls = []

    def work():
        calls.append(1)
        folder = tmp_path / "out" / "d"
        folder.mkdir(exist_ok=True)
        (folder / "x").write_text("x")
        return {}

    opened(tmp_path / "out").stage("d", ["d"], work)
    assert opened(tmp_path / "out", resume=True).stage("d", ["d"], work) == ({}, False)
    (tmp_path / "out" / "d" / "y").write_text("more")
    assert opened(tmp_path / "out", resume=True).stage("d", ["d"], work) == ({}, True)
    assert len(calls) == 2


def test_an_earlier_job_is_neither_mixed_nor_lost(tmp_path):
    job(opened(tmp_path / "out"), [])
    with pytest.raises(OutputError, match="--resume"):
        opened(tmp_path / "out")
    with pytest.raises(InputError, match="seed = 0, not 1"):
        opened(tmp_path / "out", {**SETUP, "seed": 1}, resume=True)
    with pytest.raises(InputError, match="repeats"):
        opened(tmp_path / "out", {"seed": 0}, resume=True)
    assert (tmp_path / "out" / "c").read_text() == "first!"
    opened(tmp_path / "out", overwrite=True)
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["job.json"]


def test_what_is_no_job_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    for how in ({}, {"resume": True}, {"overwrite": True}):
        with pytest.raises(OutputError):
            opened(tmp_path / "out", **how)
    assert (tmp_path / "out" / "thesis.tex").read_text() == "mine"
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "job.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        opened(tmp_path / "begun", resume=True)


def test_resuming_what_was_never_begun_begins(tmp_path):
    calls = []
    job(opened(tmp_path / "out", resume=True), calls)
    assert calls == ["a", "b", "c"]
    assert json.loads((tmp_path / "out" / "job.json").read_text())["setup"]["seed"] == 0
