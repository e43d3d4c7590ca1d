"""Distributions, curves over lag and frequency, and the report card."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from brainsim.missing import Floats
from brainsim.plot.style import RIVAL, plain


def histograms(ax: Axes, values: Mapping[str, Floats], edges: Floats, colors: Mapping[str, str]) -> Axes:
    """Draw the share of values in each bin as outlines, one for each recording.

    Parameters
    ----------
    ax
        Where to draw.
    values
        Finite numbers of each recording.
    edges
        Edges of the bins; values outside fall into the outermost ones.
    colors
        Of each recording.
    """
    for place, (name, numbers) in enumerate(values.items()):
        if len(numbers):
            inside = np.clip(numbers, edges[0], edges[-1])
            weights = np.full(len(inside), 1 / len(inside))
            ax.hist(
                inside,
                edges.tolist(),
                weights=weights,
                histtype="stepfilled" if not place else "step",
                linewidth=1.7,
                color=colors[name],
                alpha=0.22 if not place else 1,
                label=plain(name),
            )
    ax.set_xlim(edges[0], edges[-1])
    ax.legend()
    return ax


def curves(ax: Axes, x: Floats, y: Mapping[str, Floats], colors: Mapping[str, str]) -> Axes:
    """Draw one line for each recording, shape (x,) each; the first, the reference, thicker and below."""
    for place, (name, values) in enumerate(y.items()):
        ax.plot(
            x,
            values,
            color=colors[name],
            linewidth=3.2 if not place else 1.6,
            alpha=0.45 if not place else 1,
            label=plain(name),
        )
    ax.legend()
    return ax


def report_card(ax: Axes, rows: Sequence[str], excess: Mapping[str, Floats], colors: Mapping[str, str]) -> Axes:
    """Draw how far each metric is beyond its floor, in units of what is allowed.

    Parameters
    ----------
    ax
        Where to draw.
    rows
        Names of the metrics, top first.
    excess
        For each source or rival, shape (metric,), NaN where it cannot be computed. 0 is as good as real trials; above 1
        the metric is missed.
    colors
        Of each source; rivals are grey crosses.
    """
    ax.axvspan(-0.2, 1, color="#009E73", alpha=0.09, linewidth=0)
    ax.axvline(1, color="#009E73", linewidth=0.9, linestyle="--")
    height = np.arange(len(rows))
    offsets = np.linspace(-0.18, 0.18, max(1, len(excess)))
    for (name, values), offset in zip(excess.items(), offsets, strict=True):
        grey = name not in colors
        ax.scatter(
            np.clip(values, 0, None),
            height + offset,
            marker="x" if grey else "o",
            s=30 if grey else 46,
            color=colors.get(name, RIVAL),
            label=plain(name, 40),
            zorder=2 if grey else 3,
            clip_on=False,
        )
    _distance_axis(ax, rows, max([3.0, *(1.3 * float(np.nanmax(v)) for v in excess.values() if np.isfinite(v).any())]))
    ax.legend(loc="upper left", bbox_to_anchor=(0, 1.1), ncols=5, borderaxespad=0, columnspacing=1.0, handletextpad=0.3)
    return ax


def _distance_axis(ax: Axes, rows: Sequence[str], farthest: float) -> None:
    """Make the axis of distances linear up to 1 and logarithmic above, one row for each metric."""
    ax.set_xscale("symlog", linthresh=1, linscale=0.8)
    ax.set_xlim(-0.1, farthest)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.grid(axis="y", color="#eeeeee", zorder=0)
    ax.set_xlabel("distance beyond the real-vs-real floor (1 = the most that is allowed)")
    ticks = [tick for tick in (0, 1, 3, 10, 30, 100, 300) if tick <= ax.get_xlim()[1]]
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
