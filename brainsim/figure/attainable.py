"""The figure of what frames can tell."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from brainsim import plot
from brainsim.figure.panel import Picture
from brainsim.plot.benchmark import Place

ROW_IN = 0.17
WANTED = 0.95


def picture(rows: Sequence[dict[str, Any]]) -> Picture:
    """Draw the share of neurons whose type is right: median over networks, quartiles, and what is right if all are E.

    Parameters
    ----------
    rows
        As :func:`brainsim.attainable.compete` makes them.
    """
    place = Place(list(dict.fromkeys(r["preset"] for r in rows)), list(dict.fromkeys(r["method"] for r in rows)))
    values, chance = np.full((len(place.groups), len(place.methods)), np.nan), np.full(len(place.groups), np.nan)
    spread = np.full((*values.shape, 2), np.nan)
    for row in rows:
        at = place.groups.index(row["preset"]), place.methods.index(row["method"])
        chance[at[0]] = row["all_excitatory"]
        if row["ei_accuracy"] is not None:
            values[at], spread[at] = row["ei_accuracy"], (row["low"], row["high"])
    with mpl.rc_context(plot.STYLE):
        height = 1.2 + ROW_IN * len(place.groups) * (len(place.methods) + 1.6)
        figure = Figure(figsize=(5.0, height), layout="constrained")
        ax = figure.subplots()
        plot.dots(ax, place, values, spread, chance)
        ax.axvline(WANTED, color="#8c8c8c", linewidth=0.8, zorder=0)
        ax.set(xlim=(0, 1.0), xlabel="cell types that are right")
        handles = [
            Line2D([], [], linestyle="", markersize=5.5, label=plot.plain(name, 40), **place.look(k))
            for k, name in enumerate(place.methods)
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=2, handletextpad=0.5, columnspacing=1.6)
    caption = (
        "Types that are right: median over networks, quartiles as a bar. Dashed: what is right if all are called E. "
        "Grey: .95."
    )
    return Picture("attainable", "What frames can tell", caption, figure)
