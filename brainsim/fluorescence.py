"""From raw fluorescence to dF/F."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import percentile_filter

from brainsim.error import InputError
from brainsim.trial import segments


def delta_f_over_f(dataset: xr.Dataset, window: float = 60.0, percentile: float = 8.0) -> xr.DataArray:
    """Return ``(F - F0) / F0`` of raw fluorescence, `F0` a running percentile of the frames around.

    Parameters
    ----------
    dataset
        A recording whose ``calcium`` is raw fluorescence.
    window
        Width of the running window [s]; it never reaches across a gap or a trial, and is shortened to fit.
    percentile
        Percentile of the window that is taken for the baseline `F0`.

    Returns
    -------
    DataArray
        dF/F with the dimensions of ``calcium``. A missing (or infinite) frame is missing; for the window it counts as
        the median of its segment. A trace whose baseline is not above 0 somewhere is missing altogether.

    Raises
    ------
    InputError
        If no trace has a baseline above 0 throughout: then this is no raw fluorescence.

    References
    ----------
    The running percentile follows Dombeck et al., Neuron 56 (2007): 8th percentile of the frames around.
    """
    trace = dataset["calcium"].astype(float)
    rate = float(dataset.attrs["sampling_rate_hz"])
    axis = trace.dims.index("time")
    values = np.moveaxis(np.where(np.isfinite(trace.values), trace.values, np.nan), axis, 0)
    ratio, sound = np.full_like(values, np.nan), np.ones(values.shape[1:], bool)
    for part in segments(trace["time"].values, rate):
        seen = np.isfinite(values[part]).any(0)
        floor = _baseline(values[part][:, seen], max(1, round(window * rate)), percentile)
        sound[seen] &= (floor > 0).all(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio[part, seen] = (values[part][:, seen] - floor) / floor
    if not sound.any():
        raise InputError(
            "no trace has a baseline above 0",
            where="field 'calcium'",
            remedy="it is no raw fluorescence: set its `units` to 'dF/F' if it is one",
        )
    ratio[:, ~sound] = np.nan
    return trace.copy(data=np.moveaxis(ratio, 0, axis)).assign_attrs(units="dF/F")


def _baseline(traces: NDArray[np.float64], frames: int, percentile: float) -> NDArray[np.float64]:
    """Return the running percentile of each trace, shape (time, trace)."""
    filled = np.where(np.isnan(traces), np.nanmedian(traces, axis=0), traces)
    width = min(frames, len(filled))
    return np.stack([percentile_filter(one, percentile, size=width, mode="nearest") for one in filled.T], axis=1)
