"""The trace of one neuron becomes spikes; whatever is wrong with it is said, and stops no other."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainsim.deconvolution import Deconvolution

Floats = NDArray[np.float64]

SHORTEST_RUN = 3
LARGEST = 1e100  # squares of larger numbers, summed, are infinite


def native(trace: NDArray[Any]) -> Floats:
    """Return a neuron's trace as contiguous native float64, shape (trial, time); infinite frames become missing."""
    plain = np.array(np.atleast_2d(trace), dtype=np.float64, order="C")
    plain[~np.isfinite(plain)] = np.nan
    return plain


def spikes_of(
    method: Deconvolution, trace: Floats, breaks: Sequence[int], rate: float
) -> tuple[Floats, dict[str, float], str]:
    """Deconvolve one neuron.

    Parameters
    ----------
    method
        The method.
    trace
        dF/F, shape (trial, time), NaN where missing.
    breaks
        Frames at which a segment begins.
    rate
        Frames per second [Hz].

    Returns
    -------
    spikes
        Shape of `trace`, NaN where there are none.
    estimates
        Of the method, and ``spike_unit``.
    note
        What was wrong, or nothing.
    """
    spikes = np.full_like(trace, np.nan)
    places = [(row, run) for row in range(len(trace)) for run in _runs(trace[row], breaks)]
    pieces = [np.ascontiguousarray(trace[row, run]) for row, run in places]
    if not pieces:
        return spikes, {}, "no usable run of frames: its spikes are missing"
    if all(np.ptp(piece) == 0 for piece in pieces) and len({piece[0] for piece in pieces}) == 1:
        for row, run in places:
            spikes[row, run] = 0
        return spikes, {}, "its trace never changes: it has no spikes"
    if max(np.abs(piece).max() for piece in pieces) > LARGEST:
        return spikes, {}, f"its numbers are beyond {LARGEST:g}: its spikes are missing"
    try:
        with _threads().limit(limits=1), np.errstate(all="ignore"):
            found, estimates = method.runs(pieces, rate)
    except (ArithmeticError, ValueError, IndexError, np.linalg.LinAlgError) as error:
        return spikes, {}, f"{method.name} failed ({error}): its spikes are missing"
    if not all(np.isfinite(one).all() for one in found):
        return spikes, {}, f"{method.name} gave no finite numbers: its spikes are missing"
    for (row, run), one in zip(places, found, strict=True):
        spikes[row, run] = one
    return spikes, {**estimates, "spike_unit": _unit(np.concatenate(found))}, ""


@cache
def _threads() -> Any:
    """Return what holds linear algebra to one thread; finding its libraries takes longer than a short trace."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _runs(trace: Floats, breaks: Sequence[int]) -> Iterable[slice]:
    """Return the gap-free runs of at least 3 frames."""
    seen = np.isfinite(trace)
    starts = seen & ~np.concatenate([[False], seen[:-1]])
    starts[list(breaks)] = seen[list(breaks)]
    ends = seen & np.concatenate([starts[1:] | ~seen[1:], [True]])
    for start, end in zip(np.flatnonzero(starts), np.flatnonzero(ends) + 1, strict=True):
        if end - start >= SHORTEST_RUN:
            yield slice(int(start), int(end))


def _unit(spikes: Floats) -> float:
    """Return the size-weighted mean event, NaN where there is none."""
    above = spikes - spikes.min()
    return float(np.sum(above**2) / np.sum(above)) if above.any() else np.nan
