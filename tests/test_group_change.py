import csv
import json

import networkx as nx
import numpy as np
import pytest
import xarray as xr
from paired import CELLS, KINDS, NEW, PUFF, TONE, experiment, learned
from scipy import stats

from brainsim import fraction_change, graph, graph_group, grouping, pathway, random_group, regression, store
from brainsim.error import InputError
from brainsim.pathway import Pathway
from brainsim.response_group import response_groups

GROUPS = {"a": np.arange(6) < 2, "b": (np.arange(6) >= 2) & (np.arange(6) < 4)}
WAYS = (
    Pathway("a->b", "a", "b", "intra-E"),
    Pathway("intra-b", "b", "b", "intra-E"),
    Pathway("intra-E", "E", "E", "intra-E"),
    Pathway("I->b", "I", "b", "I->E"),
    Pathway("I->E", "I", "E", "I->E"),
)


def small():
    """Six cells, the last two inhibitory; two repeats whose changes are known by hand."""
    before = np.where(np.arange(6)[:, None] < 4, 2.0, -1.0) * np.ones((2, 6, 6))
    change = np.zeros((2, 6, 6))
    change[:, :4, :4] = np.array([0.1, 0.2])[:, None, None]
    change[:, :2, 2:4] = np.array([0.2, 0.3])[:, None, None]
    change[:, 4:, :4] = 0.4
    change[:, 4, 2:4] = 0.8
    dims, kinds = ("repeat", "pre", "post"), ["E"] * 4 + ["I"] * 2
    return xr.Dataset(
        {"weight": (dims, before * (1 + change)), "weight_initial": (dims, before)},
        coords={"pre": np.arange(6), "post": np.arange(6), "cell_type": ("neuron", kinds)},
    )


def test_fraction_changes_by_hand():
    found = fraction_change.fraction_changes(small(), GROUPS, WAYS)
    by_name = {name: found["fraction_change"].sel(pathway=name).values for name in found["pathway"].values}
    np.testing.assert_allclose(by_name["a->b"], [0.2, 0.3])
    np.testing.assert_allclose(by_name["intra-b"], [0.1, 0.2])
    np.testing.assert_allclose(by_name["intra-E"], [(8 * 0.1 + 4 * 0.2) / 12, (8 * 0.2 + 4 * 0.3) / 12])
    np.testing.assert_allclose(by_name["I->b"], 0.6)
    np.testing.assert_array_equal(found["synapses"], [4, 2, 12, 4, 8])
    assert float(found["sem_synapses"].sel(pathway="I->b")[0]) == pytest.approx(
        stats.sem([0.8, 0.8, 0.4, 0.4]), abs=1e-12
    )
    table = fraction_change.table(found).set_index("pathway")
    assert table.loc["a->b", "fraction_change"] == pytest.approx(0.25)
    assert table.loc["a->b", "sem_repeats"] == pytest.approx(stats.sem([0.2, 0.3]))
    increase = (np.array([0.2, 0.3]) - by_name["intra-E"]) / by_name["intra-E"]
    assert table.loc["a->b", "increase"] == pytest.approx(increase.mean())
    assert table.loc["I->b", "increase"] == pytest.approx(0.6 / 0.5 - 1)
    assert np.isnan(table.loc["intra-E", "increase"])


def test_one_repeat_has_no_error_over_repeats_and_no_regression():
    found = fraction_change.fraction_changes(small().isel(repeat=0), GROUPS, WAYS)
    table = fraction_change.table(found).set_index("pathway")
    assert table.loc["a->b", "fraction_change"] == pytest.approx(0.2)
    assert np.isnan(table["sem_repeats"]).all()
    assert np.isnan(regression.regressions(found, [("I->b", "a->b")])["slope"]).all()
    assert "no regression" in " ".join(fraction_change.doubts(small(), found))


def test_pathways_without_synapses_are_unknown():
    empty = {"a": np.zeros(6, bool), "b": np.arange(6) == 3}
    table = fraction_change.table(fraction_change.fraction_changes(small(), empty, WAYS)).set_index("pathway")
    assert np.isnan(table.loc[["a->b", "intra-b"], "fraction_change"]).all()
    assert table.loc["a->b", "synapses"] == 0


