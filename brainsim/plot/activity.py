"""Activity: rasters, traces, responses."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from brainsim.missing import Floats
from brainsim.plot.style import SEQUENTIAL, bare, plain


def raster(ax: Axes, event: Floats, seconds: float, color: str = "#1a1a1a") -> Axes:
    """Draw one tick for each active frame.

    Parameters
    ----------
    ax
        Where to draw.
    event
        1 where active, shape (time, neuron); missing frames are left white.
    seconds
        Length of the stretch [s].
    color
        Of the ticks.
    """
    frame, neuron = np.nonzero(np.nan_to_num(event) > 0)
    at = (frame + 0.5) * seconds / len(event)
    ax.vlines(at, neuron - 0.42, neuron + 0.42, color=color, linewidth=0.9)
    ax.set(xlim=(0, seconds), ylim=(event.shape[1] - 0.5, -0.5), xlabel="time (s)")
    return ax


def heatmap(ax: Axes, values: Floats, limits: tuple[float, float]) -> Axes:
    """Draw a matrix from dark (low) to bright (high); missing values are white (colour bar: ``ax.images[0]``)."""
    ax.imshow(values, aspect="auto", cmap=SEQUENTIAL, vmin=limits[0], vmax=limits[1], interpolation="nearest")
    ax.locator_params(axis="y", integer=True)
    return ax


def traces(ax: Axes, trace: Floats, seconds: float, spacing: float, color: str = "#1a1a1a") -> Axes:
    """Draw the traces of a few neurons one below the other, with a scale bar of the height of the spacing.

    Parameters
    ----------
    ax
        Where to draw.
    trace
        Shape (time, neuron).
    seconds
        Length of the stretch [s].
    spacing
        Distance of two traces, in units of the trace.
    color
        Of the lines.
    """
    time = np.arange(len(trace)) * seconds / len(trace)
    for place in range(trace.shape[1]):
        ax.plot(time, trace[:, place] - place * spacing, color=color, linewidth=0.8, clip_on=True)
    ax.set(xlim=(0, seconds), ylim=(-(trace.shape[1] - 0.4) * spacing, 1.9 * spacing), xlabel="time (s)")
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    return ax


def scale_bar(ax: Axes, height: float, label: str) -> Axes:
    """Draw a vertical bar at the right edge, as high as `height` in data units."""
    low = ax.get_ylim()[0] + 0.1 * height
    ax.annotate(
        "",
        (1.012, low + height),
        (1.012, low),
        xycoords=ax.get_yaxis_transform(),
        annotation_clip=False,
        arrowprops={"arrowstyle": "-", "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0},
    )
    ax.text(1.025, low + height / 2, label, transform=ax.get_yaxis_transform(), va="center", fontsize=7.5, rotation=90)
    return ax


def trial_marks(ax: Axes, edges: Sequence[float], names: Sequence[str]) -> Axes:
    """Mark where trials begin, and name the stimulus of each above."""
    for edge in edges[1:-1]:
        ax.axvline(edge, color="#bbbbbb", linewidth=0.6, zorder=0)
    size = 6.5 if len(names) > 6 else 7.5
    for start, stop, name in zip(edges[:-1], edges[1:], names, strict=True):
        ax.text(
            (start + stop) / 2,
            1.005,
            plain(name, 9),
            transform=ax.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize=size,
            color="#555555",
            rotation=30 if len(names) > 4 else 0,
        )
    return ax


def responses(ax: Axes, values: Floats, stimuli: Sequence[str], limits: tuple[float, float]) -> Axes:
    """Draw the mean response of each neuron (row) to each stimulus (column).

    Parameters
    ----------
    ax
        Where to draw.
    values
        Shape (stimulus, neuron).
    stimuli
        Names of the columns.
    limits
        Values at the two ends of the colours.
    """
    heatmap(ax, values.T, limits)
    ax.set_xticks(range(len(stimuli)), [plain(name, 10) for name in stimuli], rotation=60, ha="right", fontsize=7)
    return ax


def blank(ax: Axes, reason: str) -> Axes:
    """Say why there is nothing to draw."""
    bare(ax).text(
        0.5, 0.5, reason, ha="center", va="center", color="#777777", fontsize=8, wrap=True, transform=ax.transAxes
    )
    return ax
