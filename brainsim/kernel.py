"""Lags and kernels: at which delays a synapse may act, and how long."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, gaussian_filter1d

from brainsim.hidden_peak import JITTER, PADDING, Expected, Peaks

Array = NDArray[np.float64]
FINE_BIN_S = 0.005
COARSE_BIN_S = 0.02  # beyond, an effect is over within the frame, and the direction of a pair is hardly seen
TRUNCATE = 4.0
ACROSS = 0.5  # how much a lag of the other direction counts in the baseline
DELAYS = range(1, 25)  # where kernels begin: delays of up to 20, and the rise of the membrane potential after them
FINE = 26  # up to here every lag has a box of its own


@dataclass(frozen=True, eq=False)
class Lags:
    """The grid of lags of a correlogram that is looked at, and the kernels that are looked for.

    Attributes
    ----------
    box
        Which lags (0 .. longest) belong to each box, (lag, box).
    model
        Kernels by which the influence of all other neurons is taken out, (lag, model).
    kernel
        Shapes of a synaptic effect, (lag, kernel): exponential decays after a delay.
    tau, delay
        Decay and delay of each kernel in bins, (kernel,).
    hidden
        Shapes of the peaks that hidden neurons make, (two-sided lag, kernel): :mod:`brainsim.hidden_peak`.
    back
        Which kernels are looked for in the other direction as well, so that they are not taken for others.
    expected
        Where hidden neurons are expected to make their peaks; None where none are looked for.
    """

    box: Array
    model: Array
    kernel: Array
    tau: Array
    delay: NDArray[np.int64]
    hidden: Array
    back: NDArray[np.int64]
    expected: Expected | None = None

    @property
    def longest(self) -> int:
        """Largest lag in bins."""
        return len(self.box) - 1

    @property
    def apart(self) -> bool:
        """Whether both directions of a pair are counted apart: at lag 0 they share what is counted."""
        return not self.box[0].any()

    @property
    def kinds(self) -> tuple[int, int, int]:
        """Number of kernels of synapses, of hidden input, and of synapses of the other direction."""
        return len(self.tau), self.hidden.shape[1], len(self.back)

    @property
    def shape(self) -> Array:
        """Kernels of all kinds as boxes with noise of unit variance see them, of norm 1, (direction x box, kernel)."""
        none, size = np.zeros_like(self.kernel), len(self.box)
        ahead = np.hstack([self.kernel, self.hidden[size - 1 :], none[:, self.back]])
        behind = np.hstack([none, self.hidden[size - 1 :: -1], self.kernel[:, self.back]])
        width = np.sqrt(self.box.sum(0))[:, None]
        seen: Array = np.vstack([self.box.T @ ahead / width, self.box.T @ behind / width])
        seen /= np.linalg.norm(seen, axis=0)
        return seen


def lags(bin_s: float) -> Lags:
    """Return the grid for a width of bins.

    Bins of at most 5 ms see single synaptic delays: boxes of one bin up to 26, then wider ones up to 60. Coarser bins
    (frames of a microscope) see little more than the frame itself and the next: boxes at lags 0 .. 12, kernels as wide
    as inferred spikes are early or late, and nothing that would tell hidden input from a synapse.
    """
    fine = bin_s <= FINE_BIN_S
    if fine:
        edges, longest = _edges(FINE, 60), 60
        wanted = {1.0: DELAYS, 3.0: DELAYS, 8.0: DELAYS, 20.0: (1, 2, 3, 5, 8, 12)}
        decays: tuple[tuple[float, int], ...] = ((2.0, 1), (10.0, 1))
    else:
        edges, longest = np.array([0, 1, 2, 3, 4, 6, 9, 13]), 12
        wanted, decays = {1.5: range(3), 3.0: range(2)}, ((0.05, 0), (1.5, 1))
    pairs = [(tau, delay) for tau, delays in wanted.items() for delay in delays]
    box = np.zeros((longest + 1, len(edges) - 1))
    for k, (a, b) in enumerate(pairwise(edges)):
        box[a:b, k] = 1
    model = np.stack([decay(*each, longest) for each in decays], axis=1)
    tau, delay = (np.array(values) for values in zip(*pairs, strict=True))
    if not fine:
        kernel = np.stack([decay(*each, longest) for each in pairs], axis=1)
        return Lags(box, model, kernel, tau, delay, np.zeros((2 * longest + 1, 0)), np.zeros(0, np.int64))
    kernel = np.stack([_blurred(*each, longest) for each in pairs], axis=1)
    back, peaks = np.flatnonzero(delay % np.where(tau < 8, 2, 4) == 1), Peaks.all()
    return Lags(box, model, kernel, tau, delay, peaks.shapes(longest), back, Expected(peaks, tau, delay))


def _blurred(tau: float, delay: int, longest: int) -> Array:
    """Return a decay that begins after `delay` bins as spikes show it, which come with jitter, (lag,)."""
    lag = np.arange(-PADDING, longest + PADDING + 1.0) - delay
    sharp = np.where(lag >= 0, np.exp(-np.maximum(lag, 0.0) / tau), 0.0)
    blurred: Array = gaussian_filter1d(sharp, JITTER)[PADDING:-PADDING]
    return blurred


def decay(tau: float, delay: int, longest: int) -> Array:
    """Return an exponential decay that begins after `delay` bins, (lag,)."""
    lag = np.arange(longest + 1.0)
    return np.where(lag >= delay, np.exp(-np.maximum(lag - delay, 0) / tau), 0.0)


def _edges(fine: int, longest: int) -> NDArray[np.int64]:
    """Return boxes of one lag up to `fine`, each later one a third wider than the one before."""
    edges, at, width = list(range(1, fine + 1)), fine + 1, 1.0
    while at < longest:
        edges.append(at)
        width *= 1.35
        at += max(1, round(width))
    return np.array([*edges, min(at, longest + 1)])


def reading(weight: Array, lags: int) -> Array:
    """Lay weights at lags 0 .. out on the two-sided lags -(lags - 1) .. lags - 1, (two-sided lag, column)."""
    laid = np.zeros((2 * lags - 1, weight.shape[1]))
    laid[lags - 1 : lags - 1 + len(weight)] = weight
    return laid


def overlap(first: Array, second: Array, lags: int) -> Array:
    """Return how a covariance at two-sided lags gives the covariance of two filtered trains, (lag, first, second).

    The train `pre` is filtered by `first`, (lag, column), and `post` by `second`; `pre` leads at positive lags.
    """
    laid = np.zeros((2 * lags - 1, first.shape[1], second.shape[1]))
    reach = len(first) - 1
    for a in range(first.shape[1]):
        for b in range(second.shape[1]):
            laid[lags - 1 - reach : lags + reach, a, b] = np.correlate(second[:, b], first[:, a], "full")[::-1]
    return laid


def high_pass(sigma: float | None, lags: int) -> Array:
    """Return the matrix that takes a Gaussian-smoothed covariance off, over two-sided lags; None leaves it as it is.

    Lags of the other direction count half: else the peak of a strong synapse lifts the baseline of the other direction
    too, so that this one looks like a synapse of the other sign.
    """
    size = 2 * lags - 1
    if sigma is None:
        return np.eye(size)
    at = np.arange(-round(TRUNCATE * sigma), round(TRUNCATE * sigma) + 1)
    smooth = np.exp(-(at**2) / (2 * sigma**2))
    around = convolve1d(np.eye(size), smooth / smooth.sum(), axis=0, mode="nearest")
    side = np.sign(np.arange(size) - (lags - 1))
    around = np.where(np.outer(side, side) < 0, ACROSS * around, around)
    result: Array = np.eye(size) - around / around.sum(1, keepdims=True)
    return result
