"""The demo: the whole main job, here on a smaller recording, in one folder or not at all."""

import contextlib
import json

import numpy as np
import pytest

from brainsim import demo
from brainsim.dataset import load_dataset
from brainsim.error import OutputError
from brainsim.gradient import Settings
from brainsim.progress import silent
from brainsim.store import open_recording

SECONDS = (70.0, 100.0)
CELLS = 5


def few(name):
    """Return half a minute of the first cells of the bundled recording."""
    whole = load_dataset(name)
    cells = {dim: slice(CELLS) for dim in ("neuron", "pre", "post")}
    frames = (whole["time"] >= SECONDS[0]) & (whole["time"] < SECONDS[1])
    trials = (whole["onset"] >= SECONDS[0]) & (whole["onset"] < SECONDS[1] - 3)
    kept = (whole["spike_neuron"] < CELLS) & (whole["spike_time"] >= SECONDS[0]) & (whole["spike_time"] < SECONDS[1])
    part = whole.isel(cells).isel(time=frames.values, trial=trials.values, spike=kept.values)
    moved = {name: part[name] - SECONDS[0] for name in ("time", "onset", "spike_time")}
    coords = {name: moved[name] for name in ("time", "onset")}
    return part.assign_coords(coords).assign(spike_time=moved["spike_time"]).assign_attrs(duration_s=30.0)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The folder, what was said and what came out."""
    folder, said = tmp_path_factory.mktemp("demo") / "out", []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "load_dataset", few)
        patch.setattr(demo, "EPOCHS", 1)
        patch.setattr(demo, "Settings", lambda source: Settings(source, 0.02, 10.0, check=False, target="numpy"))
        facts = demo.run(folder, said.append, lambda label: contextlib.nullcontext(silent), seed=1)
    return folder, said, facts


def test_every_step_is_said_and_its_file_is_there(done):
    folder, said, facts = done
    assert [line[:3] for line in said if line[1:2] == "/"] == ["1/6", "2/6", "3/6", "4/6", "5/6", "6/6"]
    for name in ("spikes", "fit_inferred", "fit_events", "simulated_inferred", "simulated_events", "generated"):
        assert open_recording(folder / f"{name}.nc").attrs["source"] in ("simulated", "generated"), name
    assert (folder / "gan" / "learning_curve.csv").is_file()
    assert facts["report"] == str(folder / "report.html")
    assert "<h1" in (folder / "report.html").read_text(encoding="utf-8")


def test_the_numbers_are_those_of_the_files(done):
    folder, _, facts = done
    fit = open_recording(folder / "fit_events.nc")
    truth = facts["truth"]["events"]
    other = ~np.eye(CELLS, dtype=bool)
    called = (fit["edge_probability"].values > 0.5)[other]
    assert truth["called"] == called.sum()
    assert truth["called_true"] == (called & (fit["true_weight"].values != 0)[other]).sum()
    assert truth["chance"] == pytest.approx((fit["true_weight"].values != 0)[other].mean())
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["verdict"] == facts["verdict"]
    assert set(facts["verdict"]) == {"simulated_inferred", "simulated_events", "generated"}


def test_the_commands_that_do_the_same_are_commands(done, cli):
    for line in demo.commands(1):
        _, *words = line.split()
        path = words[: 1 if words[0] in ("deconvolve", "compare") else 2]
        told = cli(*path, "--help")
        assert told.exit_code == 0, line
        assert all(word in told.output for word in words if word.startswith("--")), line


def test_an_earlier_demo_is_not_replaced_unasked(done):
    with pytest.raises(OutputError, match="--overwrite"):
        demo.run(done[0], print, lambda label: contextlib.nullcontext(silent))
