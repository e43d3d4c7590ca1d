"""Classifiers that read the stimulus, or the origin, of a trial: scaled inside the fit, missing frames put at the mean."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from brainsim.evidence import Floats, Sample, Split


def scaled(classifier: ClassifierMixin) -> Pipeline:
    """Put a classifier behind an imputer and a scaler that both learn from the training trials only."""
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), classifier)


def linear_svm() -> Pipeline:
    """Return the stimulus decoder: a linear support vector machine, C = 1 (as the original project's)."""
    return scaled(SVC(kernel="linear"))


def decode(training: Sample, test: Sample) -> NDArray[np.bool_]:
    """Return, for each test trial of a stimulus seen in training, whether the decoder names it right, shape (trial,)."""
    test = test.take(np.isin(test.labels, training.stimuli))
    if len(training.stimuli) < 2 or not len(test):
        return np.zeros(0, bool)
    model = linear_svm().fit(training.feature, training.labels)
    return np.asarray(model.predict(test.feature) == test.labels)


def tell_apart(pair: tuple[Sample, Sample], classifier: Any, seed: int) -> NDArray[np.bool_]:
    """Return, for each trial of both samples, whether the five-fold out-of-fold prediction of its origin is right."""
    feature = np.concatenate([sample.feature for sample in pair])
    origin = np.repeat([0, 1], [len(sample) for sample in pair])
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    return np.asarray(cross_val_predict(scaled(classifier), feature, origin, cv=folds) == origin)


@lru_cache(maxsize=2)
def _reader(split: Split) -> Any:
    """Train p(stimulus | trial) once on the real training trials: a linear SVM with Platt's sigmoid."""
    fewest = min(int(split.training.where(name).sum()) for name in split.training.stimuli)
    calibrated = CalibratedClassifierCV(SVC(kernel="linear"), ensemble=False, cv=min(5, fewest))
    return scaled(calibrated).fit(split.training.feature, split.training.labels)


def posterior(split: Split, sample: Sample) -> Floats:
    """Return p(stimulus | trial) by a classifier trained on real training trials only, shape (trial, stimulus)."""
    return np.asarray(_reader(split).predict_proba(sample.feature), float)
