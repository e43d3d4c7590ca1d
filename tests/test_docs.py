"""The documentation is true: the schema's tables are the schema, the examples of docs/extend.md work as they stand."""

import json
import re
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pynwb
import pytest
import xarray as xr
from made_up import calcium_trials
from test_cells import cells as labelled_cells
from test_gradient import as_events, as_frames, recording, wiring
from test_online import fluorescence
from test_simulate import shortened

from brainsim import (
    ascent,
    catalog,
    connectivity,
    edge,
    fit_task,
    gradient,
    kernel,
    likelihood,
    metric,
    posterior,
    schema,
    trust,
)
from brainsim.calcium import deconvolve
from brainsim.cells import classify
from brainsim.compare import compare
from brainsim.dataset import load_dataset
from brainsim.error import InputError
from brainsim.export_nwb import write_nwb
from brainsim.gan import ConditionalGAN
from brainsim.gradient import Settings
from brainsim.inspection import inspect
from brainsim.network import SpikingNetwork
from brainsim.reader import ReadOptions
from brainsim.reader._nwb_index import encoded
from brainsim.reading import read_recording
from brainsim.rule.ml import Ml
from brainsim.rule.nearest_stdp import NearestStdp
from brainsim.simulate import simulate

DOCS = Path(__file__).resolve().parents[1] / "docs"


def table(title):
    """Return the rows of the table under a heading of docs/schema.md."""
    text = (DOCS / "schema.md").read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def names(title):
    """Return every name in the first column of a table."""
    return {name for row in table(title) for name in re.findall(r"`(\w+)`", row[0])}


def dims(text):
    return f"({', '.join(text)})"


def test_the_tables_of_the_schema_are_the_schema():
    wanted = [
        [f"`{n}`", " or ".join(map(dims, allowed)), meaning] for n, (allowed, meaning) in schema.VARIABLES.items()
    ]
    assert table("Variables") == wanted
    wanted = [[f"`{n}`", dims(allowed), meaning] for n, (allowed, meaning) in schema.COORDINATES.items()]
    assert table("Coordinates") == wanted


