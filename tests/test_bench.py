"""The benchmarks: accuracies made by hand, each method in its own process, table, figure and JSON keep the contract."""

import json
import os
import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar

import numpy as np
import pytest
import xarray as xr
from test_gradient import as_events
from test_peer import planted

from brainsim import accuracy, balanced, bench, bench_likelihood, bench_table, catalog, contest, ground_truth
from brainsim.error import InputError, UnknownName
from brainsim.footprint import Footprint
from brainsim.peer import Inferred, Peer
from brainsim.store import save_recording

CONTRACT = [
    "preset", "method", "auc", "ap", "mcc_best", "mcc_own", "sign_accuracy", "ei_accuracy", "seconds", "peak_mib",
]  # fmt: skip
TRUTH = np.zeros((5, 5))
TRUTH[0, 1], TRUTH[2, 3] = 1.0, -1.0
FAST = ("smoothed-correlogram", "partial-correlation")


@dataclass(frozen=True)
class Broken(Peer):
    """A method that fails in the way its name says."""

    how: str = "raise"
    name: ClassVar[str] = ""

    def infer(self, dataset, bin_s):
        if self.how == "die":
            os._exit(3)
        if self.how == "hang":
            time.sleep(60)
        raise ValueError("it cannot be done\nat all")


def known(duration=20):
    data = as_events(planted(duration)).assign(true_weight=(("pre", "post"), TRUTH))
    names = data["neuron"].values
    return data.assign_coords(pre=names, post=names, cell_type=("neuron", ["E", "E", "I", "E", "E"]))


def inferred(score, sign=None, called=None, **how):
    score = np.asarray(score, float)
    sign = np.full(score.shape, np.nan) if sign is None else np.asarray(sign, float)
    return Inferred(score, sign, np.asarray(called if called is not None else score > 0), **how)


def test_accuracies_are_those_made_by_hand():
    truth = np.array([[0, 2.0, 0], [0, 0, -1.0], [0, 0, 0]])
    score = np.array([[9, 5.0, 4.0], [1.0, 9, 3.0], [2.0, 0.0, 9]])
    sign = np.array([[0, 1, 1], [0, 0, 1], [0, 0, 0]])
    found = accuracy.accuracy(inferred(score, sign, score >= 3), truth, np.array(["E", "I", "unknown"]))
    # ranked: edge, none, edge, none, none, none
    assert found.auc == pytest.approx(7 / 8)
    assert found.ap == pytest.approx((1 + 2 / 3) / 2)
    assert found.mcc_best == found.mcc_own == pytest.approx((2 * 3 - 1 * 0) / np.sqrt(3 * 2 * 4 * 3))
    assert found.sign_accuracy == pytest.approx(0.5)
    assert found.direction == 1.0
    assert found.ei_accuracy == pytest.approx(0.5), "neuron 0 is E, neuron 1 is told E and is I"
    assert found.calibration is None


def test_the_best_mcc_treats_ties_as_one_threshold():
    edge, score = np.array([True, False, True, False]), np.array([2.0, 2.0, 1.0, 0.0])
    tried = [accuracy.matthews_corrcoef(edge, score >= cut) for cut in (2.0, 1.0)]
    assert accuracy.best_mcc(edge, score) == pytest.approx(max(tried))


def test_a_symmetric_score_tells_half_of_the_directions():
    assert accuracy.direction(np.ones((5, 5)), TRUTH) == 0.5
    both = np.ones((2, 2))
    assert accuracy.direction(both, both) is None


def test_unknown_signs_and_types_are_not_judged_and_unknown_types_are_wrong():
    found = accuracy.accuracy(inferred(np.ones((5, 5))), TRUTH)
    assert found.sign_accuracy is None
    assert found.ei_accuracy is None
    told = inferred(np.ones((5, 5)), cell_type=np.array(["E", "unknown", "I", "E", "E"]))
    assert accuracy.ei_accuracy(told, np.array(["E", "E", "I", "I", "?"])) == 0.5


