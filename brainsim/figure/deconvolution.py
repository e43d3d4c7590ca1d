"""The figure of a benchmark of deconvolution."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from brainsim import plot
from brainsim.figure.panel import Picture
from brainsim.plot.benchmark import Place

ROW_IN = 0.15


def picture(rows: Sequence[dict[str, Any]]) -> Picture:
    """Draw the median correlation of every method on every data set, with its quartiles.

    Parameters
    ----------
    rows
        As :func:`brainsim.bench_deconvolution.compete` makes them.
    """
    place = Place(list(dict.fromkeys(r["data"] for r in rows)), list(dict.fromkeys(r["method"] for r in rows)))
    values = np.full((len(place.groups), len(place.methods)), np.nan)
    spread = np.full((*values.shape, 2), np.nan)
    for row in rows:
        if row["correlation"] is not None:
            at = place.groups.index(row["data"]), place.methods.index(row["method"])
            values[at], spread[at] = row["correlation"], (row["low"], row["high"])
    with mpl.rc_context(plot.STYLE):
        height = 1.15 + ROW_IN * len(place.groups) * (len(place.methods) + 1.6)
        figure = Figure(figsize=(5.0, height), layout="constrained")
        ax = figure.subplots()
        plot.dots(ax, place, values, spread, np.full(len(place.groups), np.nan))
        low = min(0.0, float(np.floor(10 * np.nanmin(np.append(spread, 0.0))) / 10))
        ax.set(xlim=(low, 1), xlabel="correlation with true spikes")
        handles = [
            Line2D([], [], linestyle="", markersize=5.5, label=plot.plain(name, 40), **place.look(k))
            for k, name in enumerate(place.methods)
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=3, handletextpad=0.5, columnspacing=1.6)
    caption = "Correlation of inferred with true spikes over neurons: median, and quartiles as a bar."
    return Picture("deconvolution", "Inferred spikes against the truth", caption, figure)
