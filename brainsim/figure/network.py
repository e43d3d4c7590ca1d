"""Figures of a fit: the weight matrix, the network, the learning curve of a generator."""

from collections.abc import Iterator, Mapping

import networkx as nx
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from brainsim import graph, graph_group, plot
from brainsim.figure.panel import Picture
from brainsim.missing import Floats
from brainsim.response_group import ResponseGroups

DENSE = 0.25


def fit_pictures(fit: xr.Dataset, groups: ResponseGroups | None = None) -> Iterator[Picture]:
    """Make the weight matrix, beside the true one or the change where it is known; and the network.

    Parameters
    ----------
    fit
        As :func:`brainsim.graph.network` takes it.
    groups
        What neurons answer; without, neurons are ordered and coloured by cell type.
    """
    label: list[str] = graph.cell_types(fit) if groups is None else groups.label.tolist()
    ranks = {name: rank for rank, name in enumerate(("E", "I", "unknown") if groups is None else groups.order)}
    order = np.array(sorted(range(len(label)), key=lambda place: (ranks[label[place]], place)))
    colors = _colors(groups)
    shown = _matrices(fit)
    figure = Figure(
        figsize=(max(7.5, 3.2 * len(shown)), 4.2 if groups is None or len(shown) > 2 else 4.8), layout="constrained"
    )
    for ax, (name, values) in zip(np.atleast_1d(figure.subplots(1, len(shown))), shown.items(), strict=True):
        strong = np.abs(values[np.isfinite(values) & (values != 0)])
        top = float(np.quantile(strong, 0.98)) if len(strong) else 1.0
        plot.weights(ax, values[np.ix_(order, order)], [label[place] for place in order], top, colors)
        figure.colorbar(ax.images[0], ax=ax, location="bottom", fraction=0.05, pad=0.09, label=name)
    if len(ranks) > len(plot.CELL_TYPE):
        plot.group_legend(figure, list(ranks), colors)
    by = "cell type" if groups is None else "what they answer"
    caption = f"Rows are presynaptic neurons, ordered by {by}. Inferred: pairs that pass the test."
    yield Picture("weights", "Synaptic weights", caption, figure)
    yield network_picture(fit, groups)


def _matrices(fit: xr.Dataset) -> dict[str, Floats]:
    """Return what to show of every pair, by its label."""
    weight, unit = graph.averaged(fit, "weight"), plot.plain(_unit(fit))
    if "weight_initial" in fit:
        initial = graph.averaged(fit, "weight_initial")
        change = np.divide(weight - initial, initial, out=np.full(weight.shape, np.nan), where=initial != 0)
        return {f"{unit}, learned": weight, "fraction change of the mean weight": change}
    shown = {f"{unit}, inferred": np.where(graph.is_edge(fit), weight, 0.0), f"{unit}, all pairs": weight}
    return {f"{unit}, true": graph.averaged(fit, "true_weight"), **shown} if "true_weight" in fit else shown


def network_picture(fit: xr.Dataset, groups: ResponseGroups | None = None) -> Picture:
    """Draw the inferred network; on a circle where neurons are sorted into groups, or nearly all are connected."""
    net = graph.network(fit)
    facts = graph.summary(net)
    label = graph.cell_types(fit) if groups is None else groups.label.tolist()
    nx.set_node_attributes(net, dict(zip(net, label, strict=True)), "group")
    circle = groups is not None or facts["density"] > DENSE
    order = ("E", "I", "unknown") if groups is None else groups.order
    place = graph_group.ring(net, label, order) if circle else graph.layout(net)
    figure = Figure(figsize=(7.2, 7.4), layout="constrained")
    plot.network(figure.subplots(), net, place, attribute="group", colors=_colors(groups))
    caption = f"{graph.sentence(facts)}. Larger neurons have more edges; wider edges are stronger."
    return Picture("graph", "The inferred network", caption, figure)


def _colors(groups: ResponseGroups | None) -> Mapping[str, str]:
    """Return the colours of groups in the order of figures, or those of cell types."""
    if groups is None:
        return plot.CELL_TYPE
    colors = plot.group_colors([*groups.members, *groups.order])
    return {name: colors[name] for name in groups.order}


def learning_curve_picture(curve: Mapping[str, Floats]) -> Picture:
    """Draw every column of a learning curve over epochs."""
    figure = Figure(figsize=(7.5, 1.5 * len(curve)), layout="constrained")
    panels = np.atleast_1d(figure.subplots(len(curve), 1, sharex=True))
    for ax, (name, values) in zip(panels, curve.items(), strict=True):
        ax.plot(np.arange(1, len(values) + 1), values, color=plot.OKABE_ITO["blue"], linewidth=1.2)
        ax.set_ylabel(plot.plain(name.replace("_", " ")))
    panels[-1].set_xlabel("epoch")
    return Picture("learning_curve", "Training of the generator", "Mean of each loss in each epoch.", figure)


def _unit(fit: xr.Dataset) -> str:
    unit = str(fit["weight"].attrs.get("units", ""))
    return f"weight ({unit})" if unit else "weight"
