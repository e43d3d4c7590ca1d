"""Workers of a cluster, and whatever dies: the same fit, bit for bit; each failure is one sentence."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr
from zarr.core.attributes import Attributes

from brainsim import block, cluster, connectivity, gradient, shard_store
from brainsim.bench_resume import PROGRAM, plain, same
from brainsim.cluster import Task
from brainsim.error import BrainsimError, InputError, OutputError
from brainsim.gradient import Settings
from brainsim.indicator import Indicator
from brainsim.network import SpikingNetwork
from brainsim.shard_store import InMemory, OnDisk, begin
from brainsim.store import open_recording, save_recording
from brainsim.unfinished import finished, folder_of, kept

DASK = [sys.executable, "-m", "dask"]


def recording(seconds=6.0):
    rng = np.random.default_rng(1)
    source, bins = rng.integers(0, 8, int(240 * seconds)), rng.uniform(0, seconds, int(240 * seconds))
    order = np.argsort(bins)
    held = {"spike_time": ("spike", bins[order]), "spike_neuron": ("spike", source[order])}
    attrs = {"source": "simulated", "duration_s": seconds}
    return xr.Dataset(held, coords={"neuron": [f"n{i}" for i in range(8)]}, attrs=attrs)


def started(*command, env=None):
    return subprocess.Popen([*DASK, *command], stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})


def scheduler_of(process):
    """The address that a scheduler prints."""
    for line in process.stderr:
        if "Scheduler at:" in line:
            return line.split()[-1]
    raise AssertionError("the scheduler did not start")


def workers_of(address, folder, number, env=None):
    how = ("--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", str(folder))
    found = [started("worker", address, *how, env=env) for _ in range(number)]
    for each in found:
        next(line for line in each.stderr if "Registered to" in line)
    return found


@pytest.fixture
def dask(tmp_path):
    """A scheduler, and what starts workers of it, all processes of their own on the loopback."""
    processes = [started("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")]
    address = scheduler_of(processes[0])

    def workers(number, env=None):
        found = workers_of(address, tmp_path, number, env)
        processes.extend(found)
        return found

    yield address, workers, processes[0]
    for each in processes:
        each.kill()
        each.wait()
        each.stderr.close()
    cluster._client.cache_clear()


@pytest.fixture
def small_shards(monkeypatch):
    """Four shards of two neurons; correlograms in three blocks."""
    monkeypatch.setattr(gradient, "SHARD", 2)
    monkeypatch.setattr(connectivity, "source_blocks", lambda neurons: [(0, 3), (3, 6), (6, neurons)])


def fitted(progress=lambda done, total, note="": None, **how):
    return SpikingNetwork(settings=Settings(check=False, dale=True, **how)).fit(recording(), progress).fit_


def made_in(folder):
    """When each whole shard was made; drafts come and go while others work."""
    whole = [each for each in folder.iterdir() if not each.name.startswith(shard_store.DRAFT)]
    return {each.name: each.stat().st_mtime_ns for each in whole if each.is_dir()}


def test_a_worker_that_is_killed_costs_its_shard_only_and_the_fit_is_the_local_one(dask, small_shards, tmp_path):
    address, workers, _ = dask
    expected, (first, _) = fitted(), workers(2)
    store, before = begin(tmp_path / "shards", {"of": "a test"}), {}

    def kill(done, total, note=""):
        if note.startswith("ridge") and not before:
            first.send_signal(signal.SIGKILL)
            before.update(made_in(tmp_path / "shards"))

    found = fitted(kill, scheduler=address, shards=tmp_path / "shards")
    assert plain(found).identical(plain(expected))
    assert first.wait() == -signal.SIGKILL
    after = made_in(tmp_path / "shards")
    assert before
    assert all(after[name] == before[name] for name in before), "what was there is not made again"
    assert store.sweep() > len(before)


def test_a_scheduler_that_dies_is_said_and_its_shards_serve_the_next(dask, small_shards, tmp_path):
    address, workers, scheduler = dask
    workers(1)
    begin(tmp_path / "shards", {"of": "a test"})

    def kill(done, total, note=""):
        if note.startswith("ridge"):
            scheduler.kill()

    with pytest.raises(BrainsimError, match=r"the scheduler is gone.*--resume"):
        fitted(kill, scheduler=address, shards=tmp_path / "shards")
    there = OnDisk(str(tmp_path / "shards")).sweep()
    told = []
    found = fitted(lambda *each: told.append(each), shards=tmp_path / "shards")
    assert there > 3
    assert any("were there" in note for _, _, note in told)
    assert plain(found).identical(plain(fitted()))


def test_a_worker_without_a_compiler_says_so(dask, small_shards, tmp_path):
    address, workers, _ = dask
    workers(1, {"CXX": "no-such-compiler"})
    begin(tmp_path / "shards", {"of": "a test"})
    with pytest.raises(BrainsimError, match="'no-such-compiler' is not installed"):
        fitted(scheduler=address, shards=tmp_path / "shards")


def test_a_worker_that_cannot_write_its_cache_says_so(dask, small_shards, tmp_path):
    address, workers, _ = dask
    (tmp_path / "file").write_text("no folder")
    workers(1, {"BRAINSIM_CACHE": str(tmp_path / "file" / "cache")})
    begin(tmp_path / "shards", {"of": "a test"})
    with pytest.raises(OutputError, match=r"the cache of compiled \w+ cannot be written"):
        fitted(scheduler=address, shards=tmp_path / "shards")


def test_no_scheduler_is_said(monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE_S", 1.0)
    with (
        pytest.raises(InputError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9"),
        cluster.opened(scheduler="tcp://127.0.0.1:9"),
    ):
        pass


def made(shards, number):
    """What a task of these tests makes."""
    return {"number": np.arange(number)}


def test_a_shard_is_named_by_what_it_is_made_from_and_made_once(tmp_path, monkeypatch):
    assert Task(made, (3,)).key == Task(made, (3,)).key != Task(made, (4,)).key
    calls = []
    monkeypatch.setattr(sys.modules[__name__], "made", lambda shards, number: calls.append(number) or {"n": np.ones(1)})
    made.__module__, made.__qualname__ = "m", "q"
    for store in (InMemory(), begin(tmp_path / "s", {"of": "a test"})):
        calls.clear()
        pool = cluster.Here(store)
        keys = cluster.run(pool, [Task(made, (3,)), Task(made, (3,))])
        assert calls == [3]
        assert keys[0] == keys[1]
        np.testing.assert_array_equal(store.get(keys[0])["n"][...], [1])


@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing", "half written"])
def test_a_damaged_shard_is_swept_and_made_again(tmp_path, damage):
    store = begin(tmp_path / "s", {"of": "a test"})
    store.put("a", {"x": np.arange(1000.0)})
    store.put("b", {"x": np.arange(1000.0)})
    chunk = tmp_path / "s" / "a" / "x" / "0"
    content = bytearray(chunk.read_bytes())
    if damage == "missing":
        chunk.unlink()
    elif damage == "half written":
        (tmp_path / "s" / "a").rename(tmp_path / "s" / f"{shard_store.DRAFT}x")
    else:
        content[77] ^= 1
        chunk.write_bytes(content[:100] if damage == "truncated" else content)
    assert store.sweep() == 1
    assert "a" not in store
    assert "b" in store
    assert sorted(each.name for each in (tmp_path / "s").iterdir() if each.is_dir()) == ["b"]


def test_unfinished_work_is_gone_on_with_by_those_who_ask_for_it_only(tmp_path):
    out, facts = tmp_path / "fit.nc", {"recording": "r.nc", "options": "seed=1"}
    with contextlib.suppress(RuntimeError), kept(out, facts, resume=False, overwrite=False) as work:
        OnDisk(str(work.folder)).put("a", {"x": np.ones(3)})
        raise RuntimeError
    assert folder_of(out).is_dir()
    with (
        pytest.raises(OutputError, match=r"interrupted run left its shards.*--resume.*--overwrite"),
        kept(out, facts, resume=False, overwrite=False),
    ):
        pass
    with (
        pytest.raises(InputError, match=r"another run \(options\)"),
        kept(out, {**facts, "options": "seed=2"}, resume=True, overwrite=False),
    ):
        pass
    with kept(out, facts, resume=True, overwrite=False) as work:
        assert work.there == 1
        with (
            pytest.raises(OutputError, match="another process works on it"),
            kept(out, facts, resume=True, overwrite=False),
        ):
            pass
        out.write_text("done")
    assert [each.name for each in tmp_path.iterdir()] == ["fit.nc"]
    assert finished(out, resume=True)


def test_a_store_that_is_begun_tells_all_of_its_facts_or_none(tmp_path, monkeypatch):
    facts = {"recording": "r.nc", "options": "seed=1"}
    monkeypatch.setattr(Attributes, "__setitem__", lambda *_: pytest.fail("one fact at a time"))
    shard_store.begin(tmp_path / "s", facts)
    assert shard_store.facts_of(tmp_path / "s") == facts


def test_a_failure_before_the_first_shard_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), kept(tmp_path / "fit.nc", {}, resume=False, overwrite=False):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def brainsim(*command, **how):
    return subprocess.run([*PROGRAM, *map(str, command)], capture_output=True, text=True, check=False, **how)


def shards_in(folder):
    return len([each for each in folder.iterdir() if each.is_dir()]) if folder.is_dir() else -1


FIT = ("snn", "fit", "--no-check", "--dale")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A recording, and the fit to it that nobody disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    source = save_recording(recording(), folder / "r.nc")
    assert brainsim(*FIT, source, "--out", folder / "whole.nc").returncode == 0
    return source, folder / "whole.nc"


@pytest.mark.parametrize("at", [0, 4, 9])
def test_a_fit_that_is_killed_and_resumed_is_the_undisturbed_one(at, undisturbed, tmp_path):
    (source, whole), out = undisturbed, tmp_path / "fit.nc"
    command = (*FIT, source)
    process = subprocess.Popen([*PROGRAM, *map(str, command), "--out", str(out)], stderr=subprocess.DEVNULL)
    while shards_in(folder_of(out)) < at and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert folder_of(out).is_dir(), "it was killed while it ran"
    done = brainsim(*command, "--out", out, "--resume")
    assert done.returncode == 0, done.stderr
    assert same(whole, out)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["fit.nc"]


@pytest.fixture
def cache(undisturbed, program_cache, tmp_path):
    """A copy of the warm cache, and the environment of a process that uses it."""
    found = shutil.copytree(program_cache, tmp_path / "cache", ignore=shutil.ignore_patterns(".*"))
    return found, {**os.environ, "BRAINSIM_CACHE": str(found)}


def as_anybody():
    """Root gives up CAP_DAC_OVERRIDE: what cannot be written cannot be written by it either."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


