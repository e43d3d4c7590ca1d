"""Every entry of every catalogue keeps its contract; a file dropped in is registered; wrong names are corrected."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from test_gradient import as_events, recording, wiring
from test_online import fluorescence

from brainsim import assembly, catalog
from brainsim.blueprint import DIMENSION, SI, values
from brainsim.description import Described
from brainsim.engine import Network
from brainsim.error import UnknownName
from brainsim.gradient import Settings
from brainsim.network import SpikingNetwork
from brainsim.recorded import RecordedInput
from brainsim.rule.static import Static

ENTRIES = [(folder, name) for folder in catalog.FOLDERS for name in catalog.names(folder)]


@pytest.mark.parametrize("folder", catalog.FOLDERS)
def test_every_file_of_a_folder_is_in_its_catalogue_once(folder):
    package = import_module(f"brainsim.{folder}")
    modules = {kind.__module__ for kind in catalog.entries(folder).values()}
    files = {f"brainsim.{folder}.{p.stem}" for p in _files(package)}
    assert modules == files
    assert len(catalog.entries(folder)) == len(files), "one thing is one file"


def _files(package):
    return [p for p in Path(package.__file__).parent.glob("*.py") if not p.stem.startswith("_")]


@pytest.mark.parametrize(("folder", "name"), ENTRIES)
def test_an_entry_says_what_it_is(folder, name):
    kind = catalog.get(folder, name)
    assert kind.name == name
    assert kind.summary().endswith(".")
    assert len(kind.summary()) > 15
    assert kind.summary() != Described.summary()
    for parameter, (value, unit) in kind().parameters().items():
        assert unit in SI, parameter
        assert unit in DIMENSION, parameter
        assert np.isfinite(value), parameter
    described = [f.metadata["meaning"] for f in kind.__dataclass_fields__.values() if "meaning" in f.metadata]
    assert all(len(meaning) > 3 for meaning in described)


def test_names_are_unique_over_all_folders_with_equations():
    names = catalog.names("neuron") + catalog.names("rule")
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", catalog.names("neuron"))
def test_a_neuron_runs(name):
    neuron = catalog.get("neuron", name)()
    network = Network(assembly.free_running(neuron, Static(), 5), "numpy")
    cells = neuron.per_cell(np.array([True, True, True, False, False]), np.random.default_rng(0))
    assert all(v.shape == (5,) for v in cells.values())
    current = np.full((300, 5), 10.0, np.float32)
    arrays = {"synapse.w": 0.1, "synapse.plastic": 0.0, "neuron.current_gain": 1.0, **values(neuron, "neuron")}
    arrays |= {f"neuron.{k}": v for k, v in cells.items()}
    recorded = RecordedInput(300, current=current, current_slope=0 * current)
    declared = [line.split(":")[0].split("=")[0].strip() for line in neuron.equations.splitlines() if ":" in line]
    states = [f"neuron.{v[1:-3] if v.endswith('/dt') else v}" for v in declared if v not in ("leak", "rho")]
    found = network.run(recorded, arrays, [*states, "neuron_spikes.i"])
    assert set(found["neuron_spikes.i"].tolist()) == set(range(5)), "a current makes every cell fire"
    for state in states:
        assert np.isfinite(found[state]).all(), state


@pytest.mark.parametrize("name", [n for n in catalog.names("rule") if n != "static"])
def test_a_rule_learns_something_finite(name):
    rule = catalog.get("rule", name)()
    data = fluorescence() if rule.learns == "online" else as_events(recording(wiring(3), seconds=0.5))
    target = "numpy" if rule.learns == "online" else "cpp"
    fit = SpikingNetwork(rule, settings=Settings(target=target, ridge=1.0)).fit(data).fit_
    assert fit.attrs["rule"] == name
    assert fit.attrs["neuron_model"] == rule.neuron
    assert rule.neuron in catalog.names("neuron")
    assert np.isfinite(fit["weight"]).all()
    assert (fit["weight"] != 0).any()
    if rule.learns == "online":
        assert (fit["weight"] != fit["weight_initial"]).any()


def test_describing_rooms_are_light():
    light = [f for f in catalog.FOLDERS if f not in ("deconvolution", "model")]
    code = (
        f"import sys; from brainsim import catalog; [catalog.entries(f) for f in {light!r}]; "
        "print([m for m in ('brian2', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("folder", "wrong", "right"),
    [
        ("rule", "nearest_stdp", "nearest-stdp"),
        ("neuron", "izikevich", "izhikevich"),
        ("preset", "pairing-smal", "pairing-small"),
        ("reader", "csvlong", "csv-long"),
        ("statistic", "isi-cv", "isi_cv"),
        ("deconvolution", "oassis", "oasis"),
        ("peer", "tpse", "tspe"),
    ],
)
def test_a_wrong_name_finds_the_nearest_right_one(folder, wrong, right):
    with pytest.raises(UnknownName) as caught:
        catalog.get(folder, wrong)
    assert f"no {folder} is called '{wrong}'; did you mean '{right}'?" in str(caught.value)
    for name in catalog.names(folder):
        assert name in str(caught.value)


def test_a_name_like_none_lists_what_there_is():
    with pytest.raises(UnknownName, match="known: integrate-and-fire, izhikevich, izhikevich-thalamic, lif") as caught:
        catalog.get("neuron", "qqqqqq")
    assert "did you mean" not in str(caught.value)
    with pytest.raises(UnknownName, match="did you mean 'neuron'"):
        catalog.entries("neurone")


RULE = '''"""A rule that only ever strengthens."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.description import quantity
from brainsim.rule import Rule


@dataclass(frozen=True)
class OnlyUp(Rule):
    """Every presynaptic spike makes a synapse stronger by the same share."""

    rate: float = quantity(0.01, "1", "relative growth per spike")

    name: ClassVar[str] = "only-up"
    synapse: ClassVar[str] = "direction : 1 (constant)"
    on_pre: ClassVar[str] = "w *= 1 + plastic*rate"
'''


@pytest.fixture
def dropped(tmp_path, monkeypatch):
    """A new rule in a folder that belongs to the catalogue of rules."""
    import brainsim.rule

    (tmp_path / "only_up.py").write_text(RULE)
    monkeypatch.setattr(brainsim.rule, "__path__", [*brainsim.rule.__path__, str(tmp_path)])
    catalog.entries.cache_clear()
    yield
    catalog.entries.cache_clear()
    sys.modules.pop("brainsim.rule.only_up", None)
    vars(brainsim.rule).pop("only_up", None)


def test_a_file_dropped_into_a_folder_is_registered_and_works(dropped, cli, tmp_path):
    assert "only-up" in catalog.names("rule")
    rule = catalog.get("rule", "only-up")(rate=0.05)
    fit = SpikingNetwork(rule, settings=Settings(target="numpy")).fit(fluorescence()).fit_
    grown = fit["weight"] / fit["weight_initial"].where(fit["weight_initial"] != 0)
    count = np.round(np.log(grown) / np.log(1.05))
    assert fit.attrs["rule"] == "only-up"
    xr.testing.assert_allclose(np.log(grown), count * np.log(1.05))
    assert count.max() >= 1
    result = cli("snn", "fit", tmp_path / "none.nc", "--rule", "only-upp", "--out", tmp_path / "fit.nc")
    assert result.exit_code == 1
    assert "did you mean 'only-up'" in result.stderr


def test_it_is_gone_again():
    assert "only-up" not in catalog.names("rule")
