import csv
import json
from importlib.metadata import entry_points

import networkx as nx
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from made_up import fit

from brainsim import graph, store
from brainsim.error import InputError


def run(*arguments):
    (entry,) = entry_points(group="console_scripts", name="brainsim")
    return CliRunner().invoke(entry.load(), [str(argument) for argument in arguments])


def chain():
    """a -> b -> c, and c inhibits a."""
    weight = np.zeros((4, 4))
    weight[0, 1], weight[1, 2], weight[2, 0], weight[0, 3] = 0.5, 1.5, -0.7, 0.2
    q = np.where(weight != 0, 0.01, 0.9)
    q[0, 3] = 0.2
    names = list("abcd")
    pairs = {"weight": (("pre", "post"), weight), "q_value": (("pre", "post"), q)}
    coords = {"pre": names, "post": names, "neuron": names, "cell_type": ("neuron", ["E", "E", "I", "unknown"])}
    return xr.Dataset(pairs, coords=coords, attrs={"source": "recorded"})


def test_edges_pass_the_false_discovery_rate_and_carry_their_sign():
    net = graph.network(chain())
    assert set(net.edges) == {("a", "b"), ("b", "c"), ("c", "a")}
    assert net.edges["c", "a"]["sign"] == -1
    assert net.edges["b", "c"]["weight"] == 1.5
    assert net.nodes["c"]["cell_type"] == "I"
    assert list(net.nodes) == list("abcd")


def test_probability_decides_without_q_values_and_weight_without_either():
    probability = np.where(chain()["weight"] > 1, 0.9, 0.1)
    by_probability = chain().drop_vars("q_value").assign(edge_probability=(("pre", "post"), probability))
    assert set(graph.network(by_probability).edges) == {("b", "c")}
    assert graph.network(chain().drop_vars("q_value")).number_of_edges() == 4


def test_repeats_are_averaged():
    one = chain()
    repeated = xr.concat([one["weight"], 3 * one["weight"]], "repeat").transpose("repeat", "pre", "post")
    net = graph.network(one.drop_vars("weight").assign(weight=repeated))
    assert net.edges["a", "b"]["weight"] == pytest.approx(1.0)


def test_hubs_by_hand():
    table = graph.hubs(graph.network(chain())).set_index("neuron")
    assert table.loc["b", ["in_degree", "out_degree"]].tolist() == [1, 1]
    assert table.loc["c", "out_strength"] == pytest.approx(0.7)
    assert table.loc["a", "betweenness"] == pytest.approx(1 / 6)
    assert table.loc["d", ["in_degree", "out_degree"]].tolist() == [0, 0]
    assert table.index[-1] == "d"


def test_ensembles_are_groups_that_excite_each_other():
    weight = np.zeros((8, 8))
    weight[:4, :4] = weight[4:, 4:] = 1.0
    weight[0, 4] = 0.1
    names = [f"n{i}" for i in range(8)]
    found = graph.ensembles(
        graph.network(xr.Dataset({"weight": (("pre", "post"), weight)}, coords={"pre": names, "post": names}))
    )
    assert sorted(map(sorted, found)) == [names[:4], names[4:]]


def test_the_true_network_is_found_in_a_clear_fit():
    net = graph.network(fit())
    true = fit()["true_weight"].values
    assert net.number_of_edges() == (true != 0).sum()
    facts = graph.summary(net)
    assert facts["excitatory_edges"] + facts["inhibitory_edges"] == facts["edges"]
    assert facts["density"] == pytest.approx(facts["edges"] / (24 * 23))


@pytest.mark.parametrize(
    "case",
    [fit(), fit(edges=False), fit(kinds=["E"] * 24), fit(kinds=["unknown"] * 24).drop_vars("cell_type")],
    ids=["usual", "no edges", "all E", "no cell types"],
)
def test_the_command_writes_graph_hubs_and_figures(tmp_path, case):
    store.save_recording(case, tmp_path / "fit.nc")
    done = run("snn", "graph", tmp_path / "fit.nc", "--out", tmp_path / "net", "--json")
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    net = nx.read_graphml(tmp_path / "net" / "graph.graphml")
    assert (len(net), net.number_of_edges()) == (24, facts["edges"])
    rows = list(csv.DictReader((tmp_path / "net" / "hubs.csv").open()))
    assert sum(int(row["out_degree"]) for row in rows) == facts["edges"]
    assert len(rows) == 24
    for name in ("graph.png", "weights.png"):
        assert (tmp_path / "net" / name).stat().st_size > 5000
    again = run("snn", "graph", tmp_path / "fit.nc", "--out", tmp_path / "net")
    assert again.exit_code == 1
    assert run("snn", "graph", tmp_path / "fit.nc", "--out", tmp_path / "net", "--overwrite").exit_code == 0


def test_names_that_spreadsheets_would_run_are_quoted(tmp_path):
    names = ["=1+1", "@x", *[f"n{i}" for i in range(22)]]
    store.save_recording(fit().assign_coords(pre=names, post=names, neuron=names), tmp_path / "fit.nc")
    assert run("snn", "graph", tmp_path / "fit.nc", "--out", tmp_path / "net").exit_code == 0
    found = {row["neuron"] for row in csv.DictReader((tmp_path / "net" / "hubs.csv").open())}
    assert {"'=1+1", "'@x"} <= found


def test_a_recording_is_no_fit(tmp_path):
    no_fit = xr.Dataset(
        {"spikes": (("time", "neuron"), np.ones((3, 2)))},
        coords={"time": [0.0, 0.1, 0.2], "neuron": ["a", "b"]},
        attrs={"source": "recorded", "sampling_rate_hz": 10.0},
    )
    store.save_recording(no_fit, tmp_path / "rec.nc")
    done = run("snn", "graph", tmp_path / "rec.nc", "--out", tmp_path / "net")
    assert done.exit_code == 1
    assert "no `weight`" in done.output
    assert not (tmp_path / "net").exists()
    with pytest.raises(InputError, match="different neurons"):
        graph.network(chain().assign_coords(pre=list("wxyz")))
