"""Spike times of many neurons as events, checked and in order of time."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError


def events(
    time: NDArray[np.float64], cell: NDArray[np.integer], names: NDArray[np.generic], end: float, where: str
) -> xr.Dataset:
    """Return ``spike_time`` and ``spike_neuron``.

    Parameters
    ----------
    time
        Time of each spike [s], in any order, shape (spike,).
    cell
        Index on `names` of each spike's neuron, shape (spike,).
    names
        Names of the neurons, also of those without spikes.
    end
        When the recording ends [s].
    where
        File and field, for errors.

    Raises
    ------
    InputError
        If a time is missing, negative, or after the end.
    """
    for wrong, what, remedy in (
        (~np.isfinite(time), "missing or infinite", "drop them from the file"),
        (time < 0, "negative", "shift the times, or drop them from the file"),
        (time > end, f"after the end at {end:g} s", "give the right --duration"),
    ):
        if wrong.any():
            raise InputError(
                f"{int(wrong.sum())} spike times are {what}, the first of neuron {names[cell[np.argmax(wrong)]]}",
                where=where,
                remedy=remedy,
            )
    order = np.argsort(time, kind="stable")
    return xr.Dataset(
        {"spike_time": ("spike", time[order]), "spike_neuron": ("spike", cell[order].astype(np.int64))},
        coords={"neuron": names},
        attrs={"duration_s": end},
    )
