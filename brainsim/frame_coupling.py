"""Couplings within a frame, for recordings whose frames are longer than a synapse takes.

    y_j  = sum_i w_ij y_i + rest       y: spikes per frame, without the mean course after each stimulus of a session
    w_ij = -P_ij / P_jj                P: inverse of the covariance, with a hundredth of the mean variance added
    se   = sqrt(P_ii / (P_jj frames))

Both neurons of a pair answer within the same frame, so a coupling has hardly a direction.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.encoding import spike_unit
from brainsim.error import FitError, InputError
from brainsim.missing import mean
from brainsim.trial import is_cut, segments, trial_frames

Array = NDArray[np.float64]
LOADING = 0.01


def fit(dataset: xr.Dataset) -> xr.Dataset:
    """Regress the spikes of every neuron on those of all others in the same frame.

    Parameters
    ----------
    dataset
        A recording with ``spikes`` per frame.

    Returns
    -------
    Dataset
        `weight` and `weight_se` on (`pre`, `post`), in spikes per spike.

    Raises
    ------
    InputError
        If it holds no spikes per frame.
    FitError
        If it holds fewer than two frames more than neurons, or not one spike.

    References
    ----------
    Lauritzen (1996), Graphical Models (partial covariance). Hoerl & Kennard (1970), Technometrics 12:55 (ridge).
    """
    if "spikes" not in dataset:
        remedy = "infer them first: brainsim deconvolve REC.nc --out SPK.nc"
        raise InputError("there are no spikes per frame", where="field 'spikes'", remedy=remedy)
    rest = unlocked(dataset)
    frames, n = rest.shape
    if frames < n + 2 or not rest.any():
        what = f"{frames} frames of {n} neurons" if rest.any() else "there is not one spike"
        raise FitError(f"{what}: nothing can be told of who is coupled", remedy="give a longer recording")
    covariance = rest.T @ rest / frames
    fires = np.diag(covariance) > 0
    covariance[np.diag_indices(n)] += np.where(fires, LOADING * np.diag(covariance)[fires].mean(), 1.0)
    precision = np.linalg.inv(covariance)
    own = np.diag(precision)
    weight, error = -precision / own, np.sqrt(own[:, None] / own / frames)
    judged = fires[:, None] & fires & ~np.eye(n, dtype=bool)
    names = dataset["neuron"].values if "neuron" in dataset.coords else np.arange(n)
    pair = ("pre", "post")
    values = {"weight": (pair, np.where(judged, weight, 0.0)), "weight_se": (pair, error)}
    return xr.Dataset(values, {"pre": names, "post": names}, {"rule": "frame coupling", "bins": frames})


def unlocked(dataset: xr.Dataset) -> Array:
    """Return spikes per frame without what is locked to stimuli, (frame, neuron).

    Each neuron counts in units of its mean event. Off come the mean of each gap-free run and, frame by frame from
    onset, the mean over the trials of one stimulus in one session. Missing frames are 0.

    Parameters
    ----------
    dataset
        A recording with ``spikes``.
    """
    cut, spikes = is_cut(dataset, "spikes"), dataset["spikes"]
    values = spikes.transpose(*(("trial",) if cut else ()), "time", "neuron").values.astype(float)
    frames = values.shape[1] if cut else len(values)
    flat = values.reshape(-1, values.shape[-1])
    flat = flat / spike_unit(flat)
    time = dataset["time"].values
    runs = [slice(0, len(flat))] if cut else segments(time, float(dataset.attrs["sampling_rate_hz"]))
    first = np.arange(0, len(flat), frames) if cut else _first_frames(dataset)
    for run in runs:
        flat[run] -= mean(flat[run], 0)
    for trials in _alike(dataset, len(first)):
        length = frames if cut else trial_frames(dataset)
        for later in range(length):
            at = first[trials] + later
            at = at[at < len(flat)]
            flat[at] -= mean(flat[at], 0)
    return np.nan_to_num(flat)


def _first_frames(dataset: xr.Dataset) -> NDArray[np.int64]:
    """Return the frame of each stimulus onset of a continuous recording."""
    if "onset" not in dataset.coords or "stimulus" not in dataset.coords:
        return np.zeros(0, np.int64)
    half = 0.5 / float(dataset.attrs["sampling_rate_hz"])
    return np.searchsorted(dataset["time"].values, dataset["onset"].values - half)


def _alike(dataset: xr.Dataset, trials: int) -> list[NDArray[np.int64]]:
    """Return the trials of each stimulus in each session."""
    names = [dataset[each].values.astype(str) for each in ("stimulus", "session") if each in dataset.coords]
    if not trials or not names:
        return []
    _, group = np.unique(np.stack(names), axis=1, return_inverse=True)
    return [np.flatnonzero(group.ravel() == k) for k in range(group.max() + 1)]
