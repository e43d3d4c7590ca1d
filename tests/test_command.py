"""The command line as a whole: light, documented, one sentence and an exit code, one JSON object, nothing lost."""

import json
import subprocess
import sys

import click
import numpy as np
import pytest
import xarray as xr
from made_up import calcium_trials, continuous
from made_up import fit as made_up_fit
from test_data_command import fails
from test_gradient import as_events, recording, wiring
from test_online import fluorescence
from test_simulate import shortened
from write_cli_reference import TARGET, contexts, reference, root

import brainsim
from brainsim import repeat, simulate
from brainsim.engine import Network
from brainsim.store import open_recording, save_recording

HEAVY = ("numpy", "xarray", "torch", "brian2", "scipy", "matplotlib", "pandas", "sklearn", "zarr", "networkx",
         "h5py", "pynwb", "hdmf")  # fmt: skip
TREE = {context.command_path.removeprefix("brainsim").strip(): context for context in contexts(root())}
LEAVES = [name for name, context in TREE.items() if not isinstance(context.command, click.Group)]


def test_every_command_is_there():
    contract = {
        "demo", "check", "data list", "data read", "data describe", "data check", "data simulate", "data write",
        "deconvolve", "snn fit", "snn sample", "snn graph", "gan train", "gan sample", "compare", "bench connectivity",
        "bench likelihood", "bench deconvolve",
    }  # fmt: skip
    assert contract <= set(LEAVES)


@pytest.mark.parametrize("name", TREE)
def test_every_command_and_option_is_documented(name, cli):
    result = cli(*name.split(), "--help")
    assert result.exit_code == 0
    assert len(TREE[name].command.get_short_help_str(200)) > 15
    for parameter in TREE[name].command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.opts[0] in result.stdout
    assert cli(*name.split(), "-h").stdout == result.stdout


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_has_the_common_options(name):
    assert {"as_json", "quiet", "show_traceback"} <= {parameter.name for parameter in TREE[name].command.params}


def test_the_reference_is_that_of_the_commands():
    assert TARGET.read_text(encoding="utf-8") == reference(), "run `make docs`"


