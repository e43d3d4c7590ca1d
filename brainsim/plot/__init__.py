"""Figures: arrays in, drawn Axes out; nothing is computed here.

>>> from brainsim.plot import STYLE, raster
>>> sorted(STYLE)[0]
'axes.labelsize'
"""

from brainsim.plot.activity import blank, heatmap, raster, responses, scale_bar, traces, trial_marks
from brainsim.plot.benchmark import dots, pairs
from brainsim.plot.connectivity import matrix, network, weights
from brainsim.plot.distribution import curves, histograms, report_card
from brainsim.plot.resemblance import resemblance
from brainsim.plot.style import CELL_TYPE, OKABE_ITO, STYLE, plain, source_colors

__all__ = [
    "CELL_TYPE",
    "OKABE_ITO",
    "STYLE",
    "blank",
    "curves",
    "dots",
    "heatmap",
    "histograms",
    "matrix",
    "network",
    "pairs",
    "plain",
    "raster",
    "report_card",
    "resemblance",
    "responses",
    "scale_bar",
    "source_colors",
    "traces",
    "trial_marks",
    "weights",
]
