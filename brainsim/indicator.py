"""From spikes to fluorescence: the forward model of a genetically encoded calcium indicator."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from brainsim.description import Described, quantity
from brainsim.error import InputError

Floats = NDArray[np.float64]

_NEUROPIL_COMPONENTS = 3


@dataclass(frozen=True)
class Indicator(Described):
    """GCaMP6: a double exponential per spike, saturation, shared neuropil, slow drift and noise.

    A spike adds ``amplitude * (exp(-t / decay) - exp(-t / rise)) / peak`` to the calcium `c` of its neuron, where
    `peak` makes the largest value of the bracket 1; the signal is ``c / (1 + c / saturation)`` (a Hill function with
    coefficient 1). To it come a low-rank neuropil signal that all neurons share, a drift of each neuron and white
    noise. `amplitude` and `noise` vary from cell to cell (log-normal, with the given mean). The defaults lie between
    GCaMP6s and GCaMP6f in mouse visual cortex [1]_; the order of the stages follows [2]_ and [3]_.

    Raises
    ------
    InputError
        If a parameter is negative, not finite, or `rise` is not shorter than `decay`.

    References
    ----------
    .. [1] Chen et al., Ultrasensitive fluorescent proteins for imaging neuronal activity, Nature 499 (2013).
    .. [2] Deneux et al., Accurate spike estimation from noisy calcium signals for ultrafast three-dimensional imaging
       of large neuronal populations in vivo, Nature Communications 7 (2016).
    .. [3] Pachitariu, Stringer, Harris, Robustness of spike deconvolution for neuronal calcium imaging,
       Journal of Neuroscience 38 (2018).

    Examples
    --------
    >>> quiet = Indicator(noise=0.0, drift=0.0, neuropil=0.0, variation=0.0)
    >>> rng = np.random.default_rng(0)
    >>> trace = quiet.fluorescence(np.array([0.5]), np.array([0]), 1, np.arange(50) / 10, rng)
    >>> trace.shape, round(float(trace.max()), 3)
    ((50, 1), 0.141)
    """

    name: ClassVar[str] = "gcamp6"

    rise: float = quantity(0.05, "s", "time constant of the rise")
    decay: float = quantity(0.6, "s", "time constant of the decay")
    amplitude: float = quantity(0.15, "1", "dF/F at the peak of a lone spike, before saturation, mean over cells")
    saturation: float = quantity(4.0, "1", "dF/F that the signal never passes; inf for a linear indicator")
    noise: float = quantity(0.05, "1", "standard deviation of the white noise [dF/F], mean over cells")
    variation: float = quantity(0.3, "1", "standard deviation of the logarithm of amplitude and noise over cells")
    drift: float = quantity(0.02, "1", "standard deviation of the slow drift of a cell [dF/F]")
    drift_time: float = quantity(60.0, "s", "correlation time of the drift")
    neuropil: float = quantity(0.2, "1", "shared signal, as a fraction of the mean standard deviation of the cells")
    neuropil_time: float = quantity(2.0, "s", "correlation time of the shared signal")

    def __post_init__(self) -> None:
        for field, (value, unit) in self.parameters().items():
            if not value >= 0 or (np.isinf(value) and field != "saturation"):
                raise InputError(
                    f"{value:g} {unit} makes no sense",
                    where=f"indicator, field '{field}'",
                    remedy="give a finite number, not below 0",
                )
        if not self.rise < self.decay or not self.saturation > 0 or not self.drift_time * self.neuropil_time > 0:
            raise InputError(
                f"rise {self.rise:g} s, decay {self.decay:g} s, saturation {self.saturation:g}, drift "
                f"{self.drift_time:g} s and neuropil {self.neuropil_time:g} s do not go together",
                where="indicator, field 'rise'",
                remedy="rise < decay; the other three above 0",
            )

    def fluorescence(
        self,
        spike_time: Floats,
        spike_neuron: NDArray[np.integer],
        neurons: int,
        frame_time: Floats,
        rng: np.random.Generator,
    ) -> Floats:
        """Return the fluorescence that these spikes give.

        Each spike enters at its exact time, not at that of a bin, and the recursion runs from frame to frame with the
        true time between them: jitter and jumps of `frame_time` (a new session) are handled, and spikes while the
        microscope stood still are seen in what is left of them.

        Parameters
        ----------
        spike_time
            Time of each spike [s], any order, shape (spike,).
        spike_neuron
            Index of its neuron, shape (spike,).
        neurons
            Number of neurons.
        frame_time
            Time of each frame [s], increasing, shape (time,).
        rng
            Source of every random number.

        Returns
        -------
        ndarray
            dF/F, shape (time, neuron).

        Raises
        ------
        InputError
            If spikes belong to no neuron or are not finite, or `frame_time` does not increase.
        """
        times, cells, frames = np.asarray(spike_time, float), np.asarray(spike_neuron), np.asarray(frame_time, float)
        _check(times, cells, neurons, frames)
        gain = self.amplitude * _lognormal(neurons, self.variation, rng)
        noise = self.noise * _lognormal(neurons, self.variation, rng)
        calcium = self._calcium(times, cells, neurons, frames) * gain
        trace: Floats = calcium / (1 + calcium / self.saturation)
        trace += self._shared(trace, frames, rng)
        trace += self.drift * _slow(neurons, frames, self.drift_time, rng)
        trace += noise * rng.standard_normal((len(frames), neurons))
        return trace

    def _calcium(self, times: Floats, cells: NDArray[np.integer], neurons: int, frames: Floats) -> Floats:
        """Return the sum of double exponentials with peak 1, shape (time, neuron)."""
        if not self.rise:
            return _exponential(times, cells, neurons, frames, self.decay)
        at = np.log(self.decay / self.rise) * self.rise * self.decay / (self.decay - self.rise)
        peak = np.exp(-at / self.decay) - np.exp(-at / self.rise)
        slow = _exponential(times, cells, neurons, frames, self.decay)
        fast = _exponential(times, cells, neurons, frames, self.rise)
        return np.asarray(np.maximum(slow - fast, 0) / peak)

    def _shared(self, signal: Floats, frames: Floats, rng: np.random.Generator) -> Floats:
        """Return the neuropil: the mean of the population and two slow processes, mixed differently in every cell."""
        neurons = signal.shape[1]
        mixing = rng.dirichlet(np.full(_NEUROPIL_COMPONENTS, 2.0), neurons)
        mixing /= np.linalg.norm(mixing, axis=1, keepdims=True)
        shared = _slow(_NEUROPIL_COMPONENTS, frames, self.neuropil_time, rng)
        mean = signal.mean(1)
        if mean.std() > 0:
            shared[:, 0] = (mean - mean.mean()) / mean.std()
        level = self.neuropil * float(signal.std(0).mean())
        return np.asarray(level * shared @ mixing.T)


def _check(times: Floats, cells: NDArray[np.integer], neurons: int, frames: Floats) -> None:
    """Refuse spikes and frames that would silently give a wrong trace."""
    if neurons < 1 or len(frames) < 1 or not np.isfinite(frames).all() or (np.diff(frames) <= 0).any():
        raise InputError(
            f"{neurons} neurons, {len(frames)} frames: there must be some, and time must increase",
            where="field 'time'",
            remedy="give increasing, finite frame times [s]",
        )
    if times.shape != cells.shape or not np.isfinite(times).all():
        raise InputError(
            "spike times are not finite, or not one for each spike neuron",
            where="field 'spike_time'",
            remedy="drop the spikes without a time",
        )
    if len(cells) and not (cells.min() >= 0 and cells.max() < neurons):
        raise InputError(
            f"spikes belong to neurons {cells.min()}..{cells.max()} of {neurons}",
            where="field 'spike_neuron'",
            remedy="indices run from 0 to neurons - 1",
        )


def _lognormal(cells: int, sigma: float, rng: np.random.Generator) -> Floats:
    """Draw one factor per cell with mean 1."""
    return np.asarray(np.exp(sigma * rng.standard_normal(cells) - sigma**2 / 2))


def _exponential(times: Floats, cells: NDArray[np.integer], neurons: int, frames: Floats, tau: float) -> Floats:
    """Return the sum of ``exp(-t / tau)`` over the spikes up to each frame, shape (time, neuron)."""
    frame = np.searchsorted(frames, times)
    seen = frame < len(frames)
    late = np.exp((times[seen] - frames[frame[seen]]) / tau)
    flat = frame[seen] * neurons + cells[seen]
    arriving = np.bincount(flat, late, minlength=len(frames) * neurons).astype(float)
    return _leak(arriving.reshape(len(frames), neurons), frames, tau)


def _slow(cells: int, frames: Floats, tau: float, rng: np.random.Generator) -> Floats:
    """Draw an Ornstein-Uhlenbeck process with variance 1 for each cell, shape (time, cell)."""
    kept = np.exp(-np.diff(frames, prepend=-np.inf) / tau)
    return _leak(rng.standard_normal((len(frames), cells)) * np.sqrt(1 - kept**2)[:, None], frames, tau)


def _leak(arriving: Floats, frames: Floats, tau: float) -> Floats:
    """Add what arrives at each frame to what is left of the frame before, in place."""
    kept = np.exp(-np.diff(frames) / tau)
    for n, factor in enumerate(kept, start=1):
        arriving[n] += factor * arriving[n - 1]
    return arriving
