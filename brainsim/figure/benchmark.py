"""The figure of a benchmark of connectivity."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from brainsim import plot
from brainsim.figure.panel import Picture
from brainsim.missing import Floats
from brainsim.plot.benchmark import Place

ROW_IN = 0.15


def picture(rows: Sequence[dict[str, Any]]) -> Picture:
    """Draw the average precision of every method on every data set, and its Matthews correlation.

    Parameters
    ----------
    rows
        As :func:`brainsim.bench.compete` makes them.
    """
    place = Place(list(dict.fromkeys(r["preset"] for r in rows)), list(dict.fromkeys(r["method"] for r in rows)))
    ap, own, best, density = (_grid(rows, place, name) for name in ("ap", "mcc_own", "mcc_best", "density"))
    with mpl.rc_context(plot.STYLE), np.errstate(invalid="ignore"):
        height = 1.45 + ROW_IN * len(place.groups) * (len(place.methods) + 1.6)
        figure = Figure(figsize=(7.2, height), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        plot.dots(left, place, ap, _spread(rows, place), np.nanmax(np.nan_to_num(density), axis=1))
        left.set(xlim=(0, 1), xlabel="average precision", title="a  Ranking of pairs")
        plot.pairs(right, place, own, best)
        low = min(0.0, float(np.floor(10 * np.nanmin(np.append(own, 0.0))) / 10))
        right.set(xlim=(low, 1), xlabel="Matthews correlation", title="b  Pairs called connected")
        _legend(figure, place)
    caption = (
        "a: average precision against the true connectivity; bars span the seeds, the dashed line is chance (share of "
        "connected pairs). b: Matthews correlation at each method's own cut (filled) and at the best possible (open)."
    )
    return Picture("benchmark", "Inferred connectivity against the truth", caption, figure)


def _legend(figure: Figure, place: Place) -> None:
    """Name the methods, the two kinds of marks and chance."""
    handles = [
        Line2D([], [], linestyle="", markersize=5.5, label=plot.plain(name, 40), **place.look(k))
        for k, name in enumerate(place.methods)
    ]
    grey: dict[str, Any] = {"marker": "o", "linestyle": "", "color": "#5c5c5c", "markersize": 5.5}
    handles += [
        Line2D([], [], label="b: own cut", **grey),
        Line2D([], [], label="b: best possible cut", markerfacecolor="white", **grey),
        Line2D([], [], color="#8c8c8c", linewidth=1.2, linestyle=(0, (2, 1.5)), label="a: chance"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, handletextpad=0.5, columnspacing=1.6)


def _grid(rows: Sequence[dict[str, Any]], place: Place, name: str) -> Floats:
    """Return one column of the table, (group, method)."""
    grid = np.full((len(place.groups), len(place.methods)), np.nan)
    for row in rows:
        if row[name] is not None:
            grid[place.groups.index(row["preset"]), place.methods.index(row["method"])] = row[name]
    return grid


def _spread(rows: Sequence[dict[str, Any]], place: Place) -> Floats:
    """Return the smallest and largest average precision over seeds, (group, method, 2)."""
    spread = np.full((len(place.groups), len(place.methods), 2), np.nan)
    for row in rows:
        known = [run["ap"] for run in row["runs"] if run["ap"] is not None]
        if known:
            spread[place.groups.index(row["preset"]), place.methods.index(row["method"])] = min(known), max(known)
    return spread
