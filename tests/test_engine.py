"""The engine: the same network through NumPy and compiled C++, the cache of programs, what is said when it fails."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from brainsim import engine, program
from brainsim.blueprint import Blueprint, Group
from brainsim.engine import Network
from brainsim.error import FitError, OutputError, ToolError
from brainsim.program import Program
from brainsim.recorded import Events, no_events

TARGETS = ("numpy", "cpp")


@pytest.fixture(scope="module")
def started(program_cache):
    """Two processes that start at once on a cold cache, each building and running the same network."""
    command = [sys.executable, str(Path(tiny.__file__))]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    return [json.loads(out) for out, _ in answers]


@pytest.fixture
def networks(started):
    return {target: Network(tiny.BLUEPRINT, target) for target in TARGETS}


def test_two_processes_on_a_cold_cache_both_work_and_leave_one_program(started, program_cache):
    expected = tiny.run("numpy")[1:]
    assert len(expected[0]) > 5
    assert [tuple(answer[1:]) for answer in started] == [expected, expected]
    folder = Network(tiny.BLUEPRINT, "cpp")._program.folder
    assert folder.parent == program_cache
    assert not list(program_cache.glob(f".{folder.name}*")), "a draft was left behind"


def test_numpy_and_cpp_agree_on_spikes_values_and_random_numbers(networks):
    found = {target: each.run(tiny.recorded(), tiny.values(), tiny.WANTED) for target, each in networks.items()}
    assert len(found["cpp"]["cell_spikes.i"]) > 5
    for name in tiny.WANTED:
        if name in tiny.SPIKES:
            np.testing.assert_array_equal(found["numpy"][name], found["cpp"][name], err_msg=name)
        np.testing.assert_allclose(found["numpy"][name], found["cpp"][name], rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("target", TARGETS)
def test_the_seed_decides_the_random_numbers(networks, target):
    first, again, other = (
        networks[target].run(replace(tiny.recorded(), seed=s), tiny.values(), ["cell.v"])["cell.v"] for s in (7, 7, 8)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


def test_another_length_and_other_weights_compile_nothing(networks, monkeypatch):
    monkeypatch.setattr(engine, "_build", lambda *_: pytest.fail("it compiled again"))
    network = Network(tiny.BLUEPRINT, "cpp")
    assert network.seconds_compile_ == 0
    for steps, weight in ((20, 0.8), (200, 0.8), (60, 3.0)):
        ours, theirs = (
            each.run(tiny.recorded(steps), tiny.values(weight=weight), ["probe_spikes.t", "cell.v"])
            for each in (network, networks["numpy"])
        )
        assert len(ours["probe_spikes.t"]) == steps * (tiny.CELLS + 1)
        np.testing.assert_allclose(ours["cell.v"], theirs["cell.v"], rtol=1e-9, atol=1e-12)


def test_only_the_text_decides_the_program():
    key = tiny.BLUEPRINT.digest("g++ 12")
    assert replace(tiny.BLUEPRINT, dt_ms=0.5).digest("g++ 12") != key
    assert tiny.BLUEPRINT.digest("g++ 13") != key
    assert Blueprint(**vars(tiny.BLUEPRINT)).digest("g++ 12") == key


@pytest.mark.parametrize("target", TARGETS)
def test_what_the_network_reads_is_what_was_recorded(networks, target):
    recorded = tiny.recorded()
    found = networks[target].run(recorded, tiny.values(), tiny.WANTED)
    steps = np.round(found["source_spikes.t"] * 1000).astype(int)
    assert list(
        zip(found["source_spikes.i"].tolist(), steps.tolist(), found["source_spikes.amplitude"].tolist(), strict=True)
    ) == [(1, 0, 2.0), (0, 5, 1.0), (0, 12, 1.5), (0, 30, 0.5)]
    kind = found["probe_spikes.kind"].reshape(tiny.STEPS, -1)
    np.testing.assert_array_equal(
        kind[:, 0], np.append(recorded.stretch, 0)[np.minimum(np.arange(tiny.STEPS) // 11, 5)]
    )
    assert (found["probe_spikes.x"].reshape(tiny.STEPS, -1)[:, tiny.CELLS] == 0).all(), "a neuron without a current"


@pytest.mark.parametrize("target", TARGETS)
def test_wiring_and_delays_come_from_the_recorded_input(networks, target):
    found = networks[target].run(tiny.recorded(), tiny.values(), ["cell.heard", "wire.u"])
    np.testing.assert_array_equal(found["wire.u"], [1, 2, 4])
    heard = [1 * (8 + 15 + 33), 4 * 7, 2 * (5 + 12 + 30)]
    np.testing.assert_allclose(found["cell.heard"], np.array(heard) / 1000)
    other = replace(tiny.recorded(), synapse_delay=np.array([[1, 1, -1], [-1, -1, -1]], np.int16))
    values = {**tiny.values(), "wire.u": np.array([1.0, 2.0])}
    found = networks[target].run(other, values, ["cell.heard"])
    np.testing.assert_allclose(found["cell.heard"], np.array([1, 2, 0]) * (6 + 13 + 31) / 1000)


@pytest.mark.parametrize("target", TARGETS)
def test_a_drive_is_shared_and_only_watched_neurons_are_recorded(networks, target):
    wanted = ["crowd_spikes.i", "crowd_spikes.x", "probe_spikes.x"]
    found = networks[target].run(tiny.recorded(), tiny.values(), wanted)
    assert set(found["crowd_spikes.i"].tolist()) == {0, 1}
    drive = found["probe_spikes.x"].reshape(tiny.STEPS, -1)[:, 1]
    np.testing.assert_allclose(found["crowd_spikes.x"].reshape(-1, 2), drive[:, None] * [1, 2], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_the_input_current_is_pchip_between_frames(networks, target):
    rng = np.random.default_rng(3)
    current = rng.normal(0, 5, (8, tiny.CELLS)).astype(np.float32)
    pchip = PchipInterpolator(np.arange(8), current.astype(float), axis=0)
    slope = pchip.derivative()(np.arange(8)).astype(np.float32)
    found = networks[target].run(tiny.recorded(70, current=current, slope=slope), tiny.values(), ["probe_spikes.x"])
    x = found["probe_spikes.x"].reshape(70, -1)[:, : tiny.CELLS]
    inside = np.arange(7 * tiny.FRAME)
    np.testing.assert_allclose(x[inside], pchip(inside / tiny.FRAME), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(x[7 * tiny.FRAME : 8 * tiny.FRAME], np.tile(current[7], (tiny.FRAME, 1)), rtol=1e-6)
    assert (x[8 * tiny.FRAME :] == 0).all(), "after the last frame there is no current"


@pytest.mark.parametrize("target", TARGETS)
def test_an_exploding_state_is_said(networks, target):
    with pytest.raises(FitError, match=r"exploded.*cell\.size.*smaller step"):
        networks[target].run(tiny.recorded(), tiny.values(growth=1e10), ["cell.size"])


@pytest.mark.parametrize("damage", ["truncated", "facts", "missing"])
def test_a_damaged_program_is_removed_and_built_anew(started, tmp_path, monkeypatch, damage):
    folder = Network(tiny.BLUEPRINT, "cpp")._program.folder
    shutil.copytree(folder, tmp_path / folder.name)
    monkeypatch.setenv("BRAINSIM_CACHE", str(tmp_path))
    assert Network(tiny.BLUEPRINT, "cpp").seconds_compile_ == 0
    binary, facts = tmp_path / folder.name / "main", tmp_path / folder.name / "program.json"
    if damage == "truncated":
        binary.write_bytes(binary.read_bytes()[: binary.stat().st_size // 2])
    elif damage == "facts":
        facts.write_text(facts.read_text()[:100])
    else:
        binary.unlink()
    built = []
    monkeypatch.setattr(engine, "_build", lambda blueprint, digest: built.append(digest) or Program(folder))
    network = Network(tiny.BLUEPRINT, "cpp")
    assert built == [folder.name]
    assert not (tmp_path / folder.name).exists()
    assert network.seconds_compile_ > 0


def test_a_program_that_stops_names_its_folder(started, tmp_path):
    folder = Network(tiny.BLUEPRINT, "cpp")._program.folder
    shutil.copytree(folder, tmp_path / "copy")
    binary = tmp_path / "copy" / "main"
    binary.write_bytes(binary.read_bytes()[: binary.stat().st_size // 2])
    with pytest.raises(FitError, match=f"{tmp_path}/copy.*remove that folder"):
        Program(tmp_path / "copy").run(tiny.recorded(), tiny.values(), tiny.WANTED)


@pytest.fixture
def forgetful():
    """The compiler is looked for anew before and after."""
    for each in (program.machine, program.compiler_version):
        each.cache_clear()
    yield
    for each in (program.machine, program.compiler_version):
        each.cache_clear()


@pytest.mark.parametrize(("present", "missing"), [([], "g++"), (["g++"], "make")])
def test_without_compiler_or_make_nothing_falls_back_to_numpy(tmp_path, monkeypatch, forgetful, present, missing):
    for tool in present:
        (tmp_path / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(engine, "_run_numpy", lambda *_: pytest.fail("it fell back to numpy"))
    with pytest.raises(ToolError, match=re.escape(f"'{missing}' is not installed") + ".*install g.. and make"):
        Network(tiny.BLUEPRINT, "cpp")


def test_a_compiler_that_fails_is_said_and_leaves_nothing(tmp_path, monkeypatch, forgetful):
    (tmp_path / "bin").mkdir()
    for tool in ("g++", "gcc", "cc", "c++"):
        (tmp_path / "bin" / tool).write_text("#!/bin/sh\ncase $1 in --version) echo broken;; *) exit 1;; esac\n")
        (tmp_path / "bin" / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setenv("BRAINSIM_CACHE", str(tmp_path / "cache"))
    one = Blueprint("one", 1.0, (Group("cell", 1, "v : 1"),))
    with pytest.raises(ToolError, match=r"could not be compiled.*brainsim check"):
        Network(one, "cpp")
    assert list((tmp_path / "cache").iterdir()) == []
    assert Network(one, "numpy").run(tiny.recorded(3), {"cell.v": 2.0}, ["cell.v"])["cell.v"] == [2.0]


def test_a_cache_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("BRAINSIM_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(OutputError, match=r"file/cache: the cache .*cannot be written; set BRAINSIM_CACHE"):
        Network(Blueprint("another", 1.0, tiny.BLUEPRINT.groups), "cpp")


def test_an_unknown_target_is_named():
    with pytest.raises(ToolError, match=r"'cython'.*cpp, numpy"):
        Network(tiny.BLUEPRINT, "cython")


events = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50), st.integers(-3, 3)), max_size=40)


def dense(given: Events, steps=60):
    found = np.zeros((given.sources, steps))
    np.add.at(found, (given.source_of_each(), given.step), given.amplitude)
    return found


@given(events)
def test_events_are_sorted_and_those_of_one_bin_added(rows):
    source, step, size = np.array(rows, float).reshape(-1, 3).T
    made = Events.of(source.astype(int), step.astype(int), size, 4)
    wanted = np.zeros((4, 60))
    for a, b, c in rows:
        wanted[a, b] += c
    np.testing.assert_array_equal(dense(made), wanted)
    for k in range(4):
        assert (np.diff(made.step[made.first[k] : made.first[k + 1]]) > 0).all()


@given(events, events)
def test_events_pad_shift_and_join(ours, theirs):
    a, b = (Events.of(*np.array(rows, int).reshape(-1, 3).T, 4) for rows in (ours, theirs))
    padded = a.padded(7)
    assert padded.sources == 7
    np.testing.assert_array_equal(dense(padded), np.vstack([dense(a), np.zeros((3, 60))]))
    np.testing.assert_array_equal(dense(padded.joined(b)), np.vstack([dense(padded), dense(b)]))
    np.testing.assert_array_equal(dense(a.shifted(4))[:, 4:], dense(a)[:, :-4])
    np.testing.assert_array_equal(dense(no_events().joined(a)), dense(a))
