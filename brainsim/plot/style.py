"""One style for every figure: colours that colour-blind readers can tell apart, readable at the width of a column."""

from collections.abc import Iterable
from typing import Any

from matplotlib.axes import Axes

OKABE_ITO = {
    "black": "#1a1a1a",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
}
CELL_TYPE = {"E": OKABE_ITO["vermillion"], "I": OKABE_ITO["blue"], "unknown": "#8c8c8c"}
RIVAL = "#9a9a9a"
DIVERGING = "RdBu_r"
SEQUENTIAL = "cividis"
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "none",
}


def source_colors(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each recording, the first (the reference) in black."""
    palette = [OKABE_ITO[name] for name in ("black", "green", "purple", "orange", "sky", "yellow")]
    return {name: palette[place] if place < 1 else palette[1 + (place - 1) % 5] for place, name in enumerate(names)}


def group_colors(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each group of cells; grey for all cells of a type and for those of no group."""
    palette = [OKABE_ITO[name] for name in ("purple", "green", "orange", "sky", "yellow", "black")]
    grey = {"E": "#5c5c5c", "I": CELL_TYPE["I"], "other": "#b0b0b0"}
    named = [name for name in dict.fromkeys(names) if name not in grey]
    return grey | {name: palette[place % len(palette)] for place, name in enumerate(named)}


def plain(text: str, longest: int = 24) -> str:
    """Return text that matplotlib draws as it is: no formulas, not too long."""
    short = text if len(text) <= longest else text[: longest - 1] + "…"
    return short.replace("$", r"\$")


def bare(ax: Axes) -> Axes:
    """Take ticks and spines away."""
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax
