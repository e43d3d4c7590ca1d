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
        return marked(sample, self.spikes(sample), self.threshold)

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


def learn(reference: Sample, rule: EventRule) -> tuple[EventRule, Sample, str]:
    """Find the thresholds on the reference, and its events.

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
    reference
        With its events, where there are any.
    note
        A warning where trials of several frames get no events, else empty.
    """
    if reference.frames == 1:
        return rule, reference, ""
    if reference.frames < SHORTEST:
        why = f"trials of {reference.frames} frames are too short for events"
        return rule, reference, f"{why}: rates are the mean {rule.variable}"
    try:
        spikes = rule.spikes(reference)
    except InputError as error:
        return rule, reference, f"no events, rates are the mean {rule.variable}: {error}"
    spread = deviation(spikes.reshape(-1, spikes.shape[2]), 0)
    threshold = np.nan_to_num(spread)
    return replace(rule, threshold=threshold), marked(reference, spikes, threshold), ""


def marked(sample: Sample, spikes: Floats, threshold: Floats) -> Sample:
    """Return trials with their events: where spikes per frame exceed the threshold of the neuron."""
    return replace(sample, event=np.where(np.isfinite(spikes), (spikes > threshold).astype(float), np.nan))
