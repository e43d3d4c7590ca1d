"""Whether told edge probabilities hold: the reliability curve on every data set of a benchmark."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from scipy.stats import binomtest

from brainsim import plot
from brainsim.accuracy import FEWEST_PAIRS, Curve
from brainsim.figure.panel import Picture
from brainsim.missing import Floats
from brainsim.plot.benchmark import Place

COLUMNS, PANEL_IN = 5, 1.62


def picture(rows: Sequence[dict[str, Any]]) -> Picture | None:
    """Draw one panel for each data set and method that tells probabilities; None where there is nothing to draw.

    Parameters
    ----------
    rows
        As :func:`brainsim.bench.compete` makes them.
    """
    shown = [row for row in rows if row["reliability"] is not None and _enough(row["reliability"]).any()]
    if not shown:
        return None
    place, several = Place([], list(dict.fromkeys(r["method"] for r in rows))), len({r["method"] for r in shown}) > 1
    columns = min(COLUMNS, len(shown))
    lines = -(-len(shown) // columns)
    with mpl.rc_context(plot.STYLE):
        figure = Figure(figsize=(0.5 + PANEL_IN * columns, 0.4 + (PANEL_IN + 0.1) * lines), layout="constrained")
        grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
        for ax, row in zip(grid.flat, shown, strict=False):
            color = place.look(place.methods.index(row["method"]))["color"]
            seeds = [_curve(run["reliability"])[:2] for run in row["runs"] if run["reliability"] is not None]
            told, found, low, high = _curve(row["reliability"])
            plot.reliability(ax, told, found, np.stack([low, high]), seeds if len(seeds) > 1 else [], color)
            name = plot.plain(row["preset"])
            ax.set_title(f"{name}\n{plot.plain(row['method'])}" if several else name, fontsize=7)
        for k, ax in enumerate(grid.flat):
            ax.set_visible(k < len(shown))
            ax.xaxis.set_tick_params(labelbottom=len(shown) - columns <= k < len(shown))
        figure.supxlabel("told probability of a connection", fontsize=8)
        figure.supylabel("share that is connected", fontsize=8)
    caption = (
        f"Pairs by tenths of told probability, those with at least {FEWEST_PAIRS} pairs: all networks together, with "
        "95 % intervals of chance; thin lines are single networks. Grey: within .1 of the truth."
    )
    return Picture("reliability", "Told probabilities against the truth", caption, figure)


def _enough(curve: Curve) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which tenths hold enough pairs."""
    return np.asarray(curve["pairs"]) >= FEWEST_PAIRS


def _curve(curve: Curve) -> Floats:
    """Return told probability, share connected and its 95 % interval (Wilson), (4, tenth); NaN with too few pairs."""
    found = np.full((4, len(curve["pairs"])), np.nan)
    for k in np.flatnonzero(_enough(curve)):
        pairs, told, connected = (curve[name][k] for name in ("pairs", "told", "connected"))
        ends = binomtest(int(connected), int(pairs)).proportion_ci(method="wilson")
        found[:, k] = told / pairs, connected / pairs, ends.low, ends.high
    return found
