"""From the weights of a fit to a network: edges, hubs and ensembles, by networkx."""

from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.missing import Floats, mean
from brainsim.store import check_target, write_text

FALSE_DISCOVERY = 0.05
PROBABLE = 0.5
FEATURES = ("weight", "weight_se", "z", "q_value", "edge_probability", "delay")


def network(fit: xr.Dataset) -> "nx.DiGraph[str]":
    """Turn a fit into a directed graph.

    Parameters
    ----------
    fit
        `weight` on (`pre`, `post`), with `repeat` in front where the fit was repeated (the mean is taken).

    Returns
    -------
    networkx.DiGraph
        Every neuron is a node (`cell_type`); an edge is a pair with ``q_value < 0.05``, or
        with ``edge_probability > 0.5`` where the fit holds no q values, or with a weight other than 0 where it holds
        neither. Edges carry `weight`, its absolute value `strength`, `sign` (1 or -1) and what else the fit says.

    Raises
    ------
    InputError
        If the fit holds no weights, or `pre` and `post` are not the same neurons.

    Examples
    --------
    >>> weight = [[0.0, 0.5, 0.0], [0.0, 0.0, -0.2], [0.0, 0.0, 0.0]]
    >>> names = {"pre": ["a", "b", "c"], "post": ["a", "b", "c"]}
    >>> network(xr.Dataset({"weight": (("pre", "post"), weight)}, names)).edges(data="weight")
    OutEdgeDataView([('a', 'b', 0.5), ('b', 'c', -0.2)])
    """
    weight = averaged(fit, "weight")
    names = fit["pre"].values.astype(str).tolist()
    if names != fit["post"].values.astype(str).tolist():
        raise InputError(
            "`pre` and `post` name different neurons", where="field 'pre'", remedy="give a fit of brainsim"
        )
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from((name, {"cell_type": kind}) for name, kind in zip(names, cell_types(fit), strict=True))
    known = {name: averaged(fit, name) for name in FEATURES if name in fit}
    for pre, post in np.argwhere(is_edge(fit)):
        facts = {name: float(values[pre, post]) for name, values in known.items() if np.isfinite(values[pre, post])}
        value = float(weight[pre, post])
        graph.add_edge(names[pre], names[post], **facts, strength=abs(value), sign=1 if value > 0 else -1)
    return graph


