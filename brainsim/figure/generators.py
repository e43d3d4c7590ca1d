"""The figure of a benchmark of generators."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from brainsim import plot
from brainsim.figure.panel import Picture

SHOWN = (
    ("noise_correlation_r", "noise\ncorrelations, r"),
    ("c2st_linear", "told apart,\nlinear"),
    ("c2st_forest", "told apart,\nforest"),
    ("tstr", "decoder\ntrained on it"),
    ("nn_ratio", "distance to\nnearest trial"),
)
COLOURS = {"floor": "#5c5c5c", "model": "#0072b2", "rival": "#e69f00"}


def picture(rows: Sequence[dict[str, Any]]) -> Picture:
    """Draw the key metrics of every method on every recording; dots are seeds, the dashed line is the floor.

    Parameters
    ----------
    rows
        As :func:`brainsim.bench_gan.compete` makes them.
    """
    data = list(dict.fromkeys(row["data"] for row in rows))
    height = 0.5 + sum(0.55 + 0.24 * sum(row["data"] == name for row in rows) for name in data)
    with mpl.rc_context(plot.STYLE):
        figure = Figure(figsize=(7.2, height), layout="constrained")
        sizes = [sum(row["data"] == name for row in rows) for name in data]
        panels = figure.subplots(len(data), len(SHOWN), squeeze=False, sharey="row", height_ratios=sizes)
        for line, name in zip(panels, data, strict=True):
            own = [row for row in rows if row["data"] == name and row["kind"] != "floor"]
            floor = next((row for row in rows if row["data"] == name and row["kind"] == "floor"), None)
            for axes, (metric, title) in zip(line, SHOWN, strict=True):
                for place, row in enumerate(own):
                    values = row["values"].get(metric, [])
                    axes.plot(
                        values, np.full(len(values), place), ".", color=COLOURS[row["kind"]], alpha=0.6, markersize=5
                    )
                    if values:
                        axes.plot(np.mean(values), place, "|", color=COLOURS[row["kind"]], markersize=9)
                if floor and metric in floor["values"]:
                    axes.axvline(np.mean(floor["values"][metric]), color=COLOURS["floor"], linestyle=(0, (2, 1.5)))
                axes.set_xlabel(title if name == data[-1] else "", fontsize=7)
                axes.set_yticks(range(len(own)), [plot.plain(row["method"], 34) for row in own])
            line[0].invert_yaxis()
            line[0].set_title(plot.plain(name, 40), loc="left")
    caption = (
        "Each dot is a seed, the bar their mean; the dashed line is what recorded held-out trials reach. Blue: trained "
        "models; orange: rivals that cost nothing."
    )
    return Picture("generators", "Generators beside rivals that cost nothing", caption, figure)