def test_calibration_is_the_distance_of_the_reliability_curve():
    rng = np.random.default_rng(0)
    truth = (rng.random((40, 40)) < 0.3).astype(float)
    share = truth[~np.eye(40, dtype=bool)].mean()
    curve = accuracy.reliability(np.full((40, 40), 0.85), truth)
    worst, mean = accuracy.calibration(curve)
    assert worst == mean == pytest.approx(0.85 - share)
    few = accuracy.reliability(np.full((5, 5), 0.5), TRUTH)
    assert accuracy.calibration(few) == (None, None), "too few pairs"
    assert few == {name: [0] * 5 + [many] + [0] * 4 for name, many in (("pairs", 20), ("told", 10), ("connected", 2))}
    assert accuracy.reliability(None, truth) is None
    assert accuracy.calibration(None) == (None, None)


def test_networks_are_pooled_by_their_pairs():
    """Each network alone has too few pairs; together they have 60, of which a sixth is connected."""
    few = accuracy.reliability(np.full((5, 5), 0.5), TRUTH)
    whole = accuracy.reliability(np.full((5, 5), 0.5), np.where(TRUTH, 0, 1) * (np.arange(5) < 3))
    assert accuracy.calibration(accuracy.pooled([few, None])) == (None, None)
    together = accuracy.pooled([few, whole, few])
    assert together["pairs"][5] == 60
    connected = (2 + (few["connected"][5]) + whole["connected"][5]) / 60
    assert accuracy.calibration(together)[0] == pytest.approx(abs(0.5 - connected))
    assert accuracy.pooled([None, None]) is None


def test_our_order_is_probability_first_then_z():
    order = contest.edge_order(np.array([[0.5, 0.5], [0.9, 0.5]]), np.array([[1.0, -3.0], [0.1, 1.0]]))
    np.testing.assert_array_equal(order, [[0, 1], [2, 0]])


def test_a_case_gives_away_no_truth():
    case = ground_truth.prepare("made-up", known())
    assert not {"true_weight", "cell_type"} & set(map(str, case.dataset.variables))
    assert case.cell_type.tolist() == ["E", "E", "I", "E", "E"]
    short = ground_truth.prepare("made-up", known(), duration=5.0)
    assert short.dataset.attrs["duration_s"] == 5.0
    assert short.dataset["spike_time"].max() < 5
    with pytest.raises(InputError, match="--truth"):
        ground_truth.prepare("made-up", known().drop_vars("true_weight"))
    with pytest.raises(InputError, match="no spike times"):
        ground_truth.prepare("x", known().drop_vars(["spike_time", "spike_neuron"]), "events")


@pytest.mark.parametrize(("name", "kind"), [("calcium-30hz", "spikes"), ("lif-dense", "spike_time")])
def test_presets_of_calcium_are_judged_from_calcium(name, kind):
    rng = np.random.default_rng(0)
    seen = known().assign(calcium=(("time", "neuron"), rng.normal(size=(200, 5)), {"units": "dF/F"}))
    seen = seen.assign_coords(time=np.arange(200) / 10).assign_attrs(sampling_rate_hz=10.0)
    case = ground_truth.prepare(name, seen)
    assert {"spikes", "spike_time"} & set(case.dataset) == {kind}


@pytest.mark.parametrize(
    ("how", "limit", "why"),
    [("raise", 60, "ValueError: it cannot be done"), ("die", 60, "exit code 3"), ("hang", 4, "stopped after 4 s")],
)
def test_a_method_that_fails_says_why_and_stops_nobody(how, limit, why):
    outcome = contest.run(Broken(how), known(1).drop_vars("true_weight"), 0.001, limit)
    assert outcome.inferred is None
    assert why in outcome.why
    assert outcome.seconds is None


def test_the_rows_of_a_benchmark(monkeypatch):
    known_method = bench.method_of
    monkeypatch.setattr(bench, "method_of", lambda text, seed: Broken() if text == "x" else known_method(text, seed))
    case = ground_truth.prepare("made-up", known(100))
    plan = bench.Plan(("x", "smoothed-correlogram:width=10"), repeats=2)
    broken, row = bench.compete([lambda seed: case], plan)
    assert broken["why"] == "ValueError: it cannot be done"
    assert {broken[name] for name in CONTRACT[2:]} == {None}
    assert row["method"] == "smoothed-correlogram:width=10"
    assert row["ap"] == row["auc"] == row["sign_accuracy"] == row["direction"] == 1.0
    assert [run["ap"] for run in row["runs"]] == [1.0, 1.0]
    assert 0 < row["seconds"] < 30
    assert 0 < row["peak_mib"] < 500
    assert row["why"] == ""


