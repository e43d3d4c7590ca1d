"""Cell types: features free of rate and scale, folds that keep cells and data sets together, one prior."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from brainsim.cell_model import METHODS
from brainsim.cells import Settings, classify
from brainsim.error import InputError
from brainsim.figure.celltype import picture
from brainsim.fit_evidence import of_fit
from brainsim.held_out import Labelled, by_cell, by_data_set
from brainsim.indicator import Indicator
from brainsim.labelled import gather
from brainsim.reader import ReadOptions
from brainsim.reading import read_recording
from brainsim.resampling import even_runs
from brainsim.snippet import snippets
from brainsim.store import open_recording, save_recording
from brainsim.told_apart import told_apart
from brainsim.trace_evidence import of_traces
from brainsim.transient import FEATURES, events, features
from brainsim.validation import doubts

CHANCE = {"balanced_ci95": [0.3, 0.7], "balanced_accuracy": 0.5}
FEATURE = replace(METHODS["features"], rounds=1)


@pytest.fixture(scope="module", autouse=True)
def few_folds():
    """Five folds, drawn once: what is tested here does not depend on their number."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, "features", FEATURE)
        patch.setattr("brainsim.held_out.CELL_FOLDS", 5)
        yield


def cells(kinds, seed=0, rate=20.0, seconds=90.0, **attrs):
    """Cells that differ as pyramidal and fast-spiking ones do: rare bursts against long periods of firing."""
    rng = np.random.default_rng(seed)
    times, owner = [], []
    for cell, kind in enumerate(kinds):
        starts = rng.uniform(0, seconds, 14 if kind == "E" else 5)
        length, spikes = (0.2, 3) if kind == "E" else (6.0, 90)
        at = np.concatenate([start + rng.uniform(0, length, spikes) for start in starts])
        times.append(at[at < seconds])
        owner.append(np.full((at < seconds).sum(), cell))
    frames = np.arange(int(seconds * rate)) / rate
    trace = Indicator().fluorescence(np.concatenate(times), np.concatenate(owner), len(kinds), frames, rng)
    return xr.Dataset(
        {"calcium": (("time", "neuron"), trace, {"units": "dF/F"})},
        coords={
            "time": frames,
            "neuron": [f"n{seed}_{cell}" for cell in range(len(kinds))],
            "cell_type": ("neuron", list(kinds)),
        },
        attrs={"sampling_rate_hz": rate, "source": "simulated", **attrs},
    )


@pytest.fixture(scope="module")
def labelled():
    return [(f"{seed}.nc", cells("EEEEEIIIII", seed)) for seed in (1, 2)]


@pytest.fixture(scope="module")
def answer(labelled):
    return classify(cells("EEEEII", 3), labelled)


def fitted(p, names=("a", "b", "c"), **attrs):
    return xr.Dataset(
        {"cell_type_probability": ("neuron", list(p))}, coords={"neuron": list(names)}, attrs={"rule": "ml", **attrs}
    )


def spikes_only(names=("a", "b", "c")):
    return xr.Dataset(
        {"spike_time": ("spike", [0.1]), "spike_neuron": ("spike", [0])},
        coords={"neuron": list(names)},
        attrs={"source": "recorded", "duration_s": 1.0},
    )


def test_resampling_keeps_means_and_ends_at_gaps():
    time = np.concatenate([np.arange(100), np.arange(100) + 150]) / 26.6
    values = np.linspace(0, 1, 200)
    values[60] = np.nan
    runs = even_runs(time, values, 26.6, 10.0)
    assert [round(start, 2) for start, _ in runs] == [-0.02, 5.62]
    first = runs[0][1]
    assert len(first) == int(60 / 26.6 * 10)
    assert first.mean() == pytest.approx(values[: round(len(first) * 2.66)].mean(), abs=0.003)
    np.testing.assert_allclose(even_runs(np.arange(40) / 10, values[:40], 10.0, 10.0)[0][1], values[:40])


def test_features_depend_on_neither_frame_rate_nor_scale():
    fast = cells("EIEI", rate=60.0)
    slow = fast.isel(time=slice(0, None)).coarsen(time=3).mean()
    slow.attrs |= {"sampling_rate_hz": 20.0, "source": "simulated"}
    at_60, at_20 = features(fast), features(slow)
    known = np.isfinite(at_60)
    np.testing.assert_allclose(at_20[known], at_60[known], rtol=0.05, atol=0.12)
    assert (np.isfinite(at_20) == known).all()
    np.testing.assert_allclose(features(fast * 40), at_60)


