"""How well E and I were told apart, with intervals over cells.

Each cell counts once, however many traces it has; one without an answer counts as wrong. Accuracy has the exact
binomial interval (Clopper & Pearson 1934), which does not close where every cell is right; it, balanced accuracy and
AUC have a bootstrap interval over cells, drawn within E and within I.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, rankdata

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]

DRAWS = 2000
LEVEL = (2.5, 97.5)


def told_apart(
    excitatory: Labels, evidence: Floats, probability: Floats, cell: NDArray[np.str_], seed: int
) -> dict[str, Any]:
    """Hold answers against the truth.

    Parameters
    ----------
    excitatory
        Truth, (trace,).
    evidence
        Log odds of E against I, NaN where there is no answer, (trace,).
    probability
        Of E, prior included, (trace,).
    cell
        Which cell each trace is of, (trace,).
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        `cells`, `unanswered`, `accuracy` with `ci95` (exact) and `ci95_bootstrap`, `majority_share`,
        `balanced_accuracy` with `balanced_ci95`, `auc` with `auc_ci95`, `brier`; NaN what one type alone cannot tell.
    """
    truth, odds, p = _one_for_each(excitatory, evidence, probability, cell)
    right = (p > 0.5) == truth
    right &= np.isfinite(odds)
    score = np.where(np.isfinite(odds), odds, 0.0)
    exact = binomtest(int(right.sum()), len(right)).proportion_ci()
    drawn = np.array([rates(truth[at], right[at], score[at]) for at in _draws(truth, seed)])
    low, high = np.nanpercentile(drawn, LEVEL, axis=0) if 0 < truth.mean() < 1 else np.full((2, 3), np.nan)
    accuracy, balanced, auc = rates(truth, right, score)
    return {
        "cells": len(truth),
        "unanswered": int((~np.isfinite(odds)).sum()),
        "accuracy": accuracy,
        "ci95": [float(exact.low), float(exact.high)],
        "ci95_bootstrap": [float(low[0]), float(high[0])],
        "majority_share": float(max(truth.mean(), 1 - truth.mean())),
        "balanced_accuracy": balanced,
        "balanced_ci95": [float(low[1]), float(high[1])],
        "auc": auc,
        "auc_ci95": [float(low[2]), float(high[2])],
        "brier": float(np.mean((np.where(np.isfinite(p), p, 0.5) - truth) ** 2)),
    }


def _one_for_each(
    excitatory: Labels, evidence: Floats, probability: Floats, cell: NDArray[np.str_]
) -> tuple[Labels, Floats, Floats]:
    """Return truth, mean evidence and mean probability of each cell, NaN where no trace of it has an answer."""
    _, first, place = np.unique(cell, return_index=True, return_inverse=True)
    said = np.isfinite(evidence)
    n = np.bincount(place[said], minlength=len(first))
    means = [
        np.divide(np.bincount(place[said], each[said], len(first)), n, out=np.full(len(first), np.nan), where=n > 0)
        for each in (evidence, probability)
    ]
    return excitatory[first], means[0], means[1]


def _draws(truth: Labels, seed: int) -> list[NDArray[np.int64]]:
    """Return cells drawn with replacement within E and within I, once for each of the bootstrap's turns."""
    rng = np.random.default_rng(seed)
    sides = [np.flatnonzero(truth == kind) for kind in (False, True)]
    return [np.concatenate([rng.choice(side, len(side)) for side in sides if len(side)]) for _ in range(DRAWS)]


def rates(truth: Labels, right: Labels, score: Floats) -> tuple[float, float, float]:
    """Return accuracy, balanced accuracy and AUC (the Mann-Whitney statistic: ties count half)."""
    e, i = int(truth.sum()), int((~truth).sum())
    if not e or not i:
        return float(right.mean()), np.nan, np.nan
    auc = (rankdata(score)[truth].sum() - e * (e + 1) / 2) / (e * i)
    return float(right.mean()), float((right[truth].mean() + right[~truth].mean()) / 2), float(auc)