def test_a_row_holds_medians_of_the_seeds_that_have_a_number(monkeypatch):
    scores = iter([0.1, None, 0.2, 0.9])
    facts = accuracy.Accuracy().to_dict() | dict.fromkeys(("seconds", "peak_mib", "density", "reliability"))
    monkeypatch.setattr(bench, "_facts", lambda *_: facts | {"ap": next(scores), "why": ""})
    monkeypatch.setattr(bench, "run", lambda *_: None)
    case = ground_truth.prepare("made-up", known(100))
    (row,) = bench.compete([lambda seed: case], bench.Plan(("smoothed-correlogram",), repeats=4))
    assert row["ap"] == 0.2
    assert row["auc"] is None
    assert [each["ap"] for each in row["runs"]] == [0.1, None, 0.2, 0.9]


def test_ours_takes_part():
    case = ground_truth.prepare("made-up", known(100))
    outcome = contest.run(contest.Ours(), case.dataset, 0.001, 600)
    assert outcome.why == ""
    found = accuracy.accuracy(outcome.inferred, case.true_weight, case.cell_type)
    assert found.ap == 1.0
    assert outcome.inferred.probability.shape == (5, 5)
    (shared,) = bench.compete([lambda seed: case], bench.Plan(("brainsim",), workers=2))
    assert shared["why"] == ""
    alone = accuracy.accuracy(outcome.inferred, case.true_weight, case.cell_type)
    assert [shared[name] for name in ("ap", "auc", "mcc_own")] == [alone.ap, alone.auc, alone.mcc_own]
    assert sum(shared["reliability"]["pairs"]) == 20
    assert shared["reliability"]["connected"] == accuracy.reliability(outcome.inferred.probability, TRUTH)["connected"]


def test_wrong_names_of_methods_find_the_right_one():
    with pytest.raises(UnknownName, match="did you mean 'tspe'"):
        bench.method_of("tpse")
    with pytest.raises(UnknownName, match="did you mean 'width'"):
        bench.method_of("smoothed-correlogram:widht=3")
    with pytest.raises(InputError, match="'wide' is no number"):
        bench.method_of("smoothed-correlogram:width=wide")
    assert set(catalog.names("peer")) | {"brainsim"} < set(bench.default_methods())
    assert [bench.method_of(name) for name in bench.default_methods()]


def test_the_command_writes_table_and_figure(cli, tmp_path):
    save_recording(known(60).drop_vars("true_weight"), tmp_path / "rec.nc")
    lines = [f"n{i},n{j},{TRUTH[i, j]:g}" for i in range(5) for j in range(5) if TRUTH[i, j]]
    (tmp_path / "truth.csv").write_text("\n".join(["pre,post,weight", *lines]) + "\n")
    arguments = ["--recording", tmp_path / "rec.nc", "--truth", tmp_path / "truth.csv", "--out", tmp_path / "bench"]
    methods = [word for name in FAST for word in ("--method", name)]
    result = cli("bench", "connectivity", *arguments, *methods, "--json")
    assert result.exit_code == 0, result.stderr
    rows = json.loads(result.stdout)
    assert [(row["preset"], row["method"]) for row in rows] == [("rec", name) for name in FAST]
    for row in rows:
        assert list(row)[:2] == CONTRACT[:2]
        assert set(CONTRACT) <= set(row)
        assert all(row[name] is None or isinstance(row[name], float) for name in CONTRACT[2:])
    assert rows[0]["ap"] == 1.0
    assert json.loads((tmp_path / "bench" / "table.json").read_text()) == rows
    page = (tmp_path / "bench" / "table.md").read_text()
    assert "| rec | smoothed-correlogram | **1.000** |" in page
    assert str(tmp_path) not in page
    assert (tmp_path / "bench" / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "bench" / "reliability.png").exists(), "neither method tells probabilities"
    again = cli("bench", "connectivity", *arguments, *methods)
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr


