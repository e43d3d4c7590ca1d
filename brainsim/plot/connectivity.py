"""Matrices between neurons, and networks."""

from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from brainsim.missing import Floats
from brainsim.plot.style import CELL_TYPE, DIVERGING, bare


def matrix(ax: Axes, values: Floats, limit: float) -> AxesImage:
    """Draw a matrix between neurons, red above 0 and blue below; missing pairs and the diagonal are white.

    Parameters
    ----------
    ax
        Where to draw.
    values
        Shape (neuron, neuron).
    limit
        The value at which colours saturate.
    """
    shown = values.copy()
    np.fill_diagonal(shown, np.nan)
    image = ax.imshow(shown, cmap=DIVERGING, vmin=-limit, vmax=limit, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    return image


def weights(ax: Axes, weight: Floats, kinds: Sequence[str], limit: float) -> AxesImage:
    """Draw a weight matrix (row: presynaptic, column: postsynaptic), cell types marked at two edges.

    Parameters
    ----------
    ax
        Where to draw.
    weight
        Shape (pre, post), ordered by cell type.
    kinds
        Cell type of each neuron, in the same order.
    limit
        The value at which colours saturate.
    """
    image = matrix(ax, weight, limit)
    n = len(kinds)
    for kind in dict.fromkeys(kinds):
        at = [place for place, other in enumerate(kinds) if other == kind]
        low, high = at[0] - 0.5, at[-1] + 0.5
        color = CELL_TYPE.get(kind, CELL_TYPE["unknown"])
        rim = -0.5 - 0.012 * n
        for x, y in (([low, high], [rim, rim]), ([rim, rim], [low, high])):
            ax.plot(x, y, color=color, linewidth=5, solid_capstyle="butt", clip_on=False)
        ax.text((low + high) / 2, -0.5 - 0.035 * n, kind, ha="center", va="bottom", fontsize=8)
        if high < n - 0.5:
            ax.axhline(high, color="#777777", linewidth=0.6)
            ax.axvline(high, color="#777777", linewidth=0.6)
    ax.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5))
    ax.set_xlabel("postsynaptic neuron")
    ax.set_ylabel("presynaptic neuron", labelpad=8)
    return image


def network(ax: Axes, graph: "nx.DiGraph[str]", place: Mapping[str, Floats], most: int = 400) -> Axes:
    """Draw neurons, larger the more edges they have, and the strongest edges, coloured by sign.

    Parameters
    ----------
    ax
        Where to draw.
    graph
        As :func:`brainsim.graph.network` makes it.
    place
        Position of each neuron.
    most
        Number of edges to draw, the strongest first.
    """
    edges = sorted(graph.edges(data=True), key=lambda edge: -edge[2]["strength"])[:most]
    strongest = max((edge[2]["strength"] for edge in edges), default=1.0) or 1.0
    degree = np.array([graph.degree(name) for name in graph], float)
    size = 18 + 130 * degree / max(1.0, float(degree.max(initial=0)))
    if edges:
        nx.draw_networkx_edges(
            graph,
            place,
            [edge[:2] for edge in edges],
            ax=ax,
            arrowsize=6,
            node_size=list(size),
            connectionstyle="arc3,rad=0.08",
            edge_color=[CELL_TYPE["E" if edge[2]["sign"] > 0 else "I"] for edge in edges],
            alpha=0.45,
            width=[0.3 + 1.9 * edge[2]["strength"] / strongest for edge in edges],
        )
    colors = [CELL_TYPE.get(str(kind), CELL_TYPE["unknown"]) for _, kind in graph.nodes(data="cell_type")]
    nx.draw_networkx_nodes(
        graph, place, ax=ax, node_size=size.tolist(), node_color=colors, edgecolors="white", linewidths=0.7
    )
    handles = _legend(graph, bool(edges))
    bare(ax).legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=4, handletextpad=0.4, columnspacing=1.2
    )
    return ax


def _legend(graph: "nx.DiGraph[str]", edges: bool) -> list[Line2D]:
    """Return one handle for each cell type and, where there are edges, for each sign."""
    present = [kind for kind in CELL_TYPE if kind in set(nx.get_node_attributes(graph, "cell_type").values())]
    handles = [
        Line2D([], [], marker="o", linestyle="", color=CELL_TYPE[kind], label=f"{kind} neuron") for kind in present
    ]
    if edges:
        handles += [
            Line2D([], [], color=CELL_TYPE[kind], label=word)
            for kind, word in (("E", "excitatory edge"), ("I", "inhibitory edge"))
        ]
    return handles
