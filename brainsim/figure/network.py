"""Figures of a fit: the weight matrix, the network, the learning curve of a generator."""

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from brainsim import graph, plot
from brainsim.figure.panel import Picture
from brainsim.missing import Floats


def fit_pictures(fit: xr.Dataset) -> Iterator[Picture]:
    """Make the weight matrix, ordered by cell type, beside the true one where it is known; and the network."""
    kinds = graph.cell_types(fit)
    order = np.array(sorted(range(len(kinds)), key=lambda place: (("E", "I", "unknown").index(kinds[place]), place)))
    weight = graph.averaged(fit, "weight")
    shown = {"inferred": np.where(graph.is_edge(fit), weight, 0.0), "all pairs": weight}
    if "true_weight" in fit:
        shown = {"true": graph.averaged(fit, "true_weight"), **shown}
    figure = Figure(figsize=(max(7.5, 3.2 * len(shown)), 4.2), layout="constrained")
    for ax, (name, values) in zip(np.atleast_1d(figure.subplots(1, len(shown))), shown.items(), strict=True):
        strong = np.abs(values[np.isfinite(values) & (values != 0)])
        top = float(np.quantile(strong, 0.98)) if len(strong) else 1.0
        image = plot.weights(ax, values[np.ix_(order, order)], [kinds[place] for place in order], top)
        figure.colorbar(
            image, ax=ax, location="bottom", fraction=0.05, pad=0.09, label=f"{plot.plain(_unit(fit))}, {name}"
        )
    caption = "Rows are presynaptic neurons, ordered by cell type. Inferred: pairs that pass the test."
    yield Picture("weights", "Synaptic weights", caption, figure)
    yield network_picture(fit)


def network_picture(fit: xr.Dataset) -> Picture:
    """Draw the inferred network."""
    net = graph.network(fit)
    figure = Figure(figsize=(7.5, 6.2), layout="constrained")
    plot.network(figure.subplots(), net, graph.layout(net))
    caption = f"{graph.sentence(graph.summary(net))}. Larger neurons have more edges; wider edges are stronger."
    return Picture("graph", "The inferred network", caption, figure)


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
