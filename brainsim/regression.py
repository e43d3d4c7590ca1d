"""Straight lines through the repeats of a fit: whether one pathway grows more where another does.

    y = intercept + slope x    by least squares; confidence from Student's t with n - 2 degrees of freedom

Repeats are runs from other random weights on one recording: a small p value is about these weights, not about animals.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from brainsim.missing import Floats

FEWEST_REPEATS = 3
CONFIDENCE = 0.95


def regressions(changes: xr.Dataset, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Regress the normalised increase of one pathway on that of another, over repeats.

    Parameters
    ----------
    changes
        As :func:`fraction_changes` returns them.
    pairs
        Pathways (y, x).

    Returns
    -------
    DataFrame
        `y`, `x`, `repeats`, `slope`, `intercept`, `r_squared`, the 95 % confidence interval of the slope `slope_low`,
        `slope_high`, and `p` (of a slope of 0; Student's t). NaN where fewer than 3 repeats are known.
    """
    rows = []
    for y_name, x_name in pairs:
        x, y = (changes["increase"].sel(pathway=name).values for name in (x_name, y_name))
        known = np.isfinite(x) & np.isfinite(y)
        row: dict[str, object] = {"y": y_name, "x": x_name, "repeats": int(known.sum())}
        nothing = dict.fromkeys(("slope", "intercept", "r_squared", "slope_low", "slope_high", "p"), np.nan)
        enough = known.sum() >= FEWEST_REPEATS and np.ptp(x[known]) > 0
        rows.append(row | (_line(x[known], y[known]) if enough else nothing))
    return pd.DataFrame(rows)


def _line(x: Floats, y: Floats) -> dict[str, float]:
    """Fit a straight line by least squares."""
    found = stats.linregress(x, y)
    half = stats.t.ppf(0.5 + CONFIDENCE / 2, len(x) - 2) * found.stderr
    return {
        "slope": found.slope,
        "intercept": found.intercept,
        "r_squared": found.rvalue**2,
        "slope_low": found.slope - half,
        "slope_high": found.slope + half,
        "p": found.pvalue,
    }


def band(x: Floats, y: Floats, at: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the regression line and its 95 % confidence band at the places `at`.

    Parameters
    ----------
    x, y
        One point for each repeat, (repeat,); at least 3.
    at
        Where to evaluate, (point,).
    """
    line, n = stats.linregress(x, y), len(x)
    middle = line.intercept + line.slope * at
    residual = np.sqrt(np.sum((y - line.intercept - line.slope * x) ** 2) / (n - 2))
    spread = residual * np.sqrt(1 / n + (at - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2))
    half = stats.t.ppf(0.5 + CONFIDENCE / 2, n - 2) * spread
    return middle, middle - half, middle + half
