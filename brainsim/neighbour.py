"""Distances between trials, every neuron and frame scaled by its standard deviation in the recording."""

import numpy as np
from sklearn.metrics import pairwise_distances
from sklearn.metrics.pairwise import nan_euclidean_distances

from brainsim.evidence import Sample
from brainsim.missing import Floats, deviation


def distances(rows: Sample, columns: Sample, scale: Sample) -> Floats:
    """Return the Euclidean distance of every row trial to every column trial, missing frames left out.

    Parameters
    ----------
    rows, columns
        Two samples.
    scale
        The sample whose standard deviations make neurons comparable.

    Returns
    -------
    ndarray
        Shape (row trial, column trial); NaN where two trials share no frame.
    """
    spread = deviation(scale.activity, 0)
    spread = np.where(spread > 0, spread, 1.0)
    a, b = ((sample.trace / spread).reshape(len(sample), -1) for sample in (rows, columns))
    if np.isfinite(a).all() and np.isfinite(b).all():
        return np.asarray(pairwise_distances(a, b))
    return np.asarray(nan_euclidean_distances(a, b))


def to_nearest(sample: Sample, known: Sample, scale: Sample) -> Floats:
    """Return the distance of each trial to the nearest known one, shape (trial,)."""
    return _smallest(distances(sample, known, scale))


def among(sample: Sample) -> Floats:
    """Return the distance of each trial to the nearest *other* trial of the same sample, shape (trial,)."""
    between = distances(sample, sample, sample)
    np.fill_diagonal(between, np.inf)
    return _smallest(between)


def _smallest(between: Floats) -> Floats:
    nearest = np.where(np.isfinite(between), between, np.inf).min(1)
    return np.where(np.isfinite(nearest), nearest, np.nan)
