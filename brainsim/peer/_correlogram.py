"""Cross-correlograms of all pairs, counted spike by spike, and their local baseline."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Floats = NDArray[np.float64]
HOLLOW = 0.6


def correlograms(count: sp.csr_matrix, lags: int) -> NDArray[np.float32]:
    """Count how often a spike of one neuron met a spike of another so many bins later.

    No array of neurons x bins is made: each lag is one product of sparse matrices, whose work is the pairs of spikes.

    Parameters
    ----------
    count
        Spikes in each bin, (neuron, bin).
    lags
        Largest lag [bins].

    Returns
    -------
    ndarray
        Shape (pre, post, lag), lags from 0 to `lags`. That of lag ``-d`` is the transpose of that of lag `d`.
    """
    n, bins = count.shape
    later = sp.csr_matrix(sp.vstack([count.T, sp.csr_matrix((lags, n))]))
    counts = np.zeros((n, n, lags + 1), np.float32)
    for lag in range(lags + 1):
        shifted = sp.csr_matrix((count.data, count.indices + lag, count.indptr), shape=(n, bins + lags))
        counts[:, :, lag] = (shifted @ later).toarray()
    return counts


def both_sides(counts: NDArray[np.float32], pre: int) -> Floats:
    """Return the correlograms of one presynaptic neuron over negative and positive lags, (post, 2 lags + 1)."""
    both: Floats = np.concatenate([counts[:, pre, :0:-1], counts[pre]], axis=1).astype(float)
    return both


def hollow_gaussian(width: float) -> Floats:
    """Return a partially hollow Gaussian of unit sum, over three standard deviations on both sides.

    Convolving a correlogram with it gives what jittering the spikes by about `width` would leave on average.

    Parameters
    ----------
    width
        Standard deviation [bins].

    References
    ----------
    Stark & Abeles (2009), J Neurosci Methods 179:90: 60 % of the centre is taken out.
    """
    reach = int(np.ceil(3 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    kernel[reach] *= 1 - HOLLOW
    out: Floats = kernel / kernel.sum()
    return out
