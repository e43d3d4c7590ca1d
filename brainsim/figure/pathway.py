"""Figures of what changed between groups of cells: fraction changes, normalised increases, regressions over repeats."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from brainsim import fraction_change, plot, regression
from brainsim.figure.panel import Picture
from brainsim.missing import Floats

PER_CENT = 100.0


def change_pictures(changes: xr.Dataset, lines: pd.DataFrame, truth: xr.Dataset | None = None) -> Iterator[Picture]:
    """Make the figures of a fit.

    Parameters
    ----------
    changes
        As :func:`brainsim.fraction_change.fraction_changes` returns them.
    lines
        Regressions over repeats, as :func:`brainsim.regression.regressions` returns them.
    truth
        The same of the true weights, where they are known.
    """
    yield _fraction_picture(changes, truth)
    yield _increase_picture(changes)
    yield _regression_picture(changes, lines)


def _fraction_picture(changes: xr.Dataset, truth: xr.Dataset | None) -> Picture:
    """Draw the fraction change of every pathway, beside the true one where it is known."""
    columns = {"network": changes} | ({} if truth is None else {"truth": truth})
    figure = Figure(figsize=(4.2 * len(columns), 4.6), layout="constrained")
    parts = _by_type(changes)
    grid = figure.subplots(
        len(parts), len(columns), squeeze=False, sharex="col", height_ratios=[len(part) for part in parts]
    )
    for column, (name, each) in enumerate(columns.items()):
        for row, part in enumerate(parts):
            _rows(grid[row][column], each.isel(pathway=part), "fraction_change")
        if truth is not None:
            grid[0][column].set_title({"network": "fitted network", "truth": "simulated truth"}[name])
        grid[-1][column].set_xlabel("fraction change of weights (%; mean and s.e.)")
    for axes in grid[:, 1:].ravel():
        axes.set_yticklabels([])
    repeats = changes.sizes["repeat"]
    over = f"{repeats} repeats (ticks)" if repeats > 1 else "synapses, as there is one repeat"
    caption = f"Mean and standard error over {over}. Above: excitatory synapses; below: synapses of inhibitory cells."
    caption += "" if truth is None else " True weights: standard error over synapses."
    return Picture("fraction_change", "Fraction change between groups", caption, figure)


def _increase_picture(changes: xr.Dataset) -> Picture:
    """Draw the growth of every pathway relative to that of all synapses of its kind."""
    shown = changes.isel(pathway=np.flatnonzero(changes["reference"].values != changes["pathway"].values))
    parts = _by_type(shown)
    figure = Figure(figsize=(4.6, 3.9), layout="constrained")
    panels = figure.subplots(len(parts), 1, squeeze=False, height_ratios=[len(part) for part in parts])[:, 0]
    for ax, part in zip(panels, parts, strict=True):
        _rows(ax, shown.isel(pathway=part), "increase")
        ax.set_xlabel(
            f"increase relative to {shown['reference'].values[part[0]].replace('->', ' → ')} (%; mean and s.e.)"
        )
    caption = "(FC - FC_E) / FC_E. Mean and standard error over repeats (ticks)."
    return Picture("normalised_increase", "Normalised increase", caption, figure)


def _regression_picture(changes: xr.Dataset, lines: pd.DataFrame) -> Picture:
    """Draw the increase of one pathway over that of another, one point for each repeat."""
    figure = Figure(figsize=(3.8 * len(lines), 3.7), layout="constrained")
    for ax, row in zip(np.atleast_1d(figure.subplots(1, len(lines))), lines.to_dict("records"), strict=True):
        x, y = (changes["increase"].sel(pathway=row[key]).values * PER_CENT for key in ("x", "y"))
        known = np.isfinite(x) & np.isfinite(y)
        if not np.isfinite(row["slope"]):
            which = " on ".join(row[key].replace("->", " → ") for key in ("y", "x"))
            plot.blank(ax, f"{which}:\nno regression, {row['repeats']} repeats with a value")
            continue
        at = np.linspace(*_widened(x[known]), 60)
        plot.regression(ax, x[known], y[known], (at, *regression.band(x[known], y[known], at)))
        for axis, key in ((ax.set_xlabel, "x"), (ax.set_ylabel, "y")):
            axis(f"increase of {row[key].replace('->', ' → ')} (%)")
        interval = f"slope {row['slope']:.2f} [{row['slope_low']:.2f}, {row['slope_high']:.2f}]"
        random = f"random groups: $R^2$ = {row['r_squared_random']:.2f}"
        title = f"$R^2$ = {row['r_squared']:.2f}, {interval}, p = {row['p']:.2g}\n{random}"
        ax.set_title(title, fontsize=8, weight="normal")
    caption = "One point for each random initialisation; least squares with its 95 % confidence band."
    return Picture("regressions", "Regressions over repeats", caption, figure)


def _widened(values: Floats) -> tuple[float, float]:
    margin = 0.06 * float(np.ptp(values))
    return float(values.min()) - margin, float(values.max()) + margin


def _by_type(changes: xr.Dataset) -> list[list[int]]:
    """Return which pathways begin at excitatory groups, and which at inhibitory cells."""
    inhibitory = changes["pre"].values == "I"
    return [part for part in (np.flatnonzero(~inhibitory).tolist(), np.flatnonzero(inhibitory).tolist()) if part]


def _rows(ax: Axes, changes: xr.Dataset, measure: str) -> None:
    """Draw pathways as rows; the error is over repeats, over synapses where there is one repeat."""
    table = fraction_change.table(changes)
    error = table["sem_repeats" if measure == "fraction_change" else "increase_sem"].to_numpy(float)
    if changes.sizes["repeat"] == 1 and measure == "fraction_change":
        error = table["sem_synapses"].to_numpy(float)
    points = changes[measure].transpose("pathway", "repeat").values * PER_CENT
    colors = plot.group_colors(changes.attrs["groups"])
    middle = table[measure].to_numpy(float)
    plot.changes(
        ax, _names(changes), points, middle * PER_CENT, error * PER_CENT, [colors[n] for n in changes["post"].values]
    )


def _names(changes: xr.Dataset) -> Sequence[str]:
    return [str(name) for name in changes["pathway"].values]
