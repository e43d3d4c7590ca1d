"""A metric over the epochs of a training."""

import numpy as np
from matplotlib.axes import Axes

from brainsim.missing import Floats
from brainsim.plot.style import OKABE_ITO, RIVAL


def over_epochs(
    ax: Axes, epoch: Floats, value: Floats, interval: Floats, floor: float, allowed: float, rival: float
) -> Axes:
    """Draw a metric over epochs, its interval, the floor with what is allowed around it, and the best rival.

    Parameters
    ----------
    ax
        Where to draw.
    epoch, value
        Shape (epoch,).
    interval
        Shape (epoch, 2), NaN where there is none.
    floor, allowed
        Real-vs-real value, and the distance from it that counts as none.
    rival
        NaN where there is none.
    """
    ax.axhspan(floor - allowed, floor + allowed, color="#009E73", alpha=0.11, linewidth=0)
    ax.axhline(floor, color="#009E73", linewidth=1.1, label="real trials")
    if np.isfinite(rival):
        ax.axhline(rival, color=RIVAL, linewidth=1.1, linestyle="--", label="best free rival")
    ax.fill_between(epoch, interval[:, 0], interval[:, 1], color=OKABE_ITO["blue"], alpha=0.18, linewidth=0)
    ax.plot(epoch, value, color=OKABE_ITO["blue"], marker="o", markersize=3.5, label="generator")
    ax.margins(x=0.04)
    return ax
