"""Cell types told apart: probability of every cell, and ROC curves."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from brainsim.missing import Floats
from brainsim.plot.style import CELL_TYPE, RIVAL, plain


def cells_by_set(ax: Axes, names: Sequence[str], place: NDArray[np.int64], p: Floats, kind: NDArray[np.str_]) -> Axes:
    """Draw one dot for each cell, data sets from top to bottom.

    Parameters
    ----------
    ax
        Where to draw.
    names
        Of the data sets.
    place
        Data set of each cell, (cell,).
    p
        Probability of E, (cell,).
    kind
        True type, ``E`` or ``I``, (cell,).
    """
    for group in range(len(names)):
        inside = np.flatnonzero(place == group)
        order = inside[np.argsort(p[inside])]
        height = group + np.linspace(-0.28, 0.28, len(order)) if len(order) > 1 else np.array([float(group)])
        ax.scatter(p[order], height, s=22, c=[CELL_TYPE[str(each)] for each in kind[order]], linewidths=0, alpha=0.85)
    ax.axvline(0.5, color=RIVAL, linewidth=1.2, linestyle=(0, (2, 1.5)), zorder=0)
    ax.set(xlim=(-0.02, 1.02), ylim=(len(names) - 0.5, -0.5), xlabel="probability of E, cell held out")
    ax.set_yticks(range(len(names)), [plain(name) for name in names])
    for kind_name in ("E", "I"):
        ax.scatter([], [], s=22, color=CELL_TYPE[kind_name], label=kind_name)
    return ax


def roc(ax: Axes, curves: Mapping[str, tuple[Floats, Floats]], colors: Sequence[str]) -> Axes:
    """Draw ROC curves: share of I taken for E and share of E found, by label."""
    ax.plot([0, 1], [0, 1], color=RIVAL, linewidth=1.2, linestyle=(0, (2, 1.5)))
    for (label, (false, true)), color in zip(curves.items(), colors, strict=False):
        ax.plot(false, true, color=color, label=label)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="I taken for E", ylabel="E found")
    ax.set_aspect("equal")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), handlelength=1.4)
    return ax
