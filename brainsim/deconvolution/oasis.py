"""Non-negative deconvolution by OASIS, with estimators that do not depend on chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import rfft
from scipy.linalg import toeplitz
from scipy.signal import get_window

from brainsim.deconvolution import Deconvolution, Floats
from brainsim.description import quantity
from brainsim.error import InputError

_LAGS = 10
_LAG_S = 0.05
_WINDOW = 256
_SHRINK = 0.98
_SHORTEST = 30


@dataclass(frozen=True)
class Oasis(Deconvolution):
    """OASIS: the sparsest non-negative spikes whose calcium explains the trace up to its noise.

    The calcium is an autoregressive process of `order` 1 (decay) or 2 (rise and decay). Noise (power above a quarter
    of the sampling rate) and decay (autocovariance) are estimated for each neuron from all its runs as in [1]_, but
    with lags 1/20 s apart where frames are faster, so that the decay does not shrink with the frame rate; the baseline
    and the penalty follow from the noise constraint. Where OASIS itself would draw a random decay because the estimate
    is not between 0 and 1, `assumed_decay` is taken and the estimate ``assumed`` is 1.

    **One unit of spikes** is a jump of the calcium by 1 dF/F: a lone spike appears as the dF/F that it adds, spread
    over a few frames. It is no spike count: divide by ``spike_unit`` (see :func:`brainsim.calcium.deconvolve`) for an
    approximate one. The first frame of a run has no frame before it, and 0 spikes.

    Parameters
    ----------
    order
        1 or 2.
    penalty
        1 for the L1 norm of the spikes, 0 for their number (order 1 only).
    optimize_g
        Refine the decay on so many large events of the longest run (order 1 only); 0 for none.
    assumed_decay
        Decay [s] of a neuron whose trace cannot tell its own.
    known_decay
        Decay [s] of the indicator where it is known, 0 where it is not: the geometric mean of it and the estimate is
        taken, for in minutes of a sparse trace the estimate alone scatters by a third.

    Raises
    ------
    InputError
        If a parameter is not among the values above.

    References
    ----------
    .. [1] Friedrich, Zhou, Paninski, Fast online deconvolution of calcium imaging data, PLOS Computational Biology 13
       (2017). Package `oasis-deconv`.
    """

    name: ClassVar[str] = "oasis"

    order: int = 1
    penalty: int = 1
    optimize_g: int = 0
    assumed_decay: float = quantity(0.6, "s", "decay of a neuron whose trace cannot tell its own")
    known_decay: float = quantity(0.0, "s", "decay of the indicator where it is known; 0 where it is not")

    def __post_init__(self) -> None:
        for field, allowed in (("order", (1, 2)), ("penalty", (0, 1) if self.order == 1 else (1,))):
            if getattr(self, field) not in allowed:
                raise InputError(
                    f"it is {getattr(self, field)}",
                    where=f"oasis, field '{field}'",
                    remedy=f"with order {self.order} give {' or '.join(map(str, allowed))}",
                )
        if not 0 <= self.known_decay < np.inf:
            raise InputError(
                f"it is {self.known_decay:g} s",
                where="oasis, field 'known_decay'",
                remedy="give seconds, or 0 for none",
            )
        if self.optimize_g < 0 or (self.optimize_g and self.order == 2) or not self.assumed_decay > 0:
            raise InputError(
                f"optimize_g {self.optimize_g}, assumed decay {self.assumed_decay:g} s",
                where="oasis, field 'optimize_g'",
                remedy="optimize_g is 0 or more with order 1, 0 with order 2; the decay is above 0",
            )

    def runs(self, traces: Sequence[Floats], rate: float) -> tuple[list[Floats], dict[str, float]]:
        """Return the spikes of every run [dF/F], and ``decay_time``, ``noise``, ``baseline``, ``assumed``.

        With order 2 also ``rise_time`` [s].
        """
        from oasis.functions import oasisAR1

        sd = noise(traces)
        step = max(1, round(_LAG_S * rate))
        roots = decay_factors(traces, self.order, sd, step if self.order == 1 else 1)
        assumed = not 0 < roots[0] < 1 or sum(map(len, traces)) < _SHORTEST
        if assumed:
            roots[0] = np.exp(-1 / ((self.known_decay or self.assumed_decay) * rate))
        elif self.known_decay:
            roots[0] = np.exp(-1 / (np.sqrt(_seconds(float(roots[0]), rate) * self.known_decay) * rate))
        d, baseline, penalty = self._constrained(traces, float(roots[0]), sd)
        estimates = {"decay_time": _seconds(d, rate), "noise": sd, "baseline": baseline, "assumed": float(assumed)}
        if self.order == 1 and self.penalty == 1:
            return [oasisAR1(trace - baseline, d, lam=penalty)[1] for trace in traces], estimates
        if self.order == 1:
            return [_fewest(trace - baseline, d, sd) for trace in traces], estimates
        r = min(float(roots[1]), 0.99 * d) if 0 < roots[1] < 1 else 0.15 * d
        estimates["rise_time"] = _seconds(r, rate)
        penalty *= 1 / (1 - r)
        return [_rising(trace - baseline, d, r, penalty) for trace in traces], estimates

    def _constrained(self, traces: Sequence[Floats], d: float, sd: float) -> tuple[float, float, float]:
        """Return decay factor, baseline and penalty under the noise constraint, the runs held apart by gaps."""
        from oasis.functions import constrained_oasisAR1

        if self.optimize_g:
            longest = max(traces, key=len)
            refined = float(constrained_oasisAR1(longest, d, sd, True, False, self.optimize_g)[3])
            d = refined if 0 < refined < 1 else d
        gap = np.full(int(np.ceil(-5 / np.log(d))), np.nan)
        joined = np.concatenate([piece for trace in traces for piece in (trace, gap)][:-1])
        _, _, baseline, _, penalty = constrained_oasisAR1(joined, d, sd, True, False)
        return d, float(baseline), max(float(penalty), 0.0)


def noise(traces: Sequence[Floats]) -> float:
    """Return the standard deviation of the white noise, from the power above a quarter of the sampling rate.

    The power is that of Welch (windows of 256 frames that overlap by half, Hann, each without its mean), written out:
    of a trace, ``scipy.signal.welch`` takes as long as its deconvolution.

    Parameters
    ----------
    traces
        Runs of one neuron, each shape (time,).
    """
    power, weight = 0.0, 0
    for length in sorted({len(trace) for trace in traces}):  # runs of one length at once: trials are many and short
        alike = np.stack([trace for trace in traces if len(trace) == length])
        width = min(_WINDOW, length)
        frequency = np.arange(width // 2 + 1) / width
        high = (frequency > 0.25) & (frequency < 0.5)
        if high.any():
            shape = np.asarray(get_window("hann", width))
            pieces = sliding_window_view(alike, width, axis=1)[:, :: width - width // 2]
            spectrum = rfft((pieces - pieces.mean(-1, keepdims=True)) * shape)[..., high]
            density = np.mean(spectrum.real**2 + spectrum.imag**2, axis=(1, 2)) / np.sum(shape**2)
            power, weight = power + length * float(density.sum()), weight + alike.size
    return float(np.sqrt(power / weight)) if weight else 0.0


def decay_factors(traces: Sequence[Floats], order: int, sd: float, step: int = 1) -> Floats:
    """Return the roots of the autoregressive process, largest first, by least squares on the autocovariance.

    Lags are `step` frames apart. A few frames of a fast microscope would show the rise of the indicator and the drift
    of the trace, not its decay, and the shrinkage that corrects for clustered spikes acts once per lag.

    Parameters
    ----------
    traces
        Runs of one neuron, each shape (time,).
    order
        Number of roots.
    sd
        Standard deviation of the noise, taken off the variance.
    step
        Frames between lags.

    Returns
    -------
    ndarray
        Per frame, shape (order,); NaN where nothing could be estimated. Not forced between 0 and 1.
    """
    lags = min(_LAGS + order, (max(map(len, traces)) - 1) // step)
    if lags < order + 1:
        return np.full(order, np.nan)
    mean = np.concatenate(traces).mean()
    products, counts = np.zeros(lags + 1), np.zeros(lags + 1)
    for length in sorted({len(trace) for trace in traces}):
        alike = np.stack([trace for trace in traces if len(trace) == length]) - mean
        for lag in range(min(lags, (length - 1) // step) + 1):
            products[lag] += np.sum(alike[:, lag * step :] * alike[:, : length - lag * step])
            counts[lag] += len(alike) * (length - lag * step)
    covariance = products / np.maximum(counts, 1)
    left = toeplitz(covariance[:lags], covariance[:order]) - sd**2 * np.eye(lags, order)
    coefficients = np.linalg.lstsq(left, covariance[1:], rcond=None)[0]
    roots = np.sort(_SHRINK * np.real(np.roots([1, *-coefficients])))[::-1]
    return np.asarray(np.sign(roots) * np.abs(roots) ** (1 / step))


def _seconds(factor: float, rate: float) -> float:
    """Return the time constant [s] of a factor per frame."""
    return float(-1 / (np.log(factor) * rate))


def _rising(trace: Floats, d: float, r: float, penalty: float) -> Floats:
    """Return the spikes of a run under decay `d` and rise `r` per frame.

    The window moves by less than the run is long: `onnls` fails on runs of 50 to 100 frames otherwise.
    """
    from oasis.functions import onnls

    shift = min(100, max(1, len(trace) // 2))
    spikes: Floats = onnls(trace, np.array([d + r, -d * r]), lam=penalty, shift=shift)[1]
    spikes[0] = 0
    return np.maximum(spikes, 0)


def _fewest(trace: Floats, d: float, sd: float) -> Floats:
    """Return the fewest spikes that explain a run up to its noise."""
    from oasis.functions import constrained_oasisAR1

    spikes: Floats = constrained_oasisAR1(trace, d, sd, penalty=0)[1]
    return np.maximum(spikes, 0)