def typed():
    """A recording whose cells were classified."""
    training = [(name, labelled_cells("EEEEEIIIII", seed)) for seed, name in enumerate("ab")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("brainsim.held_out.CELL_FOLDS", 2)
        return classify(labelled_cells("EEII", 3, data_set="here"), training).dataset


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One of everything that brainsim makes."""
    counts = recording(wiring(4), seconds=3.0)
    events = as_events(counts).assign_coords(time=np.arange(30) / 10)
    events = events.assign_coords(cell_type=("neuron", ["E", "E", "E", "I"]))
    events.attrs["sampling_rate_hz"] = 10.0
    frames = as_frames(counts)
    cut = xr.Dataset(
        {"spikes": (("trial", "time", "neuron"), counts.reshape(3, 1000, 4))},
        coords={"time": np.arange(1000) / 1000, "neuron": np.arange(4), "stimulus": ("trial", ["a"] * 3)},
        attrs=frames.attrs,
    )
    how = Settings(ridge=10.0)
    fits = [SpikingNetwork(settings=how).fit(data) for data in (events, frames, cut)]
    moved = fluorescence(frames=100, trials=("a", "b"))
    online = SpikingNetwork(NearestStdp(), settings=Settings(target="numpy"), repeats=2).fit(moved)
    table = tmp_path_factory.mktemp("read") / "rec.csv"
    table.write_text("time_s,a,b\n" + "".join(f"{t / 10},{t % 7},{t % 5}\n" for t in range(60)))
    read = read_recording([table], None, ReadOptions())
    preset = shortened(catalog.get("preset", "pairing-small")())
    made = [simulate(preset, 0, "numpy"), load_dataset(), read, deconvolve(read), typed()]
    return [*made, *(f.fit_ for f in fits), fits[0].sample(), online.fit_]


def test_everything_in_a_result_is_in_the_schema_or_documented(results):
    variables = set(schema.VARIABLES) | set(schema.COORDINATES) | names("What else a fit holds")
    variables |= names("What else a recording may hold")
    for each in results:
        assert [f for f in schema.check(each) if f.severity == "error"] == []
        assert set(map(str, each.variables)) <= variables, set(map(str, each.variables)) - variables
        assert set(each.attrs) <= names("Attributes"), set(each.attrs) - names("Attributes")


def test_everything_documented_is_in_some_result(results):
    found = {str(name) for each in results for name in each.variables}
    assert names("What else a fit holds") <= found | {"jump_bin"}, names("What else a fit holds") - found
    attributes = {name for each in results for name in each.attrs}
    assert names("Attributes") - attributes <= {"trials_left_out"}, names("Attributes") - attributes
    for row in table("What else a fit holds"):
        for name in re.findall(r"`(\w+)`", row[0]):
            holders = [each[name] for each in results if name in each.variables]
            assert {dims(map(str, h.dims)) for h in holders} == {row[1]}, name


def test_every_result_is_valid_as_nwb_and_reads_back_as_the_same(results, tmp_path):
    for at, each in enumerate(results):
        path = write_nwb(each, tmp_path / f"{at}.nwb")
        read = read_recording([path])
        assert pynwb.validate(path=str(path)) == []
        xr.testing.assert_identical(read.drop_attrs(deep=False), each.drop_attrs(deep=False))
        assert attributes(read) == attributes(each)


def attributes(dataset):
    """Return the attributes as text (so that NaN equals NaN), but those that reading sets itself."""
    own = {"format", "input_file", "input_sha256", "brainsim_version"}
    return {k: json.dumps(encoded(v)) for k, v in dataset.attrs.items() if k not in own and (k != "notices" or v)}


EXAMPLE = re.compile(r"```python\n# brainsim/(\w+)/(\w+)\.py\n(.*?)```", re.DOTALL)
EXAMPLES = {folder: (name, code) for folder, name, code in EXAMPLE.findall((DOCS / "extend.md").read_text("utf-8"))}


def test_there_is_an_example_for_every_catalogue():
    assert set(EXAMPLES) == set(catalog.FOLDERS)
    assert (DOCS / "extend.md").read_text("utf-8").count("```python") == len(EXAMPLES)


@pytest.fixture
def dropped(request, tmp_path, monkeypatch):
    """The example of one folder, dropped into it; its class."""
    folder = request.param
    package, (stem, code) = import_module(f"brainsim.{folder}"), EXAMPLES[folder]
    (tmp_path / f"{stem}.py").write_text(code)
    before = catalog.names(folder)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    catalog.entries.cache_clear()
    (new,) = set(catalog.names(folder)) - set(before)
    kind = catalog.get(folder, new)
    assert kind.summary().endswith(".")
    yield kind
    monkeypatch.undo()
    catalog.entries.cache_clear()
    sys.modules.pop(f"brainsim.{folder}.{stem}")
    vars(package).pop(stem, None)


def example(folder):
    return pytest.mark.parametrize("dropped", [folder], indirect=True)


@example("neuron")
def test_the_neuron_of_the_docs_runs(dropped):
    fit = SpikingNetwork(NearestStdp(), dropped(), Settings(target="numpy")).fit(fluorescence()).fit_
    assert fit.attrs["neuron_model"] == dropped.name
    assert fit["spike_count"].sum() > 0
    assert np.isfinite(fit["weight"]).all()
    assert (fit["weight"] != fit["weight_initial"]).any()


@example("rule")
def test_the_rule_of_the_docs_learns(dropped):
    fit = SpikingNetwork(dropped(rate=0.1), settings=Settings(target="numpy")).fit(fluorescence()).fit_
    pre, post = fit["cell_type"].rename(neuron="pre") == "E", fit["cell_type"].rename(neuron="post") == "E"
    grown = np.abs(fit["weight"]) - np.abs(fit["weight_initial"])
    assert float(grown.where(post).max()) > 0
    assert float(grown.where(post).min()) >= 0
    assert float(grown.where(pre & ~post).max()) <= 0


@example("reader")
def test_the_reader_of_the_docs_reads(dropped, tmp_path):
    values = np.random.default_rng(0).normal(size=(40, 3))
    np.save(tmp_path / "traces.npy", values)
    read = read_recording([tmp_path / "traces.npy"], None, ReadOptions(sampling_rate=30.0))
    np.testing.assert_array_equal(read["calcium"], values)
    assert read.attrs["format"] == "npy"
    with pytest.raises(InputError, match="--sampling-rate"):
        read_recording([tmp_path / "traces.npy"], None, ReadOptions())


@example("statistic")
def test_the_statistic_of_the_docs_is_in_the_comparison(dropped):
    recorded = calcium_trials(0)
    result = compare(recorded, {"like": calcium_trials(1, source="simulated"), "twice": recorded * 2})
    like, twice = (result.to_dict()["sources"][source][dropped.name] for source in ("like", "twice"))
    assert like["value"] < twice["value"]
    assert like["floor"] is not None


@example("preset")
def test_the_preset_of_the_docs_makes_a_recording(dropped):
    preset = dropped()
    assert preset.neurons == 20
    data = simulate(shortened(replace(preset)), 0, "numpy")
    assert [f for f in schema.check(data) if f.severity == "error"] == []
    assert data.sizes["spike"] > 0


@example("deconvolution")
def test_the_deconvolution_of_the_docs_finds_rises(dropped):
    data = fluorescence()
    spikes = deconvolve(data, dropped())["spikes"]
    rise = data["calcium"].diff("time").values
    np.testing.assert_allclose(spikes.transpose("time", "neuron").values[1:], np.where(rise > 0.1, rise, 0))
    assert float(spikes.max()) > 0


@example("peer")
def test_the_peer_of_the_docs_ranks_pairs(dropped):
    counts = recording(wiring(4), seconds=3.0)
    inferred = dropped().infer(as_events(counts), 0.001)
    rate = counts.sum(0)
    np.testing.assert_allclose(inferred.score, np.sqrt(np.outer(rate, rate)) / 3.0)
    assert np.isnan(inferred.sign).all()
    assert dropped.name in catalog.names("peer")


@example("check")
def test_the_check_of_the_docs_looks_at_the_length(dropped):
    short = fluorescence(frames=100)
    (found,) = (f for f in inspect(short) if f.check == dropped.name)
    assert (found.severity, found.field, found.found) == ("note", "time", "it lasts 10 s")
    assert dropped.name not in [f.check for f in inspect(fluorescence(frames=700))]


@example("model")
def test_the_model_of_the_docs_trains_a_generator(dropped):
    values = np.random.default_rng(0).normal(size=(20, 6, 4))
    coords = {"time": np.arange(6) / 10, "neuron": np.arange(4), "stimulus": ("trial", np.tile(["a", "b"], 10))}
    attrs = {"source": "recorded", "units": "dF/F", "sampling_rate_hz": 10.0}
    recording = xr.Dataset({"calcium": (("trial", "time", "neuron"), values)}, coords=coords, attrs=attrs)
    model = ConditionalGAN(dropped.name, epochs=2, latent_dim=4, width=8).fit(recording)
    assert model.choice_ == {"penalty": 10.0, "epoch": None, "why": "as set", "candidates": []}
    assert np.isfinite(model.learning_curve_["critic_loss"]).all()
    assert model.sample(2).attrs["model"] == "hinge"


def test_the_numbers_in_the_page_on_inference_are_those_of_the_code():
    text = " ".join((DOCS / "inference.md").read_text("utf-8").split())
    for words in (
        f"{fit_task.COVARIATE_PRECISION:g} on every covariate",
        f"at most {likelihood.SHARD} postsynaptic neurons",
        f"memory {ascent.MEMORY} around it",
        f"At most {gradient.MOST_PASSES} passes",
        f"longer than {1000 * kernel.COARSE_BIN_S:g} ms",
        f"above {gradient.INFLATED:g} the fit says so",
        f"prior {posterior.PRIOR_EXCITATORY:g} for E",
        f"From a spread of {connectivity.CLEAN:g} on it counts less, from {connectivity.DISTURBED:g} on",
        f"fewer than {posterior.FEW_PAIRS} pairs",
        f"{len(kernel.lags(0.001).tau)} exponential decays",
        f"probability of {edge.SURE:g}",
        f"by {metric.FEW:g} spikes",
        f"at most {trust.FACTOR:g} times the floor, plus {trust.SLACK['rate']:g}",
        f"more than {trust.MUCH_HIDDEN:g} of the drive",
        f"fewer than {trust.FEWEST_SPIKES} spikes",
        f"at most {trust.LONGEST_S:g} s long; more than {trust.MOST_NEURONS} neurons",
        f"`tau` is {Ml().tau:g} ms and `d` {Ml().delay:g} by default",
    ):
        assert words in text, words


@pytest.mark.parametrize("page", sorted(p.name for p in DOCS.glob("*.md")))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", (DOCS / page).read_text("utf-8")):
        assert (DOCS / target).exists(), target