def test_the_command_lays_the_most_important_numbers_out_in_columns(cli, tmp_path, monkeypatch):
    numbers = dict.fromkeys((*CONTRACT[2:], *bench_table.SHOWN, "density", "seconds", "peak_mib"), 0.25)
    nothing, untold = dict.fromkeys(numbers), {"ap": None, "reliability": None}
    told = {"reliability": accuracy.reliability(np.full((11, 11), 0.3), np.eye(11))}
    rows = [
        {"preset": "lif-dense", "method": "brainsim", "why": "", "runs": [{"ap": 0.25, **told}], **told, **numbers},
        {"preset": "lif-dense", "method": "tspe", "why": "it took too long", **untold, "runs": [untold], **nothing},
    ]
    monkeypatch.setattr(bench, "compete", lambda *_: rows)
    arguments = ["--preset", "lif-dense", "--method", "brainsim", "--duration", 5, "--input", "events"]
    done = cli("bench", "connectivity", *arguments, "--repeats", 2, "--out", tmp_path / "bench")
    assert done.exit_code == 0, done.output
    head, ours, theirs, why, *written = done.stdout.splitlines()
    assert head.split()[:3] == ["data", "method", "ap"]
    assert ours.split()[:3] == ["lif-dense", "brainsim", "0.250"]
    assert set(theirs.split()[2:]) == {"-"}
    assert len(head) == len(ours) == len(theirs)
    assert why == "lif-dense, tspe: it took too long"
    assert {line.rsplit("/", 1)[-1] for line in written} == {
        "table.md", "table.json", "figure.png", "reliability.png",
    }  # fmt: skip
    page = (tmp_path / "bench" / "table.md").read_text()
    assert "brainsim bench connectivity --preset lif-dense --method brainsim --input events --duration 5" in page
    assert "medians of seeds 0 to 1" in page
    assert "- lif-dense, tspe: it took too long" in page


def test_truth_belongs_to_one_recording(cli, tmp_path):
    result = cli("bench", "connectivity", "--truth", tmp_path / "t.csv", "--out", tmp_path / "bench")
    assert result.exit_code == 2
    table = tmp_path / "t.csv"
    table.write_text("pre,post,weight\na,z,1\n")
    with pytest.raises(InputError, match="no neuron z"):
        ground_truth.read_truth(table, ["a", "b"])
    table.write_text("from,to\na,b\n")
    with pytest.raises(InputError, match="no column pre, post, weight"):
        ground_truth.read_truth(table, ["a", "b"])


def test_the_footprint_is_that_of_the_block():
    with Footprint() as idle:
        pass
    with Footprint() as used:
        held = np.ones(64 * 2**17)
    assert held[-1] == 1
    assert idle.peak_mib < 20
    assert 55 < used.peak_mib < 110
    assert used.seconds > 0


def test_our_log_likelihood_is_that_of_the_dense_formula():
    size = bench_likelihood.Size(neurons=10, seconds=4.0, ridge=10.0)
    data = balanced.balanced_lif(10, 4.0, 0)
    count, feature = bench_likelihood.features(data, bench_likelihood.drift_boxes(size))
    _, weight, bias = bench_likelihood.ours(data, size)
    reached = bench_likelihood.log_likelihood_per_spike(count, feature, weight, bias)
    drive = bias + feature @ weight
    assert reached == pytest.approx((count * drive - np.exp(drive)).sum() / count.sum())
    rate = np.log(np.maximum(count.mean(0), 1e-9))
    assert reached > bench_likelihood.log_likelihood_per_spike(count, feature, 0 * weight, rate)
    if find_spec("nemos") is not None:
        _, weight, bias = bench_likelihood.nemos_glm(data, size)
        other = bench_likelihood.log_likelihood_per_spike(count, feature, weight, bias)
        assert reached == pytest.approx(other, abs=1e-3)


def test_the_balanced_network_fires_irregularly():
    data = balanced.balanced_lif(50, 10.0, 1)
    rate = np.bincount(data["spike_neuron"], minlength=50) / 10
    assert 5 < rate.mean() < 50
    intervals = [np.diff(data["spike_time"].values[data["spike_neuron"].values == cell]) for cell in range(50)]
    cv = [gap.std() / gap.mean() for gap in intervals if len(gap) > 20]
    assert np.median(cv) > 0.4
    assert isinstance(data, xr.Dataset)
