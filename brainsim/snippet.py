"""Response snippets: short pieces of dF/F around an onset, as the original study classified them.

A snippet is 25 frames at 10 Hz, 5 before and 20 after a stimulus onset; where a recording has no stimuli, after dF/F
rises above 0.15. Snippets that stay below 0.15 do not count.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.resampling import even_runs
from brainsim.trial import is_cut

Floats = NDArray[np.float64]

RATE_HZ = 10.0
BEFORE, AFTER = 5, 20
SMALLEST = 0.15


def snippets(dataset: xr.Dataset) -> NDArray[np.object_]:
    """Return the snippets of every cell.

    Parameters
    ----------
    dataset
        A continuous recording whose ``calcium`` is dF/F.

    Returns
    -------
    ndarray
        (neuron,), each an array (snippet, 25); a cell may have none.

    Raises
    ------
    InputError
        If the recording is cut into trials, which hold nothing from before the onset, or slower than 10 Hz.
    """
    rate = float(dataset.attrs["sampling_rate_hz"])
    if is_cut(dataset) or rate < 0.99 * RATE_HZ:
        raise InputError(
            "it is cut into trials" if is_cut(dataset) else f"{rate:g} frames per second make no snippet of 10 Hz",
            where="field 'calcium'",
            remedy="give the continuous recording at 10 Hz or more, or use --method features",
        )
    time = dataset["time"].values.astype(float)
    onsets = np.sort(dataset["onset"].values.astype(float)) if "onset" in dataset.coords else None
    values = dataset["calcium"].transpose("neuron", "time").values.astype(float)
    found = np.empty(len(values), object)
    for cell, each in enumerate(values):
        pieces = [piece for start, run in even_runs(time, each, rate, RATE_HZ) for piece in _cut(start, run, onsets)]
        found[cell] = np.array(pieces).reshape(-1, BEFORE + AFTER)
    return found


def _cut(start: float, run: Floats, onsets: Floats | None) -> list[Floats]:
    """Return the snippets of one run that reach 0.15."""
    if onsets is None:
        at = np.flatnonzero((run[1:] >= SMALLEST) & (run[:-1] < SMALLEST)) + 1
        at = _apart(at)
    else:
        at = np.ceil((onsets - start) * RATE_HZ - 1 - 1e-6).astype(int)  # as trials are cut: from half a frame before
    pieces = [run[i - BEFORE : i + AFTER] for i in at if BEFORE <= i <= len(run) - AFTER]
    return [piece for piece in pieces if piece.max() >= SMALLEST]


def _apart(at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Leave out every onset that lies within the snippet of the one before."""
    kept: list[int] = []
    for i in at.tolist():
        if not kept or i - kept[-1] >= AFTER:
            kept.append(i)
    return np.array(kept, dtype=np.int64)
