"""What held-out cells say of a classifier, and what they do not say."""

from typing import Any

from brainsim.told_apart import told_apart
from brainsim.trace_evidence import TraceEvidence

CHANCE = 0.5


def validation(traces: TraceEvidence, seed: int) -> dict[str, Any]:
    """Return how well held-out cells were told apart, by `cell` and `data_set` (None: cannot be tested)."""
    known = traces.known
    found: dict[str, Any] = {"cell": None, "data_set": None}
    for held in traces.held_out:
        tested = held.tested
        truth, cell = known.excitatory[tested], known.cell[tested]
        figures = told_apart(truth, held.evidence[tested], held.probability[tested], cell, seed)
        figures |= {"grouping": held.grouping, "data_sets": len(set(known.data_set[tested].tolist()))}
        if held.grouping == "data set":
            figures["folds"] = [{"held_out": name, "accuracy": a, "auc": auc} for name, a, auc in held.folds]
        found[held.grouping.replace(" ", "_")] = figures
    return found


def doubts(tables: dict[str, Any]) -> list[str]:
    """Say where the figures by cell may come from knowing the data set (indicator, microscope, laboratory) again."""
    sets = tables["data_set"]
    if sets is None:
        return [
            "no data set could be held out: what tells the types apart may be the data sets (indicator, microscope, "
            "laboratory)"
        ]
    if tables["cell"]["balanced_ci95"][0] > CHANCE and not sets["balanced_ci95"][0] > CHANCE:
        return [
            "cells of data sets that were held out are told no better than by chance (balanced accuracy "
            f"{sets['balanced_accuracy']:.2f}): what tells the types apart in training may be the data sets "
            "(indicator, microscope, laboratory); do not use it for recordings of another kind"
        ]
    return []
