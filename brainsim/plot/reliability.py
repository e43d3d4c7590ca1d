"""Told probabilities against what came true."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from brainsim.missing import Floats
from brainsim.plot.style import RIVAL

BAND = "#ededed"


def reliability(ax: Axes, told: Floats, found: Floats, chance: Floats, singles: Sequence[Floats], color: str) -> Axes:
    """Draw a reliability curve with its intervals, those of single networks behind it.

    Parameters
    ----------
    ax
        Where to draw.
    told, found
        Mean probability of each group of pairs, and share of them that is connected, (group,).
    chance
        Lower and upper end of an interval around each share, (2, group).
    singles
        Curves of single networks: probability and share, (2, group) each.
    color
        Of the curve.
    """
    ax.fill_between([0, 1], [-0.1, 0.9], [0.1, 1.1], color=BAND, linewidth=0, zorder=0)
    ax.plot([0, 1], [0, 1], color=RIVAL, linewidth=1.0, linestyle=(0, (2, 1.5)), zorder=1)
    for single in singles:
        ax.plot(*single, color=color, linewidth=0.7, alpha=0.35, zorder=2)
    ax.vlines(told, *chance, color=color, linewidth=1.2, zorder=3)
    ax.plot(told, found, color=color, marker="o", markersize=3.5, linewidth=1.4, zorder=4, clip_on=False)
    ax.set(xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    ax.set_aspect("equal")
    return ax