def test_features_tell_long_periods_of_firing():
    found = dict(zip(FEATURES, features(cells("EEEIII")).T, strict=True))
    for name in ("event_length", "autocorrelation_1s", "rise_time"):
        assert found[name][:3].max() < found[name][3:].min(), name


def test_a_trace_that_cannot_tell_has_no_features():
    data = cells("EEE")
    data["calcium"][:, 0] = 0.5
    data["calcium"][300:, 1] = np.nan
    found = features(data)
    assert np.isnan(found[:2]).all()
    assert np.isfinite(found[2]).sum() >= 13


def test_stimulus_locking_is_that_of_odd_and_even_trials():
    data, rng = cells("EE"), np.random.default_rng(0)
    onsets = np.arange(2.0, 84.0, 4.0)
    response = sum(np.exp(-np.clip(data.time.values - t, 0, None)) * (data.time.values >= t) for t in onsets)
    data["calcium"][:] = rng.normal(0, 0.05, (data.sizes["time"], 2))
    data["calcium"][:, 0] += response
    data = data.assign_coords(onset=("trial", onsets), stimulus=("trial", ["a"] * len(onsets)))
    locked = features(data)[:, list(FEATURES).index("stimulus_locking")]
    assert locked[0] > 0.95
    assert abs(locked[1]) < 0.5


def test_an_event_lasts_until_it_falls_below_the_lower_border():
    starts, ends = events(np.array([0, 3, 1.5, 3, 0.5, 0, 3, 3.0]), 2.0, 1.0)
    assert starts.tolist() == [1, 6]
    assert ends.tolist() == [4, 8]


def test_snippets_are_around_the_onset_and_large_enough():
    data = cells("EE", rate=10.0)
    data["calcium"][:] = 0.0
    data["calcium"][100:105, 0] = 1.0
    data["calcium"][300, 0] = 0.14
    piece = snippets(data)
    assert [each.shape for each in piece] == [(1, 25), (0, 25)]
    np.testing.assert_allclose(piece[0][0], [0.0] * 5 + [1.0] * 5 + [0.0] * 15, atol=1e-9)
    at = data.assign_coords(onset=("trial", [9.5, 30.0, 70.0]))
    assert np.flatnonzero(snippets(at)[0][0] > 0.5).tolist() == [10, 11, 12, 13, 14]
    with pytest.raises(InputError, match="10 Hz"):
        snippets(data.isel(time=slice(None, None, 3)).assign_attrs(sampling_rate_hz=10 / 3))


def test_all_right_is_not_certain_and_ties_count_half():
    truth = np.repeat([True, False], [15, 18])
    odds = np.where(truth, 1.0, -1.0)
    found = told_apart(truth, odds, 1 / (1 + np.exp(-odds)), np.arange(33).astype(str), 0)
    assert (found["accuracy"], found["auc"]) == (1.0, 1.0)
    assert found["ci95"][0] == pytest.approx(0.025 ** (1 / 33))
    flat = told_apart(truth, np.zeros(33), np.full(33, 0.4), np.arange(33).astype(str), 0)
    assert (flat["auc"], flat["balanced_accuracy"], flat["accuracy"]) == (0.5, 0.5, 18 / 33)
    unsaid = np.where(truth, np.nan, odds)
    silent = told_apart(truth, unsaid, np.where(truth, np.nan, 0.1), np.arange(33).astype(str), 0)
    assert (silent["unanswered"], silent["accuracy"]) == (15, 18 / 33)


def test_traces_of_one_cell_count_once_and_stay_together():
    rng = np.random.default_rng(0)
    own = rng.normal(size=(40, 5))
    rows = np.repeat(own, 4, axis=0) + 1e-3 * rng.normal(size=(160, 5))
    truth = np.repeat(rng.permutation(np.repeat([True, False], 20)), 4)
    cell = np.repeat(np.arange(40), 4).astype(str)
    known = Labelled(rows, truth, cell, np.full(160, "set"), np.ones(160, bool))
    held = by_cell(known, FEATURE, 0)
    found = told_apart(truth, held.evidence, held.probability, cell, 0)
    assert found["cells"] == 40
    assert found["auc"] < 0.75  # labels are noise; a split within cells would give 1
    alone = replace(known, cell=np.arange(160).astype(str))
    split = by_cell(alone, FEATURE, 0)
    assert told_apart(truth, split.evidence, split.probability, alone.cell, 0)["auc"] > found["auc"]


