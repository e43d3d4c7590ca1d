"""The benchmark of interruptions: what is killed and resumed is held against what nobody disturbed."""

import json
import sys

import pytest

from brainsim import bench_resume
from brainsim.bench_resume import Outcome, interruptions
from brainsim.error import FitError

PROGRAM = """
import pathlib, sys, time
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
draft = out.with_name(out.name + ".draft")
done = len(draft.read_text()) if draft.exists() and "--resume" in sys.argv else 0
with draft.open("a" if done else "w") as file:
    for step in range(done, 20):
        file.write("y" if done and "--forgetful" in sys.argv else "x")
        file.flush()
        time.sleep(0.01)
if "--failing" in sys.argv:
    sys.exit("it went wrong")
out.mkdir()
for name in ("model.safetensors", "training.safetensors"):
    (out / name).write_text(draft.read_text())
draft.unlink()
"""


@pytest.fixture(autouse=True)
def program(monkeypatch):
    """A program that takes a fifth of a second and can be resumed stands for brainsim."""
    monkeypatch.setattr(bench_resume, "PROGRAM", [sys.executable, "-c", PROGRAM])


def test_a_program_that_resumes_is_identical_however_often_it_is_killed(tmp_path):
    told = []
    seconds, found = interruptions(["work"], tmp_path / "gan", 4, 3, lambda *now: told.append(now[:2]))
    assert seconds > 0.2
    assert [each.identical for each in found] == [True] * 4
    assert any(each.running for each in found)
    assert all(0 <= each.after_s <= seconds for each in found)
    assert told == [(n, 4) for n in range(1, 5)]
    assert [path.name for path in tmp_path.iterdir()] == ["reference"]


def test_a_program_that_goes_on_otherwise_is_found(tmp_path):
    _, found = interruptions(["work", "--forgetful"], tmp_path / "gan", 6, 3)
    assert not all(each.identical for each in found)
    assert all(each.running for each in found if not each.identical)


def test_a_program_that_fails_undisturbed_is_told(tmp_path):
    with pytest.raises(FitError, match="it went wrong"):
        interruptions(["gan", "train", "--failing"], tmp_path / "gan", 1, 0)


def test_the_command_counts_who_came_out_whole(cli, tmp_path, monkeypatch):
    asked = []

    def made(command, out, times, seed, progress):
        asked.append((command[:2], out.name))
        return 1.5, [Outcome(0.1, True, True), Outcome(1.4, False, command[0] == "snn")]

    monkeypatch.setattr(bench_resume, "interruptions", made)
    done = cli("bench", "resume", tmp_path / "rec.nc", "--times", 2, "--json")
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert facts["snn fit"] == {"identical": 2, "running": 1, "times": 2, "seconds": 1.5}
    assert facts["gan train"]["identical"] == 1
    assert asked == [(("snn", "fit"), "fit.nc"), (("gan", "train"), "gan")]
    prose = cli("bench", "resume", tmp_path / "rec.nc", "--times", 2).stdout.splitlines()
    assert prose[1] == "gan train: 1 of 2 identical to the undisturbed run of 1.5 s; 1 were running when killed"
