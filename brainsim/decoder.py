"""Classifiers that read the stimulus, or the origin, of a trial: scaled inside the fit, missing frames at the mean."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from brainsim.evidence import Sample, Split
from brainsim.missing import Floats

TREES = 150


def scaled(classifier: ClassifierMixin) -> Pipeline:
    """Put a classifier behind an imputer and a scaler that both learn from the training trials only."""
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), classifier)


def linear_svm() -> Pipeline:
    """Return the stimulus decoder: a linear support vector machine, C = 1 (as the original project's)."""
    return scaled(SVC(kernel="linear"))


def decode(training: Sample, test: Sample) -> NDArray[np.bool_]:
    """Tell for each test trial of a stimulus seen in training whether the decoder names it right, shape (trial,)."""
    test = test.take(np.isin(test.labels, training.stimuli))
    if len(training.stimuli) < 2 or not len(test):
        return np.zeros(0, bool)
    model = linear_svm().fit(training.feature, training.labels)
    return np.asarray(model.predict(test.feature) == test.labels)


def origins(pair: tuple[Sample, Sample], seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return the trials of both samples as rows, and 0 or 1 for the sample that each is from.

    A frame of a neuron that one side misses in every trial is left out of both. Where it is missing in some trials
    only, a value of another trial of the same side stands in (a hot deck), so that missing values give nobody away.
    """
    rng = np.random.default_rng(seed)
    seen = np.logical_and.reduce([np.isfinite(sample.feature).any(0) for sample in pair])
    feature = np.concatenate([_hot_deck(sample.feature[:, seen], rng) for sample in pair])
    origin = np.repeat([0, 1], [len(sample) for sample in pair])
    return feature, origin


def told_by_line(pair: tuple[Sample, Sample], seed: int) -> NDArray[np.bool_]:
    """Tell for each trial whether a linear SVM trained on four fifths of the others names its sample right."""
    feature, origin = origins(pair, seed)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    return np.asarray(cross_val_predict(linear_svm(), feature, origin, cv=folds) == origin)


def told_by_forest(pair: tuple[Sample, Sample], seed: int) -> NDArray[np.bool_]:
    """Tell for each trial whether those trees of a random forest that have not seen it name its sample right."""
    feature, origin = origins(pair, seed)
    forest = RandomForestClassifier(TREES, oob_score=True, random_state=seed, n_jobs=1).fit(feature, origin)
    return np.asarray((forest.oob_decision_function_[:, 1] > 0.5) == origin)


def _hot_deck(feature: Floats, rng: np.random.Generator) -> Floats:
    """Put a known value of the same column, drawn at random, in the place of each missing one."""
    complete = feature.copy()
    for column in np.flatnonzero(np.isnan(feature).any(0)):
        missing = np.isnan(feature[:, column])
        complete[missing, column] = rng.choice(feature[~missing, column], int(missing.sum()))
    return complete


@lru_cache(maxsize=2)
def _reader(split: Split) -> Pipeline:
    """Train p(stimulus | trial) once on the real training trials.

    Multinomial logistic regression; the penalty grows with the number of features (C = 8 over it), so that
    probabilities stay graded whether a trial has 259 numbers or 7511: a saturated classifier gives every recording the
    same score.
    """
    feature = split.training.feature
    model = scaled(LogisticRegression(C=8 / feature.shape[1], max_iter=1000))
    return model.fit(feature, split.training.labels)


def posterior(split: Split, sample: Sample) -> Floats:
    """Return p(stimulus | trial) by a classifier trained on real training trials only, shape (trial, stimulus)."""
    return np.asarray(_reader(split).predict_proba(sample.feature), float)
