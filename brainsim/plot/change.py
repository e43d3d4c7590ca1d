"""Changes between groups of neurons, as a matrix and against the truth."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from brainsim.missing import Floats
from brainsim.plot.style import DIVERGING, OKABE_ITO, RIVAL, plain


def groups(ax: Axes, values: Floats, names: Sequence[str], limit: float, sure: NDArray[np.bool_]) -> Axes:
    """Draw a matrix between groups: the value as colour and in percent, pale where it is not sure, framed where it is.

    Parameters
    ----------
    ax
        Where to draw.
    values
        Shape (pre, post); NaN is a dash.
    names
        Name of each group.
    limit
        The value at which colours saturate.
    sure
        Which values passed the test, (pre, post).
    """
    ax.imshow(values, cmap=DIVERGING, vmin=-limit, vmax=limit, alpha=np.where(sure, 1.0, 0.35))
    for (pre, post), value in np.ndenumerate(values):
        if not np.isfinite(value):
            ax.text(post, pre, "–", ha="center", va="center", fontsize=7)
        else:
            color = "white" if sure[pre, post] and abs(value) > 0.7 * limit else "black"
            weight = "bold" if sure[pre, post] else "normal"
            ax.text(post, pre, f"{100 * value:+.0f}", ha="center", va="center", fontsize=7, color=color, weight=weight)
        if sure[pre, post]:
            ax.add_patch(Rectangle((post - 0.46, pre - 0.46), 0.92, 0.92, fill=False, linewidth=1.2))
    labels = [plain(name, 12) for name in names]
    ax.set_xticks(range(len(names)), labels, rotation=45, ha="right")
    ax.set_yticks(range(len(names)), labels)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set(xlabel="postsynaptic group", ylabel="presynaptic group")
    return ax


def against(ax: Axes, true: Floats, found: Floats, error: Floats | None, kinds: Sequence[str]) -> Axes:
    """Draw estimates over the truth, both as shares, one colour for each kind.

    Parameters
    ----------
    ax
        Where to draw.
    true, found
        Shape (point,).
    error
        Standard error of `found`; None for none.
    kinds
        Kind of each point.
    """
    colors = dict(zip(dict.fromkeys(kinds), ("vermillion", "blue", "green", "purple", "black"), strict=False))
    for kind, color in colors.items():
        at = np.array([each == kind for each in kinds])
        bars = None if error is None else 100 * error[at]
        x, y, shade = 100 * true[at], 100 * found[at], OKABE_ITO[color]
        ax.errorbar(x, y, yerr=bars, fmt="o", markersize=3.5, linewidth=0.7, color=shade, label=kind)
    ax.axhline(0, color=RIVAL, linewidth=0.8, zorder=0)
    ax.axvline(0, color=RIVAL, linewidth=0.8, zorder=0)
    ax.legend(handletextpad=0.2, borderpad=0.2)
    ax.set_xlabel("true change of the weights (%)")
    return ax