def test_data_sets_of_one_type_are_held_out_in_pairs():
    rng = np.random.default_rng(0)
    names = np.repeat(["e1", "e2", "i1", "i2"], 10)
    offset = {"e1": (9, 0), "e2": (-9, 0), "i1": (0, 9), "i2": (0, -9)}
    rows = rng.normal(size=(40, 2)) + np.array([offset[name] for name in names])
    truth = np.char.startswith(names, "e")
    known = Labelled(rows**2, truth, np.arange(40).astype(str), names, np.ones(40, bool))
    sets = by_data_set(known, FEATURE, 0)
    assert [name for name, _, _ in sets.folds] == ["e1 + i1", "e1 + i2", "e2 + i1", "e2 + i2"]
    assert min(auc for _, _, auc in sets.folds) == 1.0
    assert "no better than by chance" in doubts({"cell": {"balanced_ci95": [0.8, 1]}, "data_set": {**CHANCE}})[0]
    assert "no data set could be held out" in doubts({"cell": {}, "data_set": None})[0]
    lone = replace(known, data_set=np.where(truth, "e", "i"))
    assert by_data_set(lone, FEATURE, 0) is None
    mixed = replace(known, data_set=np.tile(["a", "b"], 20))
    assert [name for name, _, _ in by_data_set(mixed, FEATURE, 0).folds] == ["a", "b"]


def test_cells_are_told_apart_and_the_recording_carries_the_answer(answer, tmp_path):
    tables = answer.facts["validation"]
    assert tables["cell"]["accuracy"] > 0.9
    assert tables["data_set"]["accuracy"] > 0.9
    assert answer.facts["agreement"]["auc"] == 1.0
    again = open_recording(save_recording(answer.dataset, tmp_path / "cells.nc"))
    assert again["cell_type_given"].values.tolist() == list("EEEEII")
    assert again["cell_feature"].dims == ("neuron", "feature")
    assert again.attrs["cells_by_cell_accuracy"] == tables["cell"]["accuracy"]
    assert again["calcium"].identical(answer.dataset["calcium"])
    assert "held out" not in answer.dataset.attrs.get("notices", "")
    assert {"E"} >= set(again["cell_type"].values[:4].tolist()) - {"unknown"}


def test_types_that_the_recording_came_with_are_not_used(labelled, answer):
    turned = classify(cells("EEEEII", 3).assign_coords(cell_type=("neuron", list("IIIIEE"))), labelled)
    np.testing.assert_array_equal(turned.dataset["cell_type_probability"], answer.dataset["cell_type_probability"])
    assert turned.facts["agreement"]["auc"] == 0.0


def test_the_prior_counts_once(labelled):
    data = cells("EEEEII", 3)
    names = data["neuron"].values
    linked = np.array([0.8, 0.8, 0.97, 0.3, 0.03, 0.8])
    fit = fitted(linked, names[::-1])
    fit["cell_type_probability"][:] = linked[::-1]
    both = classify(data, labelled, fit, Settings(prior=0.6)).dataset
    trace = both["cell_evidence_trace"].values
    odds = np.log(1.5) + trace + np.log(linked / (1 - linked)) - np.log(4)
    np.testing.assert_allclose(both["cell_type_probability"], 1 / (1 + np.exp(-odds)))
    alone = classify(data, (), fit).dataset
    np.testing.assert_allclose(alone["cell_type_probability"], linked)
    assert alone["cell_type"].values.tolist() == ["unknown", "unknown", "E", "unknown", "I", "unknown"]


def test_an_earlier_answer_leaves_nothing_behind(answer):
    names = answer.dataset["neuron"].values
    again = classify(answer.dataset, (), fitted((0.8,) * 6, names))
    assert set(again.dataset["cell_type"].values) == {"unknown"}
    assert "the fit tells no cell types" in again.facts["notices"]
    assert again.dataset["cell_type_given"].values.tolist() == list("EEEEII")
    assert "cell_feature" not in again.dataset
    assert "cells_by_cell_accuracy" not in again.dataset.attrs
    assert "cells_by_cell_accuracy" in answer.dataset.attrs


def test_a_fit_that_cannot_serve_is_refused():
    data = spikes_only()
    assert of_fit(data, fitted((1.0, 0.0, np.nan))).round(3).tolist() == [2.506, -5.278, 0.0]
    for fit, words in (
        (fitted((0.9,) * 3).assign_attrs(rule="nearest-stdp"), "nearest-stdp"),
        (fitted((0.9,) * 3, known_types=1), "--known-types"),
        (fitted((0.9,) * 3, ("a", "b", "x")), "lacks 1 of the 3 neurons"),
    ):
        with pytest.raises(InputError, match=words):
            of_fit(data, fit)
    with pytest.raises(InputError, match="--train"):
        classify(data)