def test_regressions_are_those_of_a_straight_line():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, 12)
    y = 0.5 * x + rng.normal(0, 0.3, 12)
    changes = xr.Dataset({"increase": (("pathway", "repeat"), [x, y])}, coords={"pathway": ["x", "y"]})
    (row,) = regression.regressions(changes, [("y", "x")]).to_dict("records")
    assert row["slope_low"] < 0.5 < row["slope_high"]
    assert row["r_squared"] == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
    beta = np.polyfit(x, y, 1)
    error = np.sqrt(np.sum((y - np.polyval(beta, x)) ** 2) / 10 / np.sum((x - x.mean()) ** 2))
    assert row["slope_high"] - row["slope"] == pytest.approx(stats.t.ppf(0.975, 10) * error)
    middle, low, high = regression.band(x, y, np.array([0.0, x.mean()]))
    assert middle[0] == pytest.approx(row["intercept"])
    assert high[1] - low[1] < high[0] - low[0] + 1e-12


def test_random_groups_tell_real_growth_from_what_all_synapses_share():
    setting = grouping.Design("aud", "air", np.array([]), np.array([]))
    ways, groups = pathway.pathways(setting), {"aud": TONE, "air": PUFF, "audair": np.zeros(CELLS, bool)}
    groups["audair"][NEW] = True
    groups["nonair"] = PUFF & ~groups["audair"]
    for grown, low, high in ((1.5, 0.0, 0.01), (1.0, 0.02, 1.0)):
        fit = learned(grown=grown)
        changes = fraction_change.fraction_changes(fit, groups, ways)
        shuffled = random_group.shuffled_changes(fit, groups, ways)
        p = dict(zip(changes["pathway"].values, random_group.p_values(changes, shuffled), strict=True))
        assert low <= p["intra-audair"] <= high
        assert np.isnan(p["intra-E"])
    whole = random_group.r_squared(shuffled, ways, ("I->aud", "intra-aud"))
    assert np.isfinite(whole).all()
    assert (whole <= 1).all()


def test_without_weights_from_before_learning_nothing_has_changed():
    with pytest.raises(InputError, match="weight_initial"):
        fraction_change.synapse_changes(small().drop_vars("weight_initial"))
    with pytest.raises(InputError, match="which cells are excitatory"):
        fraction_change.fraction_changes(small().drop_vars("cell_type"), GROUPS, WAYS)
    unknown = small().assign_coords(cell_type=("neuron", ["unknown"] * 6))
    with pytest.raises(InputError, match="no cell is known to be excitatory"):
        fraction_change.fraction_changes(unknown, GROUPS, WAYS)
    with pytest.raises(InputError, match="called E or I"):
        fraction_change.fraction_changes(small(), {"E": GROUPS["a"]}, WAYS)


@pytest.fixture
def files(tmp_path):
    store.save_recording(experiment(), tmp_path / "rec.nc")
    store.save_recording(learned(), tmp_path / "fit.nc")
    return tmp_path


def test_the_command_writes_tables_and_figures(files, cli):
    done = cli("snn", "groups", files / "fit.nc", "--recording", files / "rec.nc", "--out", files / "out", "--json")
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    rows = {row["pathway"]: row for row in facts["groups"]}
    assert rows["intra-audair"]["increase"] == pytest.approx(0.5, abs=0.1)
    assert rows["intra-audair"]["repeats"] == 8
    assert facts["members"]["audair"] == 4
    assert facts["regressions"][0]["y"] == "I->audair"
    assert facts["test"] == "one-sided sign-flip test of paired differences"
    assert json.loads((files / "out" / "groups.json").read_text())["groups"] == facts["groups"]
    members = list(csv.DictReader((files / "out" / "members.csv").open()))
    assert [row["neuron"] for row in members if row["audair"] == "True"] == ["14", "15", "16", "17"]
    assert len(list(csv.DictReader((files / "out" / "repeats.csv").open()))) == 8 * 9
    for name in facts["written"]:
        assert (files / "out" / name).stat().st_size > 50
    assert (
        cli("snn", "groups", files / "fit.nc", "--recording", files / "rec.nc", "--out", files / "out").exit_code == 1
    )


