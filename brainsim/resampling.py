"""Traces of any frame rate at another one."""

import numpy as np
from numpy.typing import NDArray

from brainsim.trial import segments

Floats = NDArray[np.float64]

SHORTEST_RUN_S = 2.0


def even_runs(time: Floats, values: Floats, rate: float, to: float) -> list[tuple[float, Floats]]:
    """Return the gap-free runs of one trace, averaged over time to another frame rate.

    Parameters
    ----------
    time
        Of each frame [s], (time,).
    values
        dF/F, NaN where missing, (time,).
    rate, to
        Frame rate of the trace and of the result [Hz].

    Returns
    -------
    list of (float, ndarray)
        Start [s] and values of each run that lasts 2 s.
    """
    found = []
    for part in segments(time, rate):
        seen = np.isfinite(values[part])
        edges = np.flatnonzero(np.diff(np.concatenate([[0], seen.astype(np.int8), [0]]))).reshape(-1, 2)
        for first, last in edges + part.start:
            if (last - first) / rate >= SHORTEST_RUN_S:
                found.append(_averaged(time[first:last], values[first:last], rate, to))
    return found


def _averaged(time: Floats, values: Floats, rate: float, to: float) -> tuple[float, Floats]:
    """Return one run as means over steps of ``1 / to``: differences of its integral."""
    begin = time[0] - 0.5 / rate
    border = np.concatenate([[begin], time + 0.5 / rate])
    integral = np.concatenate([[0.0], np.cumsum(values * np.diff(border))])
    grid = begin + np.arange(int((border[-1] - begin) * to + 1e-6) + 1) / to
    return float(begin), np.diff(np.interp(grid, border, integral)) * to