def test_neurons_of_the_training_are_judged_by_models_that_had_not_seen_them(labelled):
    own = labelled[0][1]
    found = classify(own, labelled)
    held = found.traces.held_out[0].evidence[: own.sizes["neuron"]]
    np.testing.assert_array_equal(found.dataset["cell_evidence_trace"], held)
    assert "10 neurons are in the training" in found.dataset.attrs["notices"]


def test_what_training_has_not_seen_is_said(labelled):
    data = cells("EEEE", 4)
    wave = 1 + np.sin(2 * np.pi * data["time"].values / 40)
    data["calcium"][:] = wave[:, None] + np.random.default_rng(0).normal(0, 0.05, data["calcium"].shape)
    found = classify(data, labelled)
    assert "outside of what training has seen" in found.dataset.attrs["notices"]
    assert float(found.dataset["cell_feature_outside"].min()) > 0.25


def test_a_neuron_that_tells_nothing_stays_unknown(labelled):
    data = cells("EEEE", 4)
    data["calcium"][:, 1] = np.nan
    found = classify(data, labelled, settings=Settings(prior=0.95)).dataset
    assert found["cell_type"].values[1] == "unknown"
    assert float(found["cell_evidence_trace"][1]) == 0
    assert "n4_1" in found.attrs["notices"]


def test_training_that_cannot_serve_is_refused(labelled):
    one = labelled[0]
    for training, words in (
        ([one, one], "same trace"),
        ([("few.nc", cells("EEEEEI", 7))], "1 cells of type I"),
        ([("none.nc", one[1].drop_vars("cell_type"))], r"none\.nc, field 'cell_type'.*--cell-type"),
        ([("inferred.nc", one[1].assign_attrs(cells_method="features"))], "no cell types"),
        ([("spikes.nc", spikes_only().assign_coords(cell_type=("neuron", list("EEI"))))], r"spikes\.nc.*calcium"),
    ):
        with pytest.raises(InputError, match=words):
            gather(training, FEATURE)
    with pytest.raises(InputError, match="no calcium"):
        of_traces(spikes_only(), labelled, "features")


def test_the_published_method_runs_and_is_the_same_for_the_same_seed(labelled):
    found = [of_traces(cells("EEII", 3), labelled, "snippet-svm", seed=1) for _ in range(2)]
    np.testing.assert_array_equal(found[0].evidence, found[1].evidence)
    assert found[0].held_out[0].evidence.std() > 0


def test_the_figure_shows_every_cell(answer):
    figure = picture(answer.traces).figure
    dots, curves = figure.axes
    assert sum(len(each.get_offsets()) for each in dots.collections) == 20
    assert len(curves.lines) == 3


def test_the_command(cli, labelled, tmp_path):
    for name, data in labelled:
        save_recording(data, tmp_path / name)
    (tmp_path / "set").mkdir()
    save_recording(cells("EEEEII", 3), tmp_path / "rec.nc")
    train = ["--train", tmp_path / "1.nc", "--train", tmp_path / "2.nc"]
    base = ["cells", "classify", tmp_path / "rec.nc", "--out", tmp_path / "out.nc"]
    done = cli(*base, *train, "--json", "--figure", tmp_path / "v.png")
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert {"accuracy", "balanced_accuracy", "auc", "ci95", "majority_share"} <= set(facts["validation"]["cell"])
    assert facts["written"] == [str(tmp_path / "out.nc"), str(tmp_path / "v.png")]
    assert (tmp_path / "v.png").read_bytes()[:4] == b"\x89PNG"
    again = cli(*base, *train)
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    assert cli(*base, "--overwrite").exit_code == 2
    empty = cli(*base, "--overwrite", "--train", tmp_path / "set")
    assert empty.exit_code == 1
    assert "holds no recording" in empty.stderr


def test_real_cells_are_told_apart_grouped_by_cell(shared):
    files = sorted((shared / "cascade").glob("DS*/*.mat"))
    pyramidal = [file.parent.name[:4] in ("DS09", "DS17") for file in files]
    options = [ReadOptions(cell_type="E" if each else None) for each in pyramidal]
    read = [(file.name, read_recording([file], options=each)) for file, each in zip(files, options, strict=True)]
    known, _ = gather(read, FEATURE)
    held = by_cell(known, FEATURE, 0)
    found = told_apart(known.excitatory, held.evidence, held.probability, known.cell, 0)
    assert (found["cells"], found["majority_share"]) == (33, 18 / 33)
    assert found["accuracy"] > 0.8
    assert found["ci95"][0] > found["majority_share"]
    assert found["auc"] > 0.85
