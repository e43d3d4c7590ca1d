"""What learns E and I from labelled cells: one row for each cell, a score, and a calibrated probability.

- features      ranks of the features of a trace -> logistic regression (ridge)
- snippet-svm   snippets -> support vector machine (RBF, C = inf); score of a cell = mean label of its snippets
- probability   sigmoid of the score (Platt), fitted to scores of folds that had not seen the cell
- evidence      log odds of the probability minus log odds of the share of E in training: no prior is left in it
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from sklearn.svm import SVC

from brainsim.snippet import snippets
from brainsim.transient import FEATURES, features

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]

INNER_FOLDS = 5
MOST_RANKS = 100
INFINITE_C = 1e6
MOST_STEPS = 200_000
MOST_SNIPPETS = 3000
SMALLEST_P = 1e-6


@dataclass(frozen=True)
class Method:
    """How cells are told apart.

    Attributes
    ----------
    measure
        Recording with dF/F -> one row for each neuron.
    answers
        Rows -> which of them hold anything to judge by, (neuron,).
    model
        Seed -> a scikit-learn classifier with ``decision_function``.
    rounds
        How often the folds of the validation are drawn anew.
    columns
        Names of the columns of a row; none where rows are snippets.
    """

    measure: Callable[[xr.Dataset], NDArray[Any]]
    answers: Callable[[NDArray[Any]], Labels]
    model: Callable[[int], Any]
    rounds: int = 1
    columns: tuple[str, ...] = ()


class RankedRegression(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression on the ranks of features: nothing beyond training pulls further than a rank."""

    def fit(self, rows: Floats, labels: Labels) -> Self:
        """Learn from rows (cell, feature) and labels (cell,)."""
        self.classes_ = np.array([False, True])
        ranks = QuantileTransformer(n_quantiles=min(MOST_RANKS, len(rows)), subsample=None)  # pyright: ignore[reportArgumentType]
        self.pipeline_: Pipeline = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True), ranks, StandardScaler(), LogisticRegression()
        ).fit(rows, labels)
        return self

    def decision_function(self, rows: Floats) -> Floats:
        """Return the log odds of E, (cell,)."""
        return np.asarray(self.pipeline_.decision_function(rows), np.float64)

    def predict(self, rows: Floats) -> Labels:
        """Tell which cells are more probably E, (cell,)."""
        return self.decision_function(rows) > 0


class SnippetSvm(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Support vector machine on snippets, as published: radial basis functions of width 1 dF/F, C = inf.

    C is 1e6, the solver stops after 200,000 steps, and of more than 3000 snippets 3000 are drawn.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, rows: NDArray[np.object_], labels: Labels) -> Self:
        """Learn from snippets (cell,) and labels (cell,): each snippet has the label of its cell."""
        self.classes_ = np.array([False, True])
        pieces, kind = np.concatenate(list(rows)), np.repeat(labels, [len(row) for row in rows])
        if len(pieces) > MOST_SNIPPETS:
            drawn = np.sort(np.random.default_rng(self.seed).choice(len(pieces), MOST_SNIPPETS, replace=False))
            pieces, kind = pieces[drawn], kind[drawn]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a margin without slack may take for ever
            machine = SVC(kernel="rbf", gamma=1.0, C=INFINITE_C, max_iter=MOST_STEPS)  # pyright: ignore[reportArgumentType]
            self.machine_ = machine.fit(pieces, kind)
        return self

    def decision_function(self, rows: NDArray[np.object_]) -> Floats:
        """Return the mean label of the snippets of each cell (share of E), (cell,)."""
        return np.array([self.machine_.predict(row).mean() for row in rows], dtype=np.float64)

    def predict(self, rows: NDArray[np.object_]) -> Labels:
        """Tell which cells have more snippets of E, (cell,)."""
        return self.decision_function(rows) > 0.5


METHODS = {
    "features": Method(
        features,
        lambda rows: np.asarray(np.isfinite(rows).any(axis=1)),
        lambda seed: RankedRegression(),
        3,
        tuple(FEATURES),
    ),
    "snippet-svm": Method(snippets, lambda rows: np.array([len(row) > 0 for row in rows], bool), SnippetSvm),
}


def rarest(labels: Labels, groups: NDArray[np.str_]) -> int:
    """Return how many groups the rarer type has."""
    return min(len(set(groups[labels == kind])) for kind in (False, True))


def folds(labels: Labels, groups: NDArray[np.str_], most: int, seed: int) -> list[tuple[Any, Any]]:
    """Return splits that keep every group together and the share of E alike; as many as the rarer type has groups."""
    splitter = StratifiedGroupKFold(min(most, rarest(labels, groups)), shuffle=True, random_state=seed)
    return list(splitter.split(labels, labels, groups))


def calibrated(method: Method, rows: NDArray[Any], labels: Labels, groups: NDArray[np.str_], seed: int) -> Any:
    """Fit a model whose probabilities are calibrated on cells that it had not seen.

    Parameters
    ----------
    method
        How cells are told apart.
    rows, labels, groups
        Of the labelled cells: what was measured, whether E, and which cells are one, (cell, ...).
    seed
        Of the folds.
    """
    inner = folds(labels, groups, INNER_FOLDS, seed)
    model = CalibratedClassifierCV(method.model(seed), method="sigmoid", cv=inner, ensemble=False)  # pyright: ignore[reportArgumentType]
    return model.fit(rows, labels)


def evidence(model: Any, rows: NDArray[Any], labels: Labels) -> Floats:
    """Return the log odds of E against I that the rows bring, without the share of E among the training `labels`."""
    p = np.clip(model.predict_proba(rows)[:, 1], SMALLEST_P, 1 - SMALLEST_P)
    share = labels.mean()
    return np.asarray(np.log(p / (1 - p)) - np.log(share / (1 - share)), np.float64)
