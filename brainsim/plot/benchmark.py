"""Methods side by side on several data sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from brainsim.missing import Floats
from brainsim.plot.style import OKABE_ITO, plain

MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
COLORS = ("vermillion", "blue", "sky", "green", "orange", "purple", "yellow", "black")
GAP = 1.6


@dataclass(frozen=True)
class Place:
    """Where groups and methods stand on the shared axis.

    Parameters
    ----------
    groups, methods
        Names, from the top.
    """

    groups: Sequence[str]
    methods: Sequence[str]

    def at(self, group: int, method: int) -> float:
        """Return the height of a method in a group."""
        return -(group * (len(self.methods) + GAP) + method)

    def look(self, method: int) -> dict[str, Any]:
        """Return colour and mark of a method."""
        return {"color": OKABE_ITO[COLORS[method % len(COLORS)]], "marker": MARKS[method % len(MARKS)]}

    def frame(self, ax: Axes) -> None:
        """Name the groups and separate them."""
        middle = (len(self.methods) - 1) / 2
        ax.set_yticks([self.at(g, 0) - middle for g in range(len(self.groups))], [plain(g) for g in self.groups])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(self.at(len(self.groups) - 1, len(self.methods) - 1) - 0.9, 0.9)
        for group in range(1, len(self.groups)):
            ax.axhline(self.at(group, 0) + (1 + GAP) / 2, color="#dddddd", linewidth=0.8)
        ax.grid(axis="x", color="#ececec", linewidth=0.7)
        ax.set_axisbelow(True)


def dots(ax: Axes, place: Place, values: Floats, spread: Floats, chance: Floats) -> Axes:
    """Draw one number of every method in every group; a short grey line is what chance reaches.

    Parameters
    ----------
    ax
        Where to draw.
    place
        Where methods stand.
    values
        Shape (group, method), NaN where missing.
    spread
        Smallest and largest of several runs, (group, method, 2).
    chance
        Shape (group,), NaN for none.
    """
    place.frame(ax)
    for group, level in enumerate(chance):
        ends = place.at(group, 0) + 0.5, place.at(group, len(place.methods) - 1) - 0.5
        ax.plot([level, level], ends, color="#8c8c8c", linewidth=1.2, linestyle=(0, (2, 1.5)), zorder=1)
        for method in range(len(place.methods)):
            y, look = place.at(group, method), place.look(method)
            ax.plot(spread[group, method], [y, y], color=look["color"], linewidth=1.2, zorder=2)
            if np.isfinite(values[group, method]):
                ax.plot(values[group, method], y, linestyle="", markersize=5.5, clip_on=False, zorder=3, **look)
            else:
                ax.text(0.99, y, "no result", color="#8c8c8c", fontsize=6.5, va="center", ha="right")
    return ax


def pairs(ax: Axes, place: Place, own: Floats, best: Floats) -> Axes:
    """Draw two numbers of every method: filled `own`, open `best`, joined by a line.

    Parameters
    ----------
    ax
        Where to draw.
    place
        Where methods stand.
    own, best
        Shape (group, method), NaN where missing.
    """
    place.frame(ax)
    for group in range(len(place.groups)):
        for method in range(len(place.methods)):
            y, look, ends = place.at(group, method), place.look(method), (own[group, method], best[group, method])
            ax.plot(ends, [y, y], color=look["color"], linewidth=1.4, alpha=0.55, zorder=2)
            ax.plot(ends[1], y, linestyle="", markersize=5.5, markerfacecolor="white", zorder=3, clip_on=False, **look)
            ax.plot(ends[0], y, linestyle="", markersize=5.5, zorder=4, clip_on=False, **look)
    return ax
