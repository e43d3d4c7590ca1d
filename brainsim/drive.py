"""Input that cells share and that does not come from each other: slow noise and rhythms, as currents per frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from brainsim.anatomy import distances
from brainsim.preset import Oscillations, PinkNoise

Array = NDArray[np.float64]
Single = NDArray[np.float32]


@dataclass(frozen=True)
class Drive:
    """A current per frame, and who receives it.

    Attributes
    ----------
    current
        (frame, column).
    frame_steps
        Time steps per frame.
    gain
        How much of each column every cell receives, (column, neuron); None: column k is that of cell k.
    """

    current: Single
    frame_steps: int
    gain: Array | None = None

    @property
    def slope(self) -> Single:
        """Slopes per frame for the interpolation, (frame, column)."""
        found: Single = np.zeros_like(self.current)
        if len(found) > 2:
            found[1:-1] = (self.current[2:] - self.current[:-2]) / 2
        return found

    @property
    def shared(self) -> int:
        """Number of columns that are shared by gains."""
        return 0 if self.gain is None else len(self.gain)


def make_drive(
    kind: PinkNoise | Oscillations | None,
    position: Array,
    seconds: float,
    dt_ms: float,
    rng: np.random.Generator,
) -> Drive:
    """Draw the drive of a session.

    Parameters
    ----------
    kind
        Its description; None for no drive.
    position
        Where the cells lie [um], (neuron, 2).
    seconds
        Length of the session.
    dt_ms
        Time step.
    rng
        Source of randomness.
    """
    if kind is None:
        return Drive(np.zeros((0, 1), np.float32), 1)
    frame_steps = max(1, round(kind.frame_ms / dt_ms))
    frame_s = frame_steps * dt_ms / 1000
    frames = int(seconds / frame_s) + 2
    if isinstance(kind, PinkNoise):
        return Drive(_pink(kind, position, frames, frame_s, rng), frame_steps)
    reached = rng.uniform(size=(len(kind.frequencies_hz), len(position))) < kind.share
    gain = kind.strength * reached * rng.uniform(0.5, 1.5, reached.shape)
    return Drive(_rhythms(kind, frames, frame_s, rng), frame_steps, gain)


def _pink(kind: PinkNoise, position: Array, frames: int, frame_s: float, rng: np.random.Generator) -> Single:
    """Draw noise with power 1/f between two frequencies, correlated by distance, (frame, neuron)."""
    frequency = np.fft.rfftfreq(frames, frame_s)
    inside = (frequency >= kind.lowest_hz) & (frequency <= kind.highest_hz)
    size = np.where(inside, 1 / np.sqrt(np.maximum(frequency, kind.lowest_hz)), 0.0)
    size[:1] = 0.0 if inside.any() else 1.0  # shorter than the slowest wave: a constant
    size *= frames / np.sqrt(2 * (size**2).sum())
    alike = np.linalg.cholesky(np.exp(-distances(position) / kind.length_um) + 1e-9 * np.eye(len(position)))
    noise = np.empty((frames, len(position)), np.float32)
    for k in range(len(position)):
        wave = size * (rng.standard_normal(len(size)) + 1j * rng.standard_normal(len(size))) / np.sqrt(2)
        noise[:, k] = np.fft.irfft(wave, frames)
    mixed: Single = noise @ (kind.strength * alike.T).astype(np.float32)
    return mixed


def _rhythms(kind: Oscillations, frames: int, frame_s: float, rng: np.random.Generator) -> Single:
    """Draw rhythms of variance 1 whose complex amplitudes are Ornstein-Uhlenbeck processes, (frame, rhythm)."""
    kept, time = np.exp(-frame_s / kind.waxing_s), np.arange(frames) * frame_s
    rhythms = np.empty((frames, len(kind.frequencies_hz)), np.float32)
    for k, frequency in enumerate(kind.frequencies_hz):
        white = rng.standard_normal(frames) + 1j * rng.standard_normal(frames)
        white[1:] *= np.sqrt(1 - kept**2)
        amplitude = lfilter([1.0], [1.0, -kept], white)
        rhythms[:, k] = (amplitude * np.exp(2j * np.pi * frequency * time)).real
    return rhythms
