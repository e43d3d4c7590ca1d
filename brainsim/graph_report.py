"""A fitted network as files: GraphML for other tools, a table of hubs, figures."""

from pathlib import Path

import matplotlib
import networkx as nx
import xarray as xr

from brainsim import graph
from brainsim.figure.network import fit_pictures
from brainsim.folder import png, result_folder, write_table
from brainsim.plot import STYLE


def write(folder: str | Path, fit: xr.Dataset, *, overwrite: bool = False) -> dict[str, float | int]:
    """Write ``graph.graphml``, ``hubs.csv``, ``graph.png`` and ``weights.png`` into a new folder, all of it or nothing.

    Parameters
    ----------
    folder
        Must not exist, unless `overwrite` and it holds an earlier result.
    fit
        A fit, as :func:`brainsim.graph.network` takes it.
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
    with result_folder(folder, "graph.graphml", overwrite=overwrite) as draft:
        nx.write_graphml(net, draft / "graph.graphml")
        write_table(graph.hubs(net), draft / "hubs.csv")
        with matplotlib.rc_context(STYLE):
            for picture in fit_pictures(fit):
                (draft / f"{picture.name}.png").write_bytes(png(picture.figure))
    return graph.summary(net)
