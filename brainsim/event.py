"""Events of a sample: the same deconvolution and threshold for recorded, simulated and generated trials and rivals."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from brainsim import calcium
from brainsim.error import InputError
from brainsim.evidence import Sample
from brainsim.missing import Floats, deviation

SHORTEST = 8


@dataclass(frozen=True, eq=False)
class EventRule:
    """How events are made of trials.

    Parameters
    ----------
    variable, units
        What the traces are: ``"calcium"`` in its units, or ``"spikes"``.
    threshold
        Spikes per frame above which a neuron counts as active, shape (neuron,): one standard deviation of those of the
        recorded neuron; None where there are no events, and the mean of a trial stands for its rate.
    """

    variable: str
    units: str
    threshold: Floats | None = None

    def __call__(self, sample: Sample) -> Sample:
        """Give trials their events."""
        if self.threshold is None:
            return sample
        spikes = self.spikes(sample)
        return replace(sample, event=np.where(np.isfinite(spikes), (spikes > self.threshold).astype(float), np.nan))

    def spikes(self, sample: Sample) -> Floats:
        """Return spikes per frame: as they are, or by brainsim's default deconvolution; shape (trial, time, neuron)."""
        if self.variable == "spikes":
            return sample.trace
        dims = ("trial", "time", "neuron")
        dataset = xr.Dataset(
            {"calcium": (dims, sample.trace)},
            coords={"time": np.arange(sample.frames) / sample.rate, "neuron": np.arange(sample.trace.shape[2])},
            attrs={"sampling_rate_hz": sample.rate, "source": "recorded", "units": self.units},
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a notice per neuron; those of the recording were told when it was read
            return np.asarray(calcium.deconvolve(dataset)["spikes"].transpose(*dims).values, float)


def learn(reference: Sample, rule: EventRule) -> tuple[EventRule, str]:
    """Find the thresholds on the reference.

    Parameters
    ----------
    reference
        Trials of the real recording.
    rule
        A rule without thresholds.

    Returns
    -------
    rule
        With thresholds, or as it was where trials hold no time course.
    note
        A warning where trials of several frames get no events, else empty.
    """
    if reference.frames == 1:
        return rule, ""
    if reference.frames < SHORTEST:
        return rule, f"trials of {reference.frames} frames are too short for events: rates are the mean {rule.variable}"
    try:
        spikes = rule.spikes(reference)
    except InputError as error:
        return rule, f"no events, rates are the mean {rule.variable}: {error}"
    spread = deviation(spikes.reshape(-1, spikes.shape[2]), 0)
    return replace(rule, threshold=np.nan_to_num(spread)), ""