def closed(cache):
    for each in (cache, *cache.glob("*")):
        each.chmod(0o555)
    return {"preexec_fn": as_anybody}


def cut(cache, pattern):
    """Truncate files of the cache to a half."""
    found = list(cache.glob(pattern))
    for each in found:
        os.truncate(each, each.stat().st_size // 2)
    assert found


def refusal(done, out):
    """The one sentence of a command that failed, and nothing in the place of the result."""
    assert done.returncode == 1
    assert not out.exists()
    (sentence,) = filter(None, done.stderr.split("\n"))
    return sentence


def test_two_fits_at_once_compile_and_leave_one_library(undisturbed, cache, tmp_path):
    (source, whole), (folder, env) = undisturbed, cache
    there = {each.name for each in folder.glob("correlogram-*")}
    for each in folder.glob("correlogram-*"):
        shutil.rmtree(each)
    outs = [tmp_path / f"{name}.nc" for name in "ab"]
    commands = [[*PROGRAM, *FIT, str(source), "--out", str(out), "--quiet"] for out in outs]
    both = [subprocess.Popen(each, env=env, stderr=subprocess.PIPE, text=True) for each in commands]
    assert [(each.communicate()[1], each.returncode) for each in both] == [("", 0)] * 2
    assert all(same(whole, out) for out in outs)
    left = {each.name for each in folder.iterdir() if "correlogram" in each.name}
    assert len(left) == 1, "one library and no draft"
    assert left <= there


def test_a_library_that_was_cut_is_compiled_anew(undisturbed, cache, tmp_path):
    (source, whole), (folder, env) = undisturbed, cache
    cut(folder, "*/library.so")
    done = brainsim(*FIT, source, "--out", tmp_path / "fit.nc", env=env)
    assert done.returncode == 0, done.stderr
    assert same(whole, tmp_path / "fit.nc")


def test_a_cache_that_can_only_be_read_serves(undisturbed, cache, tmp_path):
    (source, whole), (folder, env) = undisturbed, cache
    done = brainsim(*FIT, source, "--out", tmp_path / "fit.nc", env=env, **closed(folder))
    assert done.returncode == 0, done.stderr
    assert same(whole, tmp_path / "fit.nc")


@pytest.mark.parametrize(("damaged", "what"), [("*/main", "networks"), ("*/library.so", "functions")])
def test_a_cache_that_can_only_be_read_and_was_cut_is_said(damaged, what, undisturbed, cache, tmp_path):
    (source, _), (folder, env) = undisturbed, cache
    cut(folder, damaged)
    done = brainsim(*FIT, source, "--out", tmp_path / "fit.nc", "--quiet", env=env, **closed(folder))
    expected = f"brainsim: {folder}: the cache of compiled {what} cannot be written; set BRAINSIM_CACHE to a folder"
    assert refusal(done, tmp_path / "fit.nc").startswith(expected)


def test_a_fit_without_a_compiler_says_so(undisturbed, tmp_path):
    env = {**os.environ, "CXX": "no-such-compiler", "BRAINSIM_CACHE": str(tmp_path / "cache")}
    done = brainsim(*FIT, undisturbed[0], "--out", tmp_path / "fit.nc", "--quiet", env=env)
    assert "'no-such-compiler' is not installed" in refusal(done, tmp_path / "fit.nc")
    assert not (tmp_path / "cache").exists()


def test_a_training_that_is_killed_and_resumed_is_the_undisturbed_one(tmp_path):
    rng = np.random.default_rng(0)
    held = {"calcium": (("trial", "time", "neuron"), rng.random((12, 1, 6)), {"units": "active fraction"})}
    attrs = {"source": "recorded", "sampling_rate_hz": 1.0}
    made = xr.Dataset(held, {"stimulus": ("trial", list("abc") * 4), "time": [0.0]}, attrs)
    save_recording(made, tmp_path / "r.nc")
    how = ("--epochs", 9, "--sample-interval", 3, "--latent-dim", 8, "--batch-size", 6)
    command, out = ("gan", "train", tmp_path / "r.nc", *how), tmp_path / "gan"
    assert brainsim(*command, "--out", tmp_path / "whole").returncode == 0
    process = subprocess.Popen([*PROGRAM, *map(str, command), "--out", str(out)], stderr=subprocess.DEVNULL)
    while not out.is_dir() and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    process.wait()
    done = brainsim(*command, "--out", out, "--resume")
    assert done.returncode == 0, done.stderr
    assert same(tmp_path / "whole", out)


def test_a_zarr_recording_is_read_in_blocks_and_gives_the_fit_of_memory(cli, tmp_path, monkeypatch):
    rng, frames = np.random.default_rng(2), np.arange(900) / 20
    spikes = rng.uniform(0, 45, 700), rng.integers(0, 7, 700)
    held = {"calcium": (("time", "neuron"), Indicator().fluorescence(*spikes, 7, frames, rng), {"units": "dF/F"})}
    made = xr.Dataset(held, {"time": frames}, {"source": "recorded", "sampling_rate_hz": 20.0})
    for suffix in (".nc", ".zarr"):
        save_recording(made, tmp_path / f"r{suffix}")
    how = ("--no-check", "--ridge", 10, "--quiet")
    whole = cli("snn", "fit", tmp_path / "r.nc", "--out", tmp_path / "whole.nc", *how)
    assert whole.exit_code == 0, whole.output
    monkeypatch.setattr(block.neuron_blocks, "__defaults__", (1, 2 * 8 * 900))
    in_blocks = cli("snn", "fit", tmp_path / "r.zarr", "--out", tmp_path / "fit.nc", *how)
    assert in_blocks.exit_code == 0, in_blocks.output
    one, two = (plain(open_recording(tmp_path / f"{name}.nc")) for name in ("whole", "fit"))
    assert one.assign_attrs(recording="").identical(two.assign_attrs(recording=""))
    assert not folder_of(tmp_path / "fit.nc").exists()
