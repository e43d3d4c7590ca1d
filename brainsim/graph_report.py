"""A fitted network as files: GraphML for other tools, tables of hubs, ensembles and groups, figures."""

from pathlib import Path

import matplotlib
import networkx as nx
import xarray as xr

from brainsim import graph, graph_group
from brainsim.figure.network import fit_pictures
from brainsim.folder import png, result_folder, write_table
from brainsim.plot import STYLE
from brainsim.response_group import ResponseGroups

MARKER = "graph.graphml"
FILES = (MARKER, "hubs.csv", "ensembles.csv", "graph.png", "weights.png")
TABLE = "groups.csv"


def write(
    folder: str | Path, fit: xr.Dataset, groups: ResponseGroups | None = None, *, overwrite: bool = False
) -> dict[str, float | int]:
    """Write :data:`FILES` and, where there are groups, ``groups.csv`` into a new folder, all of it or nothing.

    Parameters
    ----------
    folder
        Must not exist, unless `overwrite` and it holds an earlier result.
    fit
        A fit, as :func:`brainsim.graph.network` takes it.
    groups
        What neurons answer: attributes of the nodes, order and colours of the figures, and a table of their own.
    overwrite
        Replace an earlier result.

    Returns
    -------
    dict
        As :func:`brainsim.graph.summary`.

    Raises
    ------
    InputError
        If the fit holds no weights.
    OutputError
        If the folder exists or cannot be written.
    """
    net = graph.network(fit)
    members = None if groups is None else groups.members
    with result_folder(folder, MARKER, overwrite=overwrite) as draft:
        hubs = graph.hubs(net)
        if groups is not None:
            _mark(net, groups)
            hubs["group"] = hubs["neuron"].map(dict(zip(net, groups.label.tolist(), strict=True)))
            write_table(graph_group.group_table(fit, groups.members), draft / TABLE)
        nx.write_graphml(net, draft / MARKER)
        write_table(hubs, draft / "hubs.csv")
        write_table(graph_group.ensemble_table(net, members), draft / "ensembles.csv")
        with matplotlib.rc_context(STYLE):
            for picture in fit_pictures(fit, groups):
                (draft / f"{picture.name}.png").write_bytes(png(picture.figure))
    return graph.summary(net)


def _mark(net: "nx.DiGraph[str]", groups: ResponseGroups) -> None:
    """Give every node its label and, for each group, whether it is a member (``in_NAME``)."""
    for place, name in enumerate(net):
        belongs = {f"in_{group}": bool(mask[place]) for group, mask in groups.members.items()}
        net.nodes[name].update(group=str(groups.label[place]), **belongs)
