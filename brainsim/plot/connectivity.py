"""Matrices between neurons, and networks."""

from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from brainsim.missing import Floats
from brainsim.plot.style import CELL_TYPE, DIVERGING, bare, plain


def matrix(ax: Axes, values: Floats, limit: float) -> Axes:
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
    ax.imshow(shown, cmap=DIVERGING, vmin=-limit, vmax=limit, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    return ax


def weights(
    ax: Axes, weight: Floats, kinds: Sequence[str], limit: float, colors: Mapping[str, str] = CELL_TYPE
) -> Axes:
    """Draw a weight matrix (row: presynaptic, column: postsynaptic), cell types or groups marked at two edges.

    More than three of them are not named, as small ones lie close: :func:`group_legend` does.

    Parameters
    ----------
    ax
        Where to draw.
    weight
        Shape (pre, post), ordered by cell type or group.
    kinds
        Cell type or group of each neuron, in the same order.
    limit
        The value at which colours saturate.
    colors
        Of cell types or groups.
    """
    matrix(ax, weight, limit)
    n = len(kinds)
    names = list(dict.fromkeys(kinds))
    for kind in names:
        at = [place for place, other in enumerate(kinds) if other == kind]
        low, high = at[0] - 0.5, at[-1] + 0.5
        color = colors.get(kind, CELL_TYPE["unknown"])
        rim = -0.5 - 0.012 * n
        for x, y in (([low, high], [rim, rim]), ([rim, rim], [low, high])):
            ax.plot(x, y, color=color, linewidth=5, solid_capstyle="butt", clip_on=False)
        if len(names) <= len(CELL_TYPE):
            label = "?" if kind == "unknown" else plain(kind)
            ax.text((low + high) / 2, -0.5 - 0.035 * n, label, ha="center", va="bottom", fontsize=8)
        if high < n - 0.5:
            ax.axhline(high, color="#777777", linewidth=0.6)
            ax.axvline(high, color="#777777", linewidth=0.6)
    ax.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5))
    ax.set_xlabel("postsynaptic neuron")
    ax.set_ylabel("presynaptic neuron", labelpad=8)
    return ax


def network(
    ax: Axes,
    graph: "nx.DiGraph[str]",
    place: Mapping[str, Floats],
    most: int = 400,
    attribute: str = "cell_type",
    colors: Mapping[str, str] = CELL_TYPE,
) -> Axes:
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
        Number of edges to draw, the strongest of each sign, as many of each as there are in proportion.
    attribute
        Attribute of the nodes that their colour shows.
    colors
        Of its values, in the order of the legend.
    """
    edges, every = _strongest(graph, most), graph.number_of_edges()
    strongest = max((edge[2]["strength"] for edge in edges), default=1.0) or 1.0
    degree = np.array([graph.degree(name) for name in graph], float)
    size = (18 + 130 * degree / max(1.0, float(degree.max(initial=0)))) * min(1.0, 120 / max(len(graph), 1))
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
    shown = [colors.get(str(kind), CELL_TYPE["unknown"]) for _, kind in graph.nodes(data=attribute)]
    nx.draw_networkx_nodes(
        graph, place, ax=ax, node_size=size.tolist(), node_color=shown, edgecolors="white", linewidths=0.5
    )
    present = set(nx.get_node_attributes(graph, attribute).values())
    bare(ax).set_aspect("equal")
    ax.margins(0.04)
    ax.legend(
        handles=_legend([name for name in colors if name in present], colors, bool(edges)),
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=5,
        handletextpad=0.4,
        columnspacing=1.2,
        title=f"the {len(edges)} strongest of {every} edges" if len(edges) < every else None,
        title_fontsize=8,
    )
    return ax


def _strongest(graph: "nx.DiGraph[str]", most: int) -> list[tuple[str, str, dict[str, float]]]:
    """Return the strongest edges of each sign, the weakest first; both signs keep their share."""
    edges = sorted(graph.edges(data=True), key=lambda edge: -edge[2]["strength"])
    share = min(1.0, most / max(len(edges), 1))
    kept = []
    for sign in (1, -1):
        mine = [edge for edge in edges if edge[2]["sign"] == sign]
        kept += mine[: round(share * len(mine))]
    return sorted(kept, key=lambda edge: edge[2]["strength"])


def group_legend(figure: Figure, names: Sequence[str], colors: Mapping[str, str]) -> Figure:
    """Name groups by their colour above a figure, and return it."""
    handles = [Patch(color=colors[name], label=plain(name)) for name in names]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(names), 7), handlelength=1.2)
    return figure


def _legend(names: Sequence[str], colors: Mapping[str, str], edges: bool) -> list[Line2D]:
    """Return one handle for each cell type or group and, where there are edges, for each sign."""
    handles = [
        Line2D(
            [],
            [],
            marker="o",
            linestyle="",
            color=colors[name],
            label=f"{name} neuron" if name in CELL_TYPE else plain(name),
        )
        for name in names
    ]
    if edges:
        handles += [
            Line2D([], [], color=CELL_TYPE[kind], label=word)
            for kind, word in (("E", "excitatory edge"), ("I", "inhibitory edge"))
        ]
    return handles
