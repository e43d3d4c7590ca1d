"""What all cells share, taken off each of them: neuropil and movement follow the stimulus like a response.

    x_i <- x_i - k_i m_i    m_i = mean of all other cells,    k_i = max(0, cov(x_i, m_i) / var(m_i))

k is fitted to frames without a stimulus, so that a response which many cells have in common is not taken for light
that they share. m still holds their responses: weak ones are lost rather than false ones found.
"""

import numpy as np
from numpy.typing import NDArray

from brainsim.missing import Floats, mean

FEWEST_CELLS = 10
FEWEST_FRAMES = 100


def without_shared(trace: Floats, quiet: NDArray[np.bool_]) -> Floats:
    """Take off each cell what it shares with the mean of all others.

    Parameters
    ----------
    trace
        Activity, (frame, neuron), NaN where missing; fewer than 10 cells are no measure of what is shared.
    quiet
        Frames without a stimulus, (frame,); where they are fewer than 100, all are used.
    """
    used = quiet if quiet.sum() >= FEWEST_FRAMES else np.ones(len(trace), bool)
    filled = np.nan_to_num(np.where(np.isfinite(trace), trace, mean(trace, 0)))
    others = (filled.sum(1, keepdims=True) - filled) / (trace.shape[1] - 1)
    x, m = filled[used] - filled[used].mean(0), others[used] - others[used].mean(0)
    power = (m * m).sum(0)
    share = np.divide((x * m).sum(0), power, out=np.zeros(len(power)), where=power > 0)
    return np.asarray(trace - np.maximum(share, 0.0) * others)