def write_graphml(fit: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> "nx.DiGraph[str]":
    """Write the network of a fit as GraphML (for Gephi, Cytoscape, igraph), atomically.

    Parameters
    ----------
    fit
        As :func:`network` takes it.
    path
        Target, ending in .graphml.
    overwrite
        Replace an existing target.

    Returns
    -------
    networkx.DiGraph
        What was written; ``networkx.read_graphml`` gives it back.

    Raises
    ------
    InputError
        If the fit holds no weights, or a name has control characters in it.
    OutputError
        If the target exists or cannot be written.
    """
    path = check_target(path, overwrite=overwrite, suffixes=(".graphml",))
    net = network(fit)
    odd = next((name for name in net if not name.isprintable()), None)
    if odd is not None:
        raise InputError(f"the name {odd!r} does not survive in XML", where="field 'neuron'", remedy="rename it")
    write_text(path, "\n".join(nx.generate_graphml(net)) + "\n")
    return net


def averaged(fit: xr.Dataset, name: str) -> Floats:
    """Return a variable of the pairs, its mean over repeats where there are any, shape (pre, post).

    Raises
    ------
    InputError
        If the fit does not hold it.
    """
    if name not in fit:
        raise InputError(
            f"it holds no `{name}`", where=f"field '{name}'", remedy="give a fit that `brainsim snn fit` wrote"
        )
    values = fit[name].transpose(..., "pre", "post").values.astype(float)
    return mean(values, 0) if values.ndim == 3 else values


def cell_types(fit: xr.Dataset) -> list[str]:
    """Return E, I or unknown for each neuron."""
    if "cell_type" not in fit:
        return ["unknown"] * fit.sizes["pre"]
    return [str(kind) for kind in fit["cell_type"].values]


def is_edge(fit: xr.Dataset) -> NDArray[np.bool_]:
    """Tell which pairs are connected, shape (pre, post); no neuron is connected to itself."""
    weight = averaged(fit, "weight")
    edge = np.isfinite(weight) & (weight != 0)
    if "q_value" in fit and np.isfinite(fit["q_value"]).any():
        edge &= averaged(fit, "q_value") < FALSE_DISCOVERY
    elif "edge_probability" in fit and np.isfinite(fit["edge_probability"]).any():
        edge &= averaged(fit, "edge_probability") > PROBABLE
    np.fill_diagonal(edge, False)
    return np.asarray(edge)


def hubs(graph: "nx.DiGraph[str]") -> pd.DataFrame:
    """Return how central each neuron is, the most connected first.

    Returns
    -------
    DataFrame
        `neuron`, `cell_type`, `in_degree`, `out_degree` [edges], `in_strength`, `out_strength` [sum of absolute
        weights], `betweenness` (share of shortest paths through it; Freeman 1977, Sociometry 40:35), `pagerank` (share
        of the visits of a walk along edges, the stronger the likelier; Brin & Page 1998) and `ensemble`.
    """
    membership = {name: place for place, members in enumerate(ensembles(graph)) for name in members}
    between, rank = nx.betweenness_centrality(graph), nx.pagerank(graph, weight="strength")
    rows = [
        {
            "neuron": name,
            "cell_type": graph.nodes[name]["cell_type"],
            "in_degree": graph.in_degree(name),
            "out_degree": graph.out_degree(name),
            "in_strength": graph.in_degree(name, weight="strength"),
            "out_strength": graph.out_degree(name, weight="strength"),
            "betweenness": between[name],
            "pagerank": rank[name],
            "ensemble": membership[name],
        }
        for name in graph
    ]
    table = pd.DataFrame(rows)
    order = (-(table["in_degree"] + table["out_degree"])).argsort(kind="stable")
    return table.iloc[order.to_numpy()].reset_index(drop=True)


def ensembles(graph: "nx.DiGraph[str]", seed: int = 0) -> list[set[str]]:
    """Return groups of neurons that excite each other more than others, the largest first.

    Notes
    -----
    Louvain communities (Blondel et al. 2008, Journal of Statistical Mechanics P10008) of the excitatory edges, weighted
    by strength; neurons without any are groups of their own.
    """
    excitatory: nx.DiGraph[str] = nx.DiGraph()
    excitatory.add_nodes_from(graph.nodes)
    excitatory.add_weighted_edges_from((a, b, e["strength"]) for a, b, e in graph.edges(data=True) if e["sign"] > 0)
    if not excitatory.number_of_edges():
        return [{name} for name in graph]
    found = nx.community.louvain_communities(excitatory, weight="weight", seed=seed)
    return sorted((set(group) for group in found), key=len, reverse=True)


def layout(graph: "nx.DiGraph[str]") -> dict[str, NDArray[np.float64]]:
    """Return a place in the plane for each neuron.

    The largest connected part fills the square from -1 to 1, near to each other what is connected; all other neurons
    stand in a row below it.
    """
    whole = graph.to_undirected()
    parts = sorted(nx.connected_components(whole), key=len, reverse=True)
    core = parts[0] if parts and len(parts[0]) > 1 else set()
    place = _fill(nx.kamada_kawai_layout(whole.subgraph(core), weight=None)) if core else {}
    rest = [name for name in graph if name not in core]
    across = np.linspace(-1, 1, len(rest) + 2)[1:-1]
    return place | {name: np.array([x, -1.25 if core else 0.0]) for name, x in zip(rest, across, strict=True)}


def _fill(place: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Stretch positions to the square from -1 to 1."""
    points = np.array(list(place.values()))
    low, span = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-9)
    return {name: 2 * (at - low) / span - 1 for name, at in place.items()}


def summary(graph: "nx.DiGraph[str]") -> dict[str, float | int]:
    """Return counts of neurons, edges (all, excitatory, inhibitory) and ensembles, density and reciprocity."""
    signs: list[int] = [int(facts["sign"]) for _, _, facts in graph.edges(data=True)]
    return {
        "neurons": len(graph),
        "edges": len(signs),
        "density": nx.density(graph),
        "excitatory_edges": signs.count(1),
        "inhibitory_edges": signs.count(-1),
        "reciprocity": nx.overall_reciprocity(graph) if signs else 0.0,
        "ensembles": sum(len(group) > 1 for group in ensembles(graph)),
    }


def sentence(facts: dict[str, float | int]) -> str:
    """Say in one line what :func:`summary` counted."""
    return (
        f"{facts['neurons']} neurons, {facts['edges']} edges ({facts['excitatory_edges']} excitatory, "
        f"{facts['inhibitory_edges']} inhibitory), density {facts['density']:.3f}, "
        f"reciprocity {facts['reciprocity']:.2f}, {facts['ensembles']} ensembles"
    )
