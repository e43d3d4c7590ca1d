"""Figures: arrays in, drawn Axes out; nothing is computed here.

>>> import matplotlib
>>> from matplotlib.figure import Figure
>>> from brainsim.plot import STYLE, curves, source_colors
>>> values = {"recorded": [0.9, 0.5, 0.2], "generated": [0.8, 0.5, 0.3]}
>>> with matplotlib.rc_context(STYLE):
...     ax = curves(Figure().subplots(), [0.1, 0.2, 0.3], values, source_colors(values))
>>> [line.get_label() for line in ax.lines]
['recorded', 'generated']
"""

from brainsim.plot.activity import blank, heatmap, raster, responses, scale_bar, traces, trial_marks
from brainsim.plot.benchmark import Place, dots, pairs
from brainsim.plot.celltype import cells_by_set, roc
from brainsim.plot.change import against, groups
from brainsim.plot.checkpoint import over_epochs
from brainsim.plot.connectivity import group_legend, matrix, network, weights
from brainsim.plot.distribution import curves, histograms, report_card
from brainsim.plot.pathway import changes, regression
from brainsim.plot.reliability import reliability
from brainsim.plot.resemblance import resemblance
from brainsim.plot.style import CELL_TYPE, OKABE_ITO, STYLE, group_colors, plain, source_colors

__all__ = [
    "CELL_TYPE",
    "OKABE_ITO",
    "STYLE",
    "Place",
    "against",
    "blank",
    "cells_by_set",
    "changes",
    "curves",
    "dots",
    "group_colors",
    "group_legend",
    "groups",
    "heatmap",
    "histograms",
    "matrix",
    "network",
    "over_epochs",
    "pairs",
    "plain",
    "raster",
    "regression",
    "reliability",
    "report_card",
    "resemblance",
    "responses",
    "roc",
    "scale_bar",
    "source_colors",
    "traces",
    "trial_marks",
    "weights",
]
