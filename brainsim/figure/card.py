"""The report card: every metric against its floor, in one figure."""

import numpy as np
from matplotlib.figure import Figure

from brainsim import plot, verdict
from brainsim.catalog import entries
from brainsim.comparison import Comparison
from brainsim.figure.panel import Picture
from brainsim.statistic import Statistic
from brainsim.yardstick import Score


def report_card(comparison: Comparison) -> Picture:
    """Draw how far every metric that counts is beyond its floor."""
    statistics = {name: kind() for name, kind in entries("statistic").items() if kind.decides}
    rows = sorted(statistics, key=verdict.place)
    first = next(iter(comparison.scores.values()))
    excess = {
        source: np.array([_excess(statistics[name], scores[name], scores[name].value) for name in rows])
        for source, scores in comparison.scores.items()
    }
    title = "best free rival"
    excess[title] = np.array([_excess(statistics[name], first[name], first[name].rival) for name in rows])
    kept = np.isfinite(np.stack(list(excess.values()))).any(0)
    figure = Figure(figsize=(7.5, 1.1 + 0.34 * max(1, kept.sum())), layout="constrained")
    colors = {name: color for name, color in plot.source_colors(comparison.aligned.samples).items() if name in excess}
    plot.report_card(
        figure.subplots(),
        [statistics[rows[i]].title for i in np.flatnonzero(kept)],
        {n: v[kept] for n, v in excess.items()},
        colors,
    )
    caption = (
        "Each metric against its real-vs-real floor: 0 is as good as real held-out trials, the green zone is within "
        "its tolerance and three standard errors. The grey cross is the best rival that costs nothing."
    )
    return Picture("report_card", "Report card", caption, figure)


def _excess(statistic: Statistic, score: Score, value: float | None) -> float:
    return float("nan") if value is None or score.floor is None else verdict.excess(statistic, score, value)