def test_a_fit_of_other_neurons_or_one_that_did_not_learn_is_refused(files, cli):
    store.save_recording(learned().isel(repeat=0).drop_vars("weight_initial"), files / "ml.nc")
    done = cli("snn", "groups", files / "ml.nc", "--recording", files / "rec.nc", "--out", files / "out")
    assert done.exit_code == 1
    assert "nearest-stdp" in done.output
    assert "ml.nc, field 'weight_initial'" in done.output
    names = np.arange(CELLS) + 100
    store.save_recording(learned().assign_coords(pre=names, post=names, neuron=names), files / "other.nc")
    done = cli("snn", "groups", files / "other.nc", "--recording", files / "rec.nc", "--out", files / "out")
    assert done.exit_code == 1
    assert "rec.nc, field 'neuron': the recording has no neuron 100" in done.output
    assert not (files / "out").exists()


def test_true_changes_stand_beside_those_of_the_fit(files, cli):
    true = learned(repeats=1, grown=3.0, seed=1).isel(repeat=0)
    case = experiment().assign(true_weight=true["weight"], true_weight_before=true["weight_initial"])
    store.save_recording(case.assign_coords(cell_type=("neuron", KINDS)), files / "true.nc")
    done = cli("snn", "groups", files / "fit.nc", "--recording", files / "true.nc", "--out", files / "out", "--json")
    rows = {row["pathway"]: row for row in json.loads(done.stdout)["groups"]}
    assert rows["intra-audair"]["true_fraction_change"] > 2 * rows["intra-E"]["true_fraction_change"]
    assert rows["intra-audair"]["true_p_random_groups"] < 0.01


def test_the_graph_knows_what_neurons_answer(files, cli):
    store.save_recording(learned(repeats=1).isel(repeat=0), files / "one.nc")
    done = cli("snn", "graph", files / "one.nc", "--recording", files / "rec.nc", "--out", files / "net", "--json")
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert facts["groups"]["audair"] == 4
    net = nx.read_graphml(files / "net" / "graph.graphml")
    assert net.nodes["14"]["group"] == "audair"
    assert net.nodes["14"]["in_air"] is True
    assert net.nodes["39"]["group"] == "I"
    between = {(row["pre"], row["post"]): row for row in csv.DictReader((files / "net" / "groups.csv").open())}
    assert int(between["audair", "audair"]["pairs"]) == 12
    assert float(between["I", "audair"]["density"]) == 1.0
    assert float(between["I", "aud"]["weight"]) < 0
    sizes = [int(row["size"]) for row in csv.DictReader((files / "net" / "ensembles.csv").open())]
    assert sum(sizes) == CELLS
    refused = cli("snn", "graph", files / "one.nc", "--conditioned", "aud", "--out", files / "net2")
    assert refused.exit_code == 2


def test_without_paired_trials_neurons_are_sorted_by_stimulus(files):
    alone = experiment()
    alone = alone.isel(trial=alone["session"].values != "2")
    fit = learned(repeats=1).isel(repeat=0)
    found = response_groups(alone, fit, {"conditioned": None, "unconditioned": None, "conditioned_after": None})
    assert list(found.members) == ["aud", "air"]
    assert set(found.order) <= {"aud", "air", "other", "I"}
    assert (found.label[30:] == "I").all()
    assert set(found.label[8:14]) == {"air"}
    with pytest.raises(InputError, match="never paired"):
        response_groups(alone, fit, {"conditioned": "aud", "unconditioned": "air", "conditioned_after": None})


def test_ensembles_and_places_on_the_ring():
    weight = np.zeros((8, 8))
    weight[:4, :4] = weight[4:, 4:] = 1.0
    weight[0, 4] = 0.5
    names = [f"n{i}" for i in range(8)]
    net = graph.network(xr.Dataset({"weight": (("pre", "post"), weight)}, coords={"pre": names, "post": names}))
    table = graph_group.ensemble_table(net, {"first": np.arange(8) < 5})
    by_first = {row["neurons"].split()[0]: row for row in table.to_dict("records")}
    assert by_first["n0"]["neurons"] == "n0 n1 n2 n3"
    assert by_first["n0"]["share_within"] == pytest.approx(12 / 12.5)
    assert by_first["n0"]["excitatory_edges"] == 12
    assert [by_first[name]["members_first"] for name in ("n0", "n4")] == [4, 1]
    place = graph_group.ring(net, list("abababab"), ["a", "b"])
    angle = {name: np.arctan2(*at) % (2 * np.pi) for name, at in place.items()}
    assert max(angle[name] for name in names[::2]) < min(angle[name] for name in names[1::2])
    np.testing.assert_allclose([np.hypot(*at) for at in place.values()], 1.0)
