"""A neuron as a rectified Gaussian: what it shows is a power of how far a latent variable is above a threshold.

    x = base + gain * max(z - t, 0)^k,    z ~ N(0, 1)

`t` gives the share of values at `base` (where the neuron is silent), `k` and `gain` mean and variance (a power-law
nonlinearity: Miller and Troyer 2002, Journal of Neurophysiology 87:653). A neuron without such a pile of equal values
is Gaussian: t = -inf, x = mean + gain * z.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from brainsim.missing import Floats, mean

PILE = 0.02  # share of equal smallest values from which a neuron counts as silent there
THRESHOLDS = np.linspace(-2.6, 3.4, 61)
POWERS = np.geomspace(0.1, 6.0, 60)
DEPTH = np.linspace(0, 9, 451)[1:]
FARTHEST = 4.0
NEVER = 8.0  # threshold of a neuron that is silent under a stimulus


@dataclass(frozen=True)
class Rectified:
    """Parameters of every stimulus (or whatever the rows are), frame and neuron, shape (row, time, neuron).

    Parameters
    ----------
    threshold
        `t` above; -inf where the variable is Gaussian.
    power, gain, base
        `k`, `gain` and `base` above.
    """

    threshold: Floats
    power: Floats
    gain: Floats
    base: Floats

    def shown(self, latent: Floats, row: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
        """Return what a latent trial (trial, time, neuron) shows, each by the parameters of its row."""
        t, k, gain, base = (part[row] for part in (self.threshold, self.power, self.gain, self.base))
        above = np.maximum(latent - np.where(np.isfinite(t), t, 0), 0)
        return np.asarray(base + gain * np.where(np.isfinite(t), above**k, latent))

    def score(self, trace: Floats, row: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
        """Return the latent variable of each value, its expectation below the threshold where it is silent; NaN stays.

        Values beyond four standard deviations count as those.
        """
        t, k, gain, base = (part[row] for part in (self.threshold, self.power, self.gain, self.base))
        scaled = (trace - base) / np.where(gain > 0, gain, 1.0)
        silent = np.isfinite(t) & (scaled <= 0)
        below = hidden(t)
        with np.errstate(invalid="ignore"):
            above = np.where(np.isfinite(t), t + np.maximum(scaled, 0) ** (1 / k), scaled)
        return np.asarray(np.where(silent, below, np.clip(above, -FARTHEST, FARTHEST)))


def hidden(threshold: Floats) -> Floats:
    """Return the expectation of a standard normal variable below a threshold; 0 where there is none."""
    t = np.where(np.isfinite(threshold), threshold, 0.0)
    expected = -np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi) / ndtr(t)
    return np.asarray(np.where(np.isfinite(threshold), expected, 0.0))


def rectified(trials: list[Floats]) -> Rectified:
    """Match zero share, mean and variance of each neuron and frame.

    Parameters
    ----------
    trials
        For each row (a stimulus) its trials, shape (trial, time, neuron), NaN where missing.
    """
    everything = np.concatenate(trials).reshape(-1, trials[0].shape[2])
    least = np.fmin.reduce(everything, axis=0)
    piled = _share(everything, least) >= PILE
    average, square = (np.stack([mean(part**n, 0) for part in trials]) for n in (1, 2))
    share = np.stack([_share(part, least) for part in trials])
    variance = np.maximum(square - average**2, 0)
    above, active = average - least, piled & (average > least)
    silent = piled & ~active
    share = np.clip(share, np.array([0.5 / len(part) for part in trials])[:, None, None], 1)
    threshold = np.select([silent, active], [np.full_like(share, NEVER), ndtri(np.where(active, share, 0.5))], -np.inf)
    ratio = np.where(active, (variance + above**2) / np.where(active, above, 1) ** 2, 1.0)
    power, first = _power(np.where(active, threshold, 0.0), ratio)
    gain = np.select([silent, active], [np.zeros_like(first), above / first], np.sqrt(variance))
    return Rectified(threshold, np.where(active, power, 1.0), gain, np.where(piled, least, average))


def _share(values: Floats, least: Floats) -> Floats:
    """Return the share of the known values that are the least one."""
    return mean(np.where(np.isfinite(values), (values == least).astype(float), np.nan), 0)


def _power(threshold: Floats, ratio: Floats) -> tuple[Floats, Floats]:
    """Return the power `k` that gives E[y^2k] / E[y^k]^2 = `ratio`, y = max(z - t, 0), and E[y^k], from a table.

    The ratio grows with `k`; beyond the table's ends the nearest power is taken.
    """
    density = np.exp(-((DEPTH + THRESHOLDS[:, None]) ** 2) / 2) / np.sqrt(2 * np.pi) * (DEPTH[1] - DEPTH[0])
    first, second = (density @ (DEPTH[:, None] ** (n * POWERS)) for n in (1, 2))
    place = np.clip((threshold - THRESHOLDS[0]) / (THRESHOLDS[1] - THRESHOLDS[0]), 0, len(THRESHOLDS) - 1.001)
    left, share = place.astype(int), place - place.astype(int)
    power, moment = np.ones_like(ratio), np.ones_like(ratio)
    for row in np.unique(left):
        here = left == row
        logs = [np.log(second[r] / first[r] ** 2) for r in (row, row + 1)]
        at = [np.interp(np.log(ratio[here]), log, np.arange(len(POWERS))) for log in logs]
        index = (1 - share[here]) * at[0] + share[here] * at[1]
        power[here] = np.exp(np.interp(index, np.arange(len(POWERS)), np.log(POWERS)))
        logs = [np.interp(index, np.arange(len(POWERS)), np.log(first[r])) for r in (row, row + 1)]
        moment[here] = np.exp((1 - share[here]) * logs[0] + share[here] * logs[1])
    return power, moment
