"""How alike two response patterns are, stimulus by stimulus, beside what chance gives."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from brainsim.missing import Floats
from brainsim.plot.style import OKABE_ITO, RIVAL, plain


def resemblance(ax: Axes, names: Sequence[str], found: Floats, other: Floats, shuffled: Floats) -> Axes:
    """Draw the rank correlation of every repeat and its mean, the band of shuffled cells, and the other stimuli.

    Parameters
    ----------
    ax
        Where to draw.
    names
        Of the stimuli, from the top.
    found
        Shape (repeat, stimulus).
    other
        Correlation with the responses to other stimuli, shape (stimulus,).
    shuffled
        Lower and upper bound with shuffled cells, shape (2, stimulus).
    """
    y = np.arange(len(names))
    blue = OKABE_ITO["blue"]
    ax.barh(y, shuffled[1] - shuffled[0], left=shuffled[0], height=0.7, color="#dddddd", label="cells shuffled, 95 %")
    ax.scatter(other, y, marker="D", s=18, facecolor="white", edgecolor=RIVAL, label="other stimuli", zorder=3)
    if len(found) > 1:
        ax.scatter(found.ravel(), np.tile(y, len(found)), marker="|", s=50, linewidth=0.8, color=OKABE_ITO["sky"])
    ax.scatter(found.mean(0), y, s=22, color=blue, label="same stimulus (ticks: repeats)", zorder=4)
    ax.axvline(0, color="#777777", linewidth=0.6, zorder=0)
    ax.set_yticks(y, [plain(name, 12) for name in names])
    ax.set(
        ylim=(len(names) - 0.4, -0.6), xlim=(min(-0.3, ax.get_xlim()[0]), 1.02), xlabel="rank correlation over cells"
    )
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.14), ncols=1, handletextpad=0.4)
    return ax
