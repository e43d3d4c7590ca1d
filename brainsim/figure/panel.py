"""What figures share: panels, limits, the order of neurons."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import leaves_list, linkage

from brainsim import plot
from brainsim.comparison import Comparison
from brainsim.missing import Floats, correlation

PANEL = 3.1


@dataclass(frozen=True)
class Picture:
    """One figure of a report: name of its file, title, caption, and the figure."""

    name: str
    title: str
    caption: str
    figure: Figure


def panels(comparison: Comparison, height: float, rows: int = 1, pad: float = 6) -> tuple[Figure, list[list[Axes]]]:
    """Make a figure with one column for each recording, titled with its name."""
    samples = comparison.aligned.samples
    figure = Figure(figsize=(max(7.5, PANEL * len(samples)), height), layout="constrained")
    grid = figure.subplots(rows, len(samples), squeeze=False)
    colors = plot.source_colors(samples)
    for ax, name in zip(grid[0], samples, strict=True):
        ax.set_title(plot.plain(name), color=colors[name], pad=pad)
    return figure, [list(row) for row in grid]


def finite(values: Floats) -> Floats:
    """Return the numbers that are known, as a list."""
    return np.asarray(values[np.isfinite(values)])


def edges(values: dict[str, Floats], whole: bool = False) -> Floats:
    """Return edges of about 20 bins that hold 99 % of every recording, around whole numbers if `whole`."""
    tops = [float(np.quantile(numbers, 0.99)) for numbers in values.values() if len(numbers)]
    lows = [float(np.quantile(numbers, 0.005)) for numbers in values.values() if len(numbers)]
    low, high = min([0.0, *lows]), max([*tops, 1e-9])
    if whole:
        return np.asarray(np.arange(-0.5, high + 1, max(1, round(high / 20))), float)
    return np.linspace(low, high, 21)


def limits(values: Floats) -> tuple[float, float]:
    """Return the first and the 99th percentile, for the two ends of a colour scale."""
    known = finite(values.ravel())
    return (float(np.quantile(known, 0.01)), float(np.quantile(known, 0.99))) if len(known) else (0.0, 1.0)


def order(values: Floats) -> list[int]:
    """Return an order of neurons in which correlated ones are neighbours (average linkage, optimal leaves)."""
    r = np.nan_to_num(correlation(values))
    n = len(r)
    if n < 3:
        return list(range(n))
    distance = 1 - r[np.triu_indices(n, 1)]
    return [int(leaf) for leaf in leaves_list(linkage(distance, "average", optimal_ordering=n <= 400))]
