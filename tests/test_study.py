"""The whole study of a small pairing experiment: killed, resumed, reported."""

import contextlib
import json
import re
from functools import partial

import pytest
from paired import KINDS, experiment

from brainsim import study, study_plan, study_report
from brainsim.error import InputError, OutputError
from brainsim.gradient import Settings
from brainsim.progress import silent
from brainsim.store import open_recording, save_recording


@contextlib.contextmanager
def bar(label):
    yield silent


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    data = experiment(trials=6, rate=4.0).isel(neuron=slice(0, None, 2))
    path = tmp_path_factory.mktemp("study") / "mice & men.nc"
    return save_recording(data.assign_coords(cell_type=("neuron", KINDS[::2])), path)


def options(recording, **changed):
    return study_plan.Options(**({"recording": recording, "repeats": 2, "target": "numpy"} | changed))


@pytest.fixture(scope="module")
def finished(recording):
    """A study that is killed at the groups and goes on."""
    folder, said = recording.parent / "out", []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "Settings", partial(Settings, ridge=10.0, check=False))  # a quarter of the passes
        with patch.context() as inner:
            inner.setattr(study.Study, "groups", killed)
            with pytest.raises(KeyboardInterrupt):
                study.run(folder, options(recording), said.append, bar)
        before = (folder / "stdp.nc").stat().st_mtime_ns
        facts, page = study.run(folder, options(recording), said.append, bar, resume=True)
    assert (folder / "stdp.nc").stat().st_mtime_ns == before
    return folder, facts, page, said


def killed(self):
    raise KeyboardInterrupt


def test_a_study_that_was_killed_goes_on_at_the_stage(finished):
    folder, facts, _, said = finished
    assert sum("done before" in line for line in said) == 3
    left_out = {"recording", "change_events"}  # the recording is given, and holds no spike times
    assert list(facts) == [stage.name for stage in study_plan.STAGES if stage.name not in left_out]
    for stage in study_plan.STAGES:
        assert stage.name in left_out or all((folder / file).exists() for file in stage.files)
    assert open_recording(folder / "stdp.nc").sizes["repeat"] == 2
    assert facts["cells"]["cell_types"]["E"] + facts["cells"]["cell_types"]["I"] <= 20


def test_the_report_stands_alone_and_says_what_it_cannot_know(finished):
    _, _, page, _ = finished
    text = page.read_text("utf-8")
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', text)
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "The truth is not known here" in text
    assert "mice &amp; men.nc" in text
    for command in ("snn fit", "snn groups", "snn change", "cells classify"):
        assert f"brainsim {command}" in text


def test_names_from_files_are_harmless_in_the_report(finished, tmp_path):
    folder, facts, _, _ = finished
    for picture in folder.glob("*.png"):
        (tmp_path / picture.name).write_bytes(picture.read_bytes())
    evil = "<script>alert('x')</script>"

    def poisoned(value):
        if isinstance(value, dict):
            return {name: poisoned(each) for name, each in value.items()}
        return (
            [poisoned(each) for each in value] if isinstance(value, list) else evil if isinstance(value, str) else value
        )

    page = study_report.write(tmp_path, poisoned(facts), {evil: evil}, [f"brainsim {evil}"]).read_text("utf-8")
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert") > 3


def test_an_earlier_study_is_neither_mixed_nor_lost(finished, recording):
    folder = finished[0]
    with pytest.raises(OutputError, match="--resume"):
        study.run(folder, options(recording), len, bar)
    with pytest.raises(InputError, match="repeats = 2, not 4"):
        study.run(folder, options(recording, repeats=4), len, bar, resume=True)
    setup = json.loads((folder / study.LEDGER).read_text("utf-8"))["setup"]
    assert setup["seed"] == 0
    assert len(setup["recording_sha256"]) == 64


def test_the_command_refuses_what_is_no_recording(cli, tmp_path):
    (tmp_path / "bad.nc").write_text("no")
    result = cli("study", "pairing", "--recording", tmp_path / "bad.nc", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "bad.nc" in result.stderr
    assert not (tmp_path / "out").exists()
