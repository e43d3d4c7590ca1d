"""The figure of a classification of cells: what was said of cells that were held out."""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from brainsim import plot
from brainsim.figure.panel import Picture
from brainsim.trace_evidence import TraceEvidence
from brainsim.validation import validation

ROW_IN = 0.42


def picture(traces: TraceEvidence, seed: int = 0) -> Picture:
    """Draw the probability of every labelled cell by data set, and ROC curves by grouping.

    Parameters
    ----------
    traces
        What the classifier said of cells that it had not seen.
    seed
        Of the bootstrap.
    """
    known, held = traces.known, traces.held_out
    names, place = np.unique(known.data_set, return_inverse=True)
    kind = np.where(known.excitatory, "E", "I")
    figures = validation(traces, seed)
    curves = {}
    for each in held:
        at = each.tested
        false, true, _ = roc_curve(known.excitatory[at], np.nan_to_num(each.evidence[at]), drop_intermediate=False)
        curves[f"by {each.grouping}: AUC {figures[each.grouping.replace(' ', '_')]['auc']:.2f}"] = (false, true)
    shown = [name.rsplit("/", 1)[-1] for name in names.tolist()]
    with mpl.rc_context(plot.STYLE):
        figure = Figure(figsize=(7.2, max(2.9, 1.1 + ROW_IN * len(names))), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.35, 1))
        p = np.where(np.isfinite(held[0].evidence), held[0].probability, 0.5)
        plot.cells_by_set(left, shown, place, p, kind)
        left.set_title("a  Each labelled cell")
        left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, handletextpad=0.1)
        plot.roc(right, curves, [plot.OKABE_ITO["black"], plot.OKABE_ITO["orange"]])
        right.set_title("b  ROC")
    caption = (
        "a: probability of E of every labelled cell, by models that had not seen it; colour is the true type, 0.5 "
        "a trace without an answer. b: ROC curves with cells held out and with data sets held out."
    )
    return Picture("celltype", "Excitatory and inhibitory cells told apart", caption, figure)
