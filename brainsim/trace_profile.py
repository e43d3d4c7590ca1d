"""What is known of a trace at a glance: range, baseline, noise, how many values it takes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainsim.missing import Floats

TENTHS = 10
LOW_QUANTILE = 0.2


@dataclass(frozen=True, eq=False)
class Profile:
    """What is known of each neuron's trace, arrays of shape (neuron,) over its frames that are not missing.

    Parameters
    ----------
    frames
        Number of frames, missing ones too; trials one after another.
    known, distinct, at_high
        Numbers of frames: not missing, of different values, and with the largest value.
    low, median, high, mean, spread
        Smallest, median, largest and mean value, standard deviation.
    noise
        Standard deviation of the noise, from differences of neighbouring frames.
    baseline
        The 20th percentile in each tenth of the recording, shape (tenth, neuron).
    """

    frames: int
    known: NDArray[np.int64]
    distinct: NDArray[np.int64]
    at_high: NDArray[np.int64]
    low: Floats
    median: Floats
    high: Floats
    mean: Floats
    spread: Floats
    noise: Floats
    baseline: Floats


def profile_of(values: Floats) -> Profile:
    """Return the profile of traces, shape (frame, neuron)."""
    ordered = np.sort(values, axis=0)
    known = np.isfinite(values).sum(0)
    high = _quantile(ordered, known, 1.0)
    distinct = (np.diff(ordered, axis=0) > 0).sum(0) + (known > 0)
    total = np.nansum(values, 0)
    mean = np.divide(total, known, out=np.full(total.shape, np.nan), where=known > 0)
    variance = np.nansum((values - mean) ** 2, 0) / np.maximum(known, 1)
    return Profile(
        len(values),
        known,
        distinct,
        (values == high).sum(0),
        _quantile(ordered, known, 0.0),
        _quantile(ordered, known, 0.5),
        high,
        mean,
        np.sqrt(variance),
        1.4826 / np.sqrt(2) * _level(np.abs(np.diff(values, axis=0)), 0.5),
        np.stack([_level(part, LOW_QUANTILE) for part in np.array_split(values, TENTHS)]),
    )


def _quantile(ordered: Floats, known: NDArray[np.int64], level: float) -> Floats:
    """Return a quantile (lower) of columns in rising order, missing values last; NaN where there is none."""
    if not len(ordered):
        return np.full(len(known), np.nan)
    at = np.maximum(np.floor(level * (known - 1)).astype(int), 0)
    return np.asarray(np.where(known > 0, np.take_along_axis(ordered, at[None], 0)[0], np.nan))


def _level(values: Floats, level: float) -> Floats:
    """Return a quantile (lower) of columns."""
    known = np.isfinite(values).sum(0)
    if len(values) and (known == len(values)).all():
        at = int(level * (len(values) - 1))
        return np.asarray(np.partition(values, at, axis=0)[at])
    return _quantile(np.sort(values, axis=0), known, level)


def joined(parts: list[Profile]) -> Profile:
    """Join the profiles of blocks of neurons."""
    fields = [name for name in Profile.__dataclass_fields__ if name != "frames"]
    return Profile(parts[0].frames, *(np.concatenate([getattr(p, f) for p in parts], axis=-1) for f in fields))
