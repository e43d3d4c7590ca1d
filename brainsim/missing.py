"""Arithmetic that leaves missing values out: NaN is never filled in."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def mean(values: Floats, axis: int) -> Floats:
    """Return the mean without the missing values; NaN where all are missing, with no warning."""
    n = np.isfinite(values).sum(axis)
    total: Floats = np.nansum(values, axis)
    result: Floats = np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)
    return result


def deviation(values: Floats, axis: int) -> Floats:
    """Return the standard deviation without the missing values; NaN where all are missing, with no warning."""
    return np.asarray(np.sqrt(mean((values - np.expand_dims(mean(values, axis), axis)) ** 2, axis)))


def correlation(values: Floats) -> Floats:
    """Return Pearson's r of every pair of columns over the rows that both have.

    Parameters
    ----------
    values
        Shape (row, column), NaN where missing.

    Returns
    -------
    ndarray
        Shape (column, column); NaN where a column does not vary or fewer than three rows are shared.
    """
    known = np.isfinite(values).astype(float)
    x = np.where(known > 0, values - mean(values, 0), 0.0)
    if known.all():  # one product of matrices in place of three
        n = np.full((x.shape[1],) * 2, float(len(x)))
        total, square = (np.broadcast_to(part.sum(0)[:, None], n.shape) for part in (x, x * x))
    else:
        n, total, square = known.T @ known, x.T @ known, (x * x).T @ known
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = square - total**2 / n
        r: Floats = (x.T @ x - total * total.T / n) / np.sqrt(variance * variance.T)
    noise = 1e-12 * np.maximum(square, 1e-300)
    r[(n < 3) | (variance <= noise) | (variance.T <= noise.T)] = np.nan
    return r
