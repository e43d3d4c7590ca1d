"""A recording as the input current of a network, and whether the stimulus can still be read from it.

The steps of the original study, for each cell::

    y[n] = a x[n] + (1 - a) y[n - 1],   a = 2 pi f_c / f_s,   f_c = 0.2 Hz      low pass
    r[n] = max(y[n] - y[n - 1], 0)                                              rise
    I[n] = 5 (r[n] - median(r)) / SD(r)                                         input current, pchip between frames

The original added the smallest fluorescence to `r` and took the change relative to the median, (x - m) / m. Scaled to
one standard deviation of each cell, that is the same current for every offset that leaves the median above zero, as
raw fluorescence does; with the smallest dF/F, which is negative, it would be turned upside down. So no offset is added.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats
from scipy.interpolate import PchipInterpolator

from brainsim import catalog, decoder
from brainsim.calcium import deconvolve
from brainsim.error import InputError
from brainsim.evidence import Sample, split
from brainsim.trial import cut_trials

Array = NDArray[np.float64]
INPUT_SD = 5.0
STEPS_PER_FRAME = 10


@dataclass(frozen=True)
class Course:
    """The recording as an input current.

    Attributes
    ----------
    current, slope
        Current per frame and its pchip slope per frame, (frame, neuron).
    """

    current: NDArray[np.float32]
    slope: NDArray[np.float32]

    @property
    def steps(self) -> int:
        """Length of a run in time steps of 1 ms: ten for each frame."""
        return len(self.current) * STEPS_PER_FRAME


def rises(dataset: xr.Dataset) -> xr.Dataset:
    """Add the rises of the smoothed fluorescence as ``spikes``; what could not be done is in `notices`.

    Raises
    ------
    InputError
        If there is no calcium over time.
    """
    if "calcium" not in dataset or dataset.sizes.get("time", 0) < 3:
        raise InputError(
            "an online rule needs fluorescence over time",
            where="field 'calcium'",
            remedy="give a recording with calcium (time, neuron), or use --rule ml",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # neurons without a usable trace get no input; `notices` says which
        return deconvolve(dataset, catalog.get("deconvolution", "lowpass-diff")(offset=False))


def input_course(risen: xr.Dataset) -> Course:
    """Return the input current of every neuron: rises above their median, at a standard deviation of 5.

    Missing frames give no input. The frames of all segments or trials follow each other without a gap.

    Parameters
    ----------
    risen
        What :func:`rises` returned.
    """
    rise = by_frame(risen["spikes"])
    rise[:, np.isnan(rise).all(0)] = 0.0
    above = rise - np.nanmedian(rise, axis=0)
    spread = np.nanstd(rise, axis=0)
    current = np.nan_to_num(above * INPUT_SD / np.where(spread > 0, spread, 1.0))
    frames = np.arange(len(current))
    slope = PchipInterpolator(frames, current, axis=0).derivative()(frames)
    return Course(current.astype(np.float32), slope.astype(np.float32))


def by_frame(variable: xr.DataArray) -> Array:
    """Return a variable of a recording as (frame, neuron), trials one behind the other."""
    joined = variable.stack(frame=("trial", "time")) if "trial" in variable.dims else variable.rename(time="frame")
    return joined.transpose("frame", "neuron").values.astype(float)


def decodability(risen: xr.Dataset) -> dict[str, float | int]:
    """Ask whether the stimulus can be read from the rises: linear SVM, first half of its trials against the second.

    Parameters
    ----------
    risen
        What :func:`rises` returned.

    Returns
    -------
    dict
        ``decoding_accuracy`` on the later half of the trials of each stimulus (in order of time, so that slow drift
        does not help), ``decoding_chance`` (share of the most frequent stimulus there), ``decoding_trials`` and
        ``decoding_p`` (one-sided binomial test against chance). Empty where there are fewer than two stimuli with two
        trials each.
    """
    if "stimulus" not in risen.coords or not ("onset" in risen.coords or "trial" in risen["spikes"].dims):
        return {}
    cut = cut_trials(risen)
    if "onset" in cut.coords:
        cut = cut.sortby("onset")
    trace = cut["spikes"].transpose("trial", "time", "neuron").values.astype(float)
    sample = Sample(trace, float(risen.attrs["sampling_rate_hz"]), cut["stimulus"].values.astype(str))
    halves = split(sample, "blocks")
    right = decoder.decode(halves.training, halves.held_out)
    if not len(right):
        return {}
    counts = np.unique(halves.held_out.labels, return_counts=True)[1]
    chance = float(counts.max() / counts.sum())
    p = stats.binomtest(int(right.sum()), len(right), chance, alternative="greater").pvalue
    return {
        "decoding_accuracy": float(right.mean()),
        "decoding_chance": chance,
        "decoding_trials": len(right),
        "decoding_p": float(p),
    }
