"""How well labelled cells are told apart that the model has not seen: grouped by cell, and by data set.

By cell: every trace of a cell is held out together. By data set: a data set that holds both types is held out whole;
one that holds a single type is held out together with one of the other type, so that no model can win by knowing a data
set again. Where that leaves too few cells of a type to learn from, nothing can be said.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainsim.cell_model import Floats, Labels, Method, calibrated, evidence, folds, rarest
from brainsim.progress import Progress, silent
from brainsim.told_apart import rates

CELL_FOLDS = 10
FEWEST = 3


@dataclass(frozen=True, eq=False)
class Labelled:
    """Cells of known type.

    Attributes
    ----------
    rows
        What was measured, (cell, ...).
    excitatory
        (cell,).
    cell, data_set
        Which cell and which data set a row belongs to, (cell,).
    answered
        Rows that hold anything to judge by, (cell,).
    """

    rows: NDArray[Any]
    excitatory: Labels
    cell: NDArray[np.str_]
    data_set: NDArray[np.str_]
    answered: Labels

    def trained(self, method: Method, at: NDArray[np.int64], seed: int) -> Any:
        """Return a calibrated model of some of the cells."""
        return calibrated(method, self.rows[at], self.excitatory[at], self.cell[at], seed)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What models said of cells that they had not seen.

    Attributes
    ----------
    grouping
        ``cell`` or ``data set``.
    evidence
        Log odds of E against I without a prior, mean over folds, NaN where there is no answer, (cell,).
    probability
        Of E, with the share of E in training as prior, (cell,).
    tested
        Cells that were held out, those without an answer among them, (cell,).
    folds
        Name, accuracy and AUC of each fold.
    """

    grouping: str
    evidence: Floats
    probability: Floats
    tested: Labels
    folds: tuple[tuple[str, float, float], ...]


def by_cell(known: Labelled, method: Method, seed: int, progress: Progress = silent) -> HeldOut:
    """Hold out cells: ten folds, or as many as the rarer type has cells, drawn anew for each of the method's rounds."""
    at = np.flatnonzero(known.answered)
    splits = [
        (f"{turn}.{place}", at[train], at[test])
        for turn in range(method.rounds)
        for place, (train, test) in enumerate(folds(known.excitatory[at], known.cell[at], CELL_FOLDS, seed + turn))
    ]
    return _held_out("cell", known, method, splits, np.ones(len(known.cell), bool), seed, progress)


def by_data_set(known: Labelled, method: Method, seed: int, progress: Progress = silent) -> HeldOut | None:
    """Hold out data sets; None where no fold leaves 3 cells of each type to learn from."""
    splits, tested = [], np.zeros(len(known.cell), bool)
    for names in _held_sets(known):
        held = np.isin(known.data_set, names)
        train, test = _split(known, held)
        if len(test) and rarest(known.excitatory[train], known.cell[train]) >= FEWEST:
            splits.append((" + ".join(names), train, test))
            tested |= held
    return _held_out("data set", known, method, splits, tested, seed, progress) if splits else None


def _held_sets(known: Labelled) -> Iterator[tuple[str, ...]]:
    """Give the data sets that are held out together: one of both types, or a pair of one type each."""
    kinds = {name: set(known.excitatory[known.data_set == name].tolist()) for name in np.unique(known.data_set)}
    yield from ((str(name),) for name, kind in kinds.items() if len(kind) == 2)
    single = [[str(name) for name, kind in kinds.items() if kind == {side}] for side in (True, False)]
    yield from product(*single)


def _split(known: Labelled, held: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows to learn from and to judge; a cell that is held out is nowhere in training."""
    kept = ~held & ~np.isin(known.cell, known.cell[held]) & known.answered
    return np.flatnonzero(kept), np.flatnonzero(held & known.answered)


def _held_out(
    grouping: str,
    known: Labelled,
    method: Method,
    splits: list[tuple[str, Any, Any]],
    tested: Labels,
    seed: int,
    progress: Progress,
) -> HeldOut:
    """Train on each split and average what the models say of each cell."""
    total, odds, count = (np.zeros(len(known.cell)) for _ in range(3))
    named = []
    for done, (name, train, test) in enumerate(splits, 1):
        truth, share = known.excitatory[test], known.excitatory[train].mean()
        found = evidence(known.trained(method, train, seed), known.rows[test], known.excitatory[train])
        logit = found + np.log(share / (1 - share))
        total[test] += found
        odds[test] += logit
        count[test] += 1
        accuracy, _, auc = rates(truth, (logit > 0) == truth, found)
        named.append((name, accuracy, auc))
        progress(done, len(splits), f"{grouping} {name}")
    mean, logit = (np.divide(each, count, out=np.full(len(count), np.nan), where=count > 0) for each in (total, odds))
    return HeldOut(grouping, mean, 1 / (1 + np.exp(-logit)), tested, tuple(named))
