"""Times and frame rate: what the file tells, what the user gives, and that the two agree."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brainsim.error import InputError

Floats = NDArray[np.float64]

TOLERANCE = 0.01
MOST_DROPPED = 0.01


def clock(
    time: Floats | None,
    count: int,
    given: float | None,
    source: Path,
    *,
    frames: Floats | None = None,
    missing: str = "it does not tell its frame rate",
    field: str = "time",
) -> tuple[Floats, float]:
    """Return times [s] and frames per second [Hz]; the file and the user must not contradict each other.

    Parameters
    ----------
    time
        Time of each frame [s], `None` where the file does not tell.
    count
        Number of frames.
    given
        Rate that the user gave [Hz].
    source, field
        File, and where in it the times stand.
    frames
        Number of each frame, where the file tells that instead of times.
    missing
        What is wrong where there is neither time nor rate.

    Raises
    ------
    InputError
        If a time is missing, the rate is not told, or file and user contradict each other.
    """
    if time is None:
        if given is None:
            raise InputError(
                missing,
                where=f"{source}, field 'sampling_rate_hz'",
                remedy="give --sampling-rate, or a column time_s" if frames is None else "give --sampling-rate",
            )
        return (np.arange(count) if frames is None else frames) / given, given
    where = f"{source}, field '{field}'"
    if len(time) != count:
        raise InputError(f"there are {len(time)} times for {count} frames", where=where, remedy="copy the file again")
    if not np.isfinite(time).all():
        raise InputError(
            f"{int((~np.isfinite(time)).sum())} times are missing",
            where=where,
            remedy="give every frame its time in seconds",
        )
    told = 1 / float(np.median(np.diff(time))) if len(time) > 1 and np.median(np.diff(time)) > 0 else 0.0
    if not told and given is None:
        raise InputError(
            "the times do not tell a sampling rate",
            where=where,
            remedy="sort the frames by time, or give --sampling-rate",
        )
    if told:
        agree(told, given, where)
    return time, given or float(f"{told:.9g}")


def agree(told: float, given: float | None, where: str) -> None:
    """Refuse a rate of the user that contradicts the one of the file, both [Hz].

    Raises
    ------
    InputError
        If they differ by more than 1 %.
    """
    if given is not None and abs(told / given - 1) > TOLERANCE:
        hint = ": the times are in milliseconds?" if abs(told * 1000 / given - 1) < TOLERANCE else ""
        raise InputError(
            f"the file tells {told:.6g} frames per second, --sampling-rate {given:g}{hint}",
            where=where,
            remedy="leave out --sampling-rate, or correct the file",
        )


def increasing(time: Floats) -> NDArray[np.bool_]:
    """Tell which frames come after all before them; one without a time does not."""
    kept = np.isfinite(time)
    kept[1:] &= time[1:] > np.maximum.accumulate(np.where(kept, time, -np.inf))[:-1]
    return kept


def usable(time: Floats, where: str) -> NDArray[np.bool_]:
    """Tell which frames to keep: up to 1 % (or one) may have a time that does not increase.

    Raises
    ------
    InputError
        If it is more.
    """
    kept = increasing(time)
    dropped = int((~kept).sum())
    if dropped > max(1, MOST_DROPPED * len(time)):
        raise InputError(
            f"time does not increase at {dropped} frames, the first is number {int(np.argmin(kept))}",
            where=where,
            remedy="correct the times, or copy the file again",
        )
    return kept
