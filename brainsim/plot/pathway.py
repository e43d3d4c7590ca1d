"""Groups of synapses: how much each of them grew, and whether one grows with another."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from brainsim.missing import Floats
from brainsim.plot.style import OKABE_ITO, plain

ROW = 0.18


def changes(
    ax: Axes, names: Sequence[str], points: Floats, middle: Floats, error: Floats, colors: Sequence[str]
) -> Axes:
    """Draw the mean and its standard error of each row, and the single repeats beneath.

    Parameters
    ----------
    ax
        Where to draw.
    names
        Of the rows, from the top.
    points
        One value for each repeat, (row, repeat).
    middle, error
        Mean and standard error, (row,); a row without a value is called unknown.
    colors
        Of the rows.
    """
    ax.axvline(0, color="#777777", linewidth=0.8, zorder=0)
    for row, (values, color) in enumerate(zip(points, colors, strict=True)):
        if not np.isfinite(middle[row]):
            ax.text(
                0.5, row, "no synapse", color="#777777", fontsize=8, va="center", transform=ax.get_yaxis_transform()
            )
            continue
        if len(values) > 1:
            ax.plot(values, np.full(len(values), row + ROW), "|", color=color, alpha=0.45, markersize=6)
        spread = np.nan_to_num(error[row])
        ax.errorbar(
            middle[row], row - ROW / 2, xerr=spread, color=color, fmt="o", markersize=5.5, capsize=2.5, linewidth=1.5
        )
    ax.set_yticks(range(len(names)), [plain(name.replace("->", " → ")) for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color="#ececec", linewidth=0.7)
    ax.set_axisbelow(True)
    return ax


def regression(ax: Axes, x: Floats, y: Floats, line: tuple[Floats, Floats, Floats, Floats] | None) -> Axes:
    """Draw one point for each repeat, a straight line through them and its confidence band.

    Parameters
    ----------
    ax
        Where to draw.
    x, y
        Shape (repeat,).
    line
        Places on the x axis, the line there, and the lower and upper limit of its band; None for no line.
    """
    if line is not None:
        at, middle, low, high = line
        ax.fill_between(at, low, high, color=OKABE_ITO["sky"], alpha=0.25, linewidth=0)
        ax.plot(at, middle, color=OKABE_ITO["blue"], linewidth=1.5)
    ax.plot(x, y, "o", color=OKABE_ITO["black"], markersize=4.5, markeredgecolor="white", markeredgewidth=0.6)
    for draw in (ax.axhline, ax.axvline):
        draw(0, color="#bbbbbb", linewidth=0.7, zorder=0)
    return ax