@pytest.mark.parametrize("arguments", [["--help"], ["snn", "fit", "--help"], ["--version"], ["dat"]])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys; from importlib.metadata import entry_points\n"
        "(entry,) = entry_points(group='console_scripts', name='brainsim')\n"
        f"sys.argv = ['brainsim', *{arguments!r}]\n"
        "try: entry.load()()\n"
        "except SystemExit: pass\n"
        f"print('HEAVY', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["dat"], "Did you mean 'data'?"),
        (["snn", "fitt"], "Did you mean 'fit'?"),
        (["data", "simulte"], "Did you mean 'simulate'?"),
        (["zzzz"], "Known: bench, cells, check, compare"),
        (["snn", "fit", "r.nc", "--out", "f.nc", "--rul", "ml"], "--rule"),
    ],
)
def test_a_wrong_command_is_wrong_usage_and_finds_the_right_one(arguments, near, cli):
    result = cli(*arguments)
    assert result.exit_code == 2
    assert near in result.stderr
    assert result.stdout == ""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A recording with trials, one of spikes, a fit; the current folder is theirs."""
    monkeypatch.chdir(tmp_path)
    save_recording(continuous(calcium_trials(0, trials=12)), tmp_path / "rec.nc")
    save_recording(as_events(recording(wiring(4), seconds=5.0)), tmp_path / "spk.nc")
    save_recording(made_up_fit(), tmp_path / "fit.nc")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["snn", "fit", "spk.nc", "--out", "o.nc", "--rule", "nearest_stdp"], "did you mean 'nearest-stdp'?"),
        (["snn", "fit", "spk.nc", "--out", "o.nc", "--neuron", "liff"], "did you mean 'lif'?"),
        (["data", "simulate", "pairing-smal", "--out", "o.nc"], "did you mean 'pairing-small'?"),
        (["deconvolve", "rec.nc", "--out", "o.nc", "--method", "oassis"], "did you mean 'oasis'?"),
        (["data", "read", "rec.nc", "--out", "o.nc", "--format", "netcdff"], "did you mean 'netcdf'?"),
    ],
)
def test_a_wrong_name_fails_and_finds_the_right_one(arguments, near, cli, files):
    fails(cli(*arguments), near)
    assert not (files / "o.nc").exists()


WRITING = {
    "data read": (["in.csv"], "o.nc"),
    "data simulate": (["pairing-small"], "o.nc"),
    "data write": (["rec.nc"], "o.csv"),
    "deconvolve": (["rec.nc"], "o.nc"),
    "snn fit": (["spk.nc"], "o.nc"),
    "snn sample": (["fit.nc"], "o.nc"),
    "snn graph": (["fit.nc"], "o"),
    "snn groups": (["fit.nc", "--recording", "rec.nc"], "o"),
    "snn response": (["fit.nc"], "o"),
    "study pairing": ([], "o"),
    "snn change": (["spk.nc"], "o.nc"),
    "gan train": (["rec.nc"], "o"),
    "gan sample": (["gan"], "o.nc"),
    "cells classify": (["rec.nc", "--fit", "fit.nc"], "o.nc"),
    "compare": (["rec.nc", "spk.nc"], "o"),
    "demo": ([], "o"),
    "bench connectivity": (["--preset", "pairing-small"], "o"),
    "bench likelihood": ([], "o.json"),
    "bench deconvolve": ([], "o"),
    "bench attainable": ([], "o"),
    "bench scale": ([], "o.json"),
    "bench gan": (["rec.nc"], "o"),
    "gan score": (["gan", "rec.nc"], "o"),
}


def test_the_list_of_writing_commands_is_whole():
    assert set(WRITING) == {n for n in LEAVES if any(p.name == "out" for p in TREE[n].command.params)}


@pytest.mark.parametrize("name", WRITING)
def test_nothing_is_overwritten_unasked(name, cli, files):
    arguments, out = WRITING[name]
    target = files / out
    if target.suffix:
        target.write_text("precious")
    else:
        target.mkdir()
        (target / "precious").write_text("precious")
    fails(cli(*name.split(), *arguments, "--out", target), str(out))
    assert (target if target.is_file() else target / "precious").read_text() == "precious"


@pytest.mark.parametrize(
    "name", [n for n in WRITING if WRITING[n][0] and n not in ("data simulate", "bench connectivity")]
)
@pytest.mark.parametrize("kind", ["missing", "empty"])
def test_a_bad_input_is_one_sentence_and_leaves_nothing(name, kind, cli, files):
    arguments, out = WRITING[name]
    first = files / arguments[0]
    if first.exists():
        first.unlink()
    if kind == "empty":
        first.write_bytes(b"")
    before = sorted(p.name for p in files.iterdir())
    fails(cli(*name.split(), *arguments, "--out", files / f"new_{out}"), first.name)
    assert sorted(p.name for p in files.iterdir()) == before


@pytest.mark.parametrize("name", WRITING)
def test_a_folder_that_is_not_there_is_said(name, cli, files):
    arguments, out = WRITING[name]
    fails(cli(*name.split(), *arguments, "--out", files / "no" / "where" / out), "folder does not exist", "mkdir")
    assert not (files / "no").exists()


@pytest.mark.parametrize("arguments", [["data", "describe", "x.nc"], ["snn", "fit", "x.nc", "--out", "o.nc"]])
def test_traceback_is_shown_on_demand_only(arguments, cli, files):
    assert "Traceback" not in cli(*arguments).stderr
    result = cli(*arguments, "--traceback")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert "x.nc: there is no such file" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["snn", "fit"],
        ["snn", "fit", "spk.nc"],
        ["snn", "fit", "spk.nc", "--out", "o.nc", "--workers", "0"],
        ["snn", "fit", "spk.nc", "--out", "o.nc", "--tau-ms", "-1"],
        ["snn", "fit", "spk.nc", "--out", "o.nc", "--rule", "nearest-stdp", "--tau-ms", "5"],
        ["snn", "fit", "spk.nc", "--out", "o.nc", "--seed", "x"],
        ["check", "--nothing"],
    ],
)
def test_wrong_usage_ends_with_2(arguments, cli, files):
    result = cli(*arguments)
    assert result.exit_code == 2
    assert "Usage: brainsim" in result.stderr
    assert not (files / "o.nc").exists()


def one_object(result):
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 1
    return json.loads(lines[0])


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        (["data", "list"], {"pairing-small"}),
        (["data", "describe", "rec.nc"], {"sizes", "variables", "findings"}),
        (["data", "check", "rec.nc", "spk.nc"], {"files", "counts", "findings"}),
        (["data", "read", "rec.nc", "--out", "o.nc"], {"sizes", "written"}),
        (["data", "write", "rec.nc", "--out", "o.csv"], {"written", "left_out"}),
        (["data", "write", "fit.nc", "--out", "o.graphml"], {"written", "edges"}),
        (["deconvolve", "rec.nc", "--out", "o.nc", "--method", "lowpass-diff"], {"written"}),
        (["snn", "graph", "fit.nc", "--out", "net"], {"written"}),
        (["check"], {"ok", "checks"}),
    ],
)
def test_json_is_one_object_on_stdout(arguments, fields, cli, files):
    assert fields <= set(one_object(cli(*arguments, "--json")))


@pytest.mark.parametrize("preset", ["pairing-small", "lif-sampled"])
def test_simulate_writes_what_it_says(cli, tmp_path, monkeypatch, preset):
    original = simulate.simulate
    monkeypatch.setattr(
        simulate, "simulate", lambda preset, seed, progress: original(shortened(preset), seed, "numpy", progress)
    )
    facts = one_object(cli("data", "simulate", preset, "--out", tmp_path / "s.nc", "--seed", 4, "--json"))
    made = open_recording(tmp_path / "s.nc")
    assert facts["seed"] == made.attrs["seed"] == 4
    assert facts["spikes"] == made.sizes["spike"]
    assert facts["synapses"] == (made["true_weight"] != 0).sum()
    assert facts["frames"] == made.sizes.get("time", 0)
    assert facts["written"] == [str(tmp_path / "s.nc")]
    told = cli("data", "simulate", preset, "--out", tmp_path / "again.nc", "--seed", 4)
    assert f"{made.sizes['neuron']} neurons" in told.stdout
    assert "0.7 s" in told.stdout or "frames" in told.stdout


def test_a_fit_and_its_free_run_through_the_commands(cli, files):
    facts = one_object(cli("snn", "fit", "spk.nc", "--out", "f.nc", "--ridge", 10, "--seed", 3, "--json"))
    fit = open_recording(files / "f.nc")
    for name in ("rule", "neuron_model", "passes", "log_likelihood_per_spike", "seconds_compile", "seconds_fit"):
        assert facts[name] == fit.attrs[name]
    assert facts["recording"] == "spk.nc"
    assert facts["written"] == ["f.nc"]
    told = cli("snn", "fit", "spk.nc", "--out", "f.nc", "--ridge", 10, "--overwrite")
    assert told.exit_code == 0
    assert "nats per spike" in told.stdout
    assert told.stdout.splitlines()[-1] == "f.nc"
    again = open_recording(files / "f.nc")
    np.testing.assert_array_equal(again["weight"], fit["weight"])
    sampled = cli("snn", "sample", "f.nc", "--out", "s.zarr", "--seed", 5)
    assert sampled.exit_code == 0, sampled.stderr
    assert "mean rate" in sampled.stdout
    simulated = open_recording(files / "s.zarr")
    assert simulated.attrs["seed"] == 5
    assert simulated.attrs["fit"] == "f.nc"
    quiet = cli("snn", "sample", "f.nc", "--out", "q.nc", "--seed", 5, "--quiet")
    assert (quiet.stdout, quiet.stderr) == ("q.nc\n", "")
    xr.testing.assert_equal(open_recording(files / "q.nc")["spike_time"], simulated["spike_time"])


def test_an_online_rule_through_the_command(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(repeat, "Network", lambda blueprint, target: Network(blueprint, "numpy"))
    save_recording(fluorescence(), tmp_path / "rec.nc")
    arguments = ("snn", "fit", tmp_path / "rec.nc", "--out", tmp_path / "fit.nc", "--rule", "nearest-stdp")
    facts = one_object(cli(*arguments, "--repeats", 2, "--json"))
    assert facts["log_likelihood_per_spike"] is None, "what is not a number is null"
    assert open_recording(tmp_path / "fit.nc").sizes["repeat"] == facts["repeats"] == 2
    told = cli(*arguments, "--overwrite")
    assert "mean change of a weight" in told.stdout


def test_a_fit_that_fails_leaves_the_old_one(cli, files):
    silent = as_events(np.zeros((3000, 4)))
    save_recording(silent, files / "silent.nc")
    before = (files / "fit.nc").read_bytes()
    fails(cli("snn", "fit", "silent.nc", "--out", "fit.nc", "--overwrite"), "not one spike", "spike times")
    assert (files / "fit.nc").read_bytes() == before
    fails(cli("snn", "sample", "rec.nc", "--out", "o.nc"), "field 'rule'", "--rule ml")
    online = made_up_fit()
    online.attrs["rule"] = "nearest-stdp"
    save_recording(online, files / "online.nc")
    fails(cli("snn", "sample", "online.nc", "--out", "o.nc"), "'nearest-stdp' does not run freely")


def test_check_says_what_is_missing_and_ends_with_1(cli, monkeypatch, tmp_path):
    good = cli("check")
    assert good.exit_code == 0, good.output
    assert good.stdout.splitlines()[-1] == "all in order"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    bad = cli("check")
    assert bad.exit_code == 1
    assert "NO  make" in bad.stdout
    assert "-> install g++ (Debian: apt-get install g++)" in bad.stdout
    assert bad.stdout.splitlines()[-1] == "not in order: g++, make, C++ headers"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BRAINSIM_CACHE", str(tmp_path / "file" / "cache"))
    facts = json.loads(cli("check", "--json").stdout)
    assert not facts["ok"]
    assert [c["name"] for c in facts["checks"] if not c["ok"]] == ["g++", "make", "C++ headers", "cache"]


def test_the_version_is_that_of_the_package(cli):
    assert cli("--version").stdout == f"brainsim, version {brainsim.__version__}\n"


AT_ODDS = {
    "snn fit": (["spk.nc", "--overwrite", "--resume"], "exclude each other"),
    "gan train": (["rec.nc", "--overwrite", "--resume"], "exclude each other"),
    "study pairing": (["--overwrite", "--resume"], "give one of them"),
    "bench connectivity": (["--truth", "truth.csv"], "belongs to exactly one --recording"),
    "snn change": (["spk.nc", "--before", "a"], "given together"),
    "snn graph": (["fit.nc", "--conditioned", "aud"], "give --recording"),
    "cells classify": (["rec.nc"], "give --train, --fit or both"),
    "data write": (["rec.nc", "--variable", "spikes"], "no use for it"),
}


@pytest.mark.parametrize("name", AT_ODDS)
def test_options_that_do_not_go_together_are_named_before_anything_is_done(name, cli, files):
    arguments, words = AT_ODDS[name]
    out = files / ("new.nwb" if name == "data write" else "new.nc" if WRITING[name][1].endswith(".nc") else "new")
    done = cli(*name.split(), *arguments, "--out", out)
    assert done.exit_code == 2, done.output
    assert words in " ".join(done.stderr.split())
    assert not out.exists()
