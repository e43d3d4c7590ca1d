"""From raw fluorescence to dF/F."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, percentile_filter

from brainsim import schema
from brainsim.error import InputError
from brainsim.schema import DELTA_F, RAW, SUBTRACTED
from brainsim.trial import segments

FROM_RAW = "calcium is raw fluorescence: dF/F over a running percentile was taken"
SHORTEST = 3


def delta_f(dataset: xr.Dataset, *, whole: bool = True) -> tuple[xr.DataArray, list[str]]:
    """Return the dF/F of a recording, and what was done to get it.

    Parameters
    ----------
    dataset
        A recording.
    whole
        These are all its neurons, so that one at least must have a baseline.

    Raises
    ------
    InputError
        If there is no calcium, it is an active fraction, or its `units` are unknown.
    """
    if "calcium" not in dataset:
        raise InputError(
            "there is no calcium to deconvolve",
            where="field 'calcium'",
            remedy="an event-form recording holds its spikes already",
        )
    schema.validate(dataset.drop_vars("calcium").assign(calcium=dataset["calcium"].where(np.isfinite)))
    calcium = dataset["calcium"]
    units = str(calcium.attrs.get("units", dataset.attrs.get("units", "")))
    if units == "active fraction" or dataset.sizes["time"] < SHORTEST:
        raise InputError(
            f"{dataset.sizes['time']} frames of '{units or 'no units'}' per trace hold no time course",
            where="field 'calcium'",
            remedy="read the full traces; an active fraction is used as it is",
        )
    if units.lower() in (*DELTA_F, SUBTRACTED, ""):
        return calcium, [] if units else ["calcium has no units: taken as dF/F"]
    if units.lower() in RAW:
        return delta_f_over_f(dataset, whole=whole), [FROM_RAW]
    raise InputError(
        f"the units are '{units}'", where="field 'calcium'", remedy="set them to 'dF/F' or 'raw fluorescence'"
    )


def delta_f_over_f(
    dataset: xr.Dataset, window: float = 60.0, percentile: float = 8.0, *, whole: bool = True
) -> xr.DataArray:
    """Return ``(F - F0) / F0`` of raw fluorescence, `F0` a smoothed running percentile of the frames around.

    Parameters
    ----------
    dataset
        A recording whose ``calcium`` is raw fluorescence.
    window
        Width of the running window [s]; it never reaches across a gap, a trial or an end, where it stands still, and is
        shortened to fit. A Gaussian with a sixth of it as standard deviation smooths the percentile.
    percentile
        Percentile of the window that is taken for the baseline `F0`.
    whole
        These are all neurons, so that one at least must have a baseline.

    Returns
    -------
    DataArray
        dF/F with the dimensions of ``calcium``. A missing (or infinite) frame is missing; for the window it counts as
        the median of its segment. A trace whose baseline is not above 0 somewhere is missing altogether.

    Raises
    ------
    InputError
        If no trace of the whole has a baseline above 0 throughout: then this is no raw fluorescence.

    References
    ----------
    The running percentile follows Dombeck et al., Neuron 56 (2007): 8th percentile of the frames around; window and
    smoothing are those of suite2p, Pachitariu et al., bioRxiv 061507 (2017).
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
    if whole and not sound.any():
        raise no_baseline()
    ratio[:, ~sound] = np.nan
    return trace.copy(data=np.moveaxis(ratio, 0, axis)).assign_attrs(units="dF/F")


def no_baseline() -> InputError:
    """Return the error of a recording without a baseline."""
    return InputError(
        "no trace has a baseline above 0",
        where="field 'calcium'",
        remedy="it is no raw fluorescence: set its `units` to 'dF/F' if it is one",
    )


def _baseline(traces: NDArray[np.float64], frames: int, percentile: float) -> NDArray[np.float64]:
    """Return the running percentile of each trace, shape (time, trace)."""
    filled = np.where(np.isnan(traces), np.nanmedian(traces, axis=0), traces)
    width = min(frames, len(filled))
    whole = np.clip(np.arange(len(filled)), width // 2, len(filled) - width + width // 2)
    floor = [percentile_filter(one, percentile, size=width, mode="nearest")[whole] for one in filled.T]
    return np.stack([gaussian_filter1d(one, width / 6, mode="nearest") for one in floor], axis=1)
