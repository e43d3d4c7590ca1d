"""The card over the checkpoints of a training, in one figure."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from brainsim import plot, verdict
from brainsim.figure.panel import Picture
from brainsim.gan_score import GanScore, source_name
from brainsim.statistic import Statistic

COLUMNS = 3
ALSO = ("nn_ratio", "copy_share")


def over_epochs(score: GanScore, statistics: Mapping[str, Statistic]) -> Picture:
    """Draw every metric that counts, and those of copying, over epochs; the best epoch is marked."""
    rows = [score.comparison.scores[source_name(epoch)] for epoch in score.epochs]
    names = [n for n, s in statistics.items() if (s.decides or n in ALSO) and rows[0][n].floor is not None]
    names = sorted((n for n in names if all(row[n].value is not None for row in rows)), key=verdict.place)
    figure = Figure(figsize=(7.5, 0.6 + 1.75 * -(-len(names) // COLUMNS)), layout="constrained")
    grid = np.atleast_1d(figure.subplots(-(-len(names) // COLUMNS), COLUMNS, sharex=True)).ravel()
    for ax, name in zip(grid, names, strict=False):
        of = [row[name] for row in rows]
        value = np.array([each.value for each in of], float)
        interval = np.array([each.ci95 or (np.nan, np.nan) for each in of], float)
        error = float(np.median([each.error for each in of]))
        allowed = max(statistics[name].tolerance, verdict.STANDARD_ERRORS * error)
        rival = np.nan if of[0].rival is None else of[0].rival
        plot.over_epochs(ax, np.array(score.epochs, float), value, interval, float(of[0].floor or 0), allowed, rival)
        ax.axvline(score.best, color="#8c8c8c", linewidth=0.8, linestyle=":", zorder=0)
        ax.set_title(statistics[name].title, fontsize=8)
    for ax in grid[len(names) :]:
        ax.set_visible(False)
    figure.supxlabel("epoch", fontsize=9)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    caption = (
        "Blue: trials of each checkpoint with 95 % interval. Green: real held-out trials, and what is allowed around "
        f"them (tolerance or three standard errors). Dotted: the best checkpoint, epoch {score.best}."
    )
    return Picture("over_epochs", "The card over epochs", caption, figure)
