"""A recording as the rule ``ml`` sees it: spikes in bins, gaps for missing frames."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.block import neuron_blocks
from brainsim.error import InputError
from brainsim.recorded import Events
from brainsim.sufficient import Problem
from brainsim.trial import segments

EVENT_BIN_S = 0.001


@dataclass(frozen=True)
class Encoded:
    """Spikes of a recording in bins, and where the bins lie in time.

    Attributes
    ----------
    spikes
        Spikes of every neuron; counts, or amplitudes over the neuron's `unit`.
    gaps
        Where frames of a neuron are missing: +1 at the first, -1 after the last.
    bins
        Length in bins.
    bin_s
        Width of a bin [s].
    unit
        What one spike is in the recording's own unit, (neuron,).
    onset
        Bin of each stimulus onset, (trial,); -1 where it lies outside.
    start_s
        Time of each bin's beginning, at the first bin of each stretch: (stretch, 2) of bin and time [s].
    kind
        ``"events"`` or ``"binned"``.
    """

    spikes: Events
    gaps: Events
    bins: int
    bin_s: float
    unit: NDArray[np.float64]
    onset: NDArray[np.int64]
    start_s: NDArray[np.float64]
    kind: str


def encode(dataset: xr.Dataset, source: str = "auto", bin_s: float = EVENT_BIN_S) -> Encoded:
    """Bring the spikes of a recording into bins.

    Parameters
    ----------
    dataset
        A recording with ``spikes`` (one bin is one frame) and/or ``spike_time``.
    source
        ``"spikes"`` (binned or inferred), ``"events"`` (spike times), or ``"auto"``: the first that is there.
    bin_s
        Width of a bin for spike times [s].

    Raises
    ------
    InputError
        If there are no such spikes, or the trials have no time course.
    """
    if source == "auto":
        source = "spikes" if "spikes" in dataset else "events"
    if source == "events" and "spike_time" in dataset:
        return _from_events(dataset, bin_s)
    if source == "spikes" and "spikes" in dataset:
        return _from_frames(dataset)
    raise InputError(
        "there are no spikes to fit",
        where=f"field '{'spike_time' if source == 'events' else 'spikes'}'",
        remedy="infer them first: brainsim deconvolve REC.nc --out SPK.nc",
    )


def _from_events(dataset: xr.Dataset, bin_s: float) -> Encoded:
    times, cells = dataset["spike_time"].values, dataset["spike_neuron"].values
    n = dataset.sizes["neuron"]
    length = float(dataset.attrs.get("duration_s", (times.max() if len(times) else 0.0) + bin_s))
    bins = max(1, int(np.ceil(length / bin_s - 1e-9)))
    spikes = Events.of(cells, np.minimum((times / bin_s + 1e-9).astype(int), bins - 1), np.ones(len(times)), n)
    edges = np.zeros((0, 2))
    if (
        "time" in dataset.coords
        and "trial" not in dataset.get("calcium", xr.DataArray(0)).dims
        and dataset.sizes.get("time", 0) > 1
    ):
        time, rate = dataset["time"].values, float(dataset.attrs["sampling_rate_hz"])
        parts = segments(time, rate)
        edges = np.array([[time[a.stop - 1] + 1 / rate, time[b.start]] for a, b in pairwise(parts)]).reshape(-1, 2)
    at = np.clip(np.round(edges / bin_s).astype(int), 0, bins)
    gaps = _switches(np.tile(np.arange(n), len(at)), np.repeat(at[:, 0], n), np.repeat(at[:, 1], n), n)
    onset = _onset_bins(dataset, bin_s, bins)
    return Encoded(spikes, gaps, bins, bin_s, np.ones(n), onset, np.array([[0.0, 0.0]]), "events")


def _onset_bins(dataset: xr.Dataset, bin_s: float, bins: int) -> NDArray[np.int64]:
    if "onset" not in dataset.coords:
        return np.zeros(0, np.int64)
    onset = np.round(dataset["onset"].values / bin_s).astype(np.int64)
    return np.where((onset >= 0) & (onset < bins), onset, -1)


def _from_frames(dataset: xr.Dataset) -> Encoded:
    spikes, rate = dataset["spikes"], float(dataset.attrs.get("sampling_rate_hz", 0) or 0)
    cut = "trial" in spikes.dims
    if dataset.sizes["time"] < 2 or rate <= 0:
        raise InputError(
            "the spikes have no time course (one frame per trial), so they cannot tell who drives whom",
            where="field 'spikes'",
            remedy="give the recording with all its frames",
        )
    time = dataset["time"].values
    runs = [slice(0, len(time))] * dataset.sizes["trial"] if cut else segments(time, rate)
    pad = 8
    begins = np.cumsum([0, *[r.stop - r.start + pad for r in runs]])
    bins = int(begins[-1] - pad)
    blocks = [_block_of_frames(spikes.isel(neuron=block), runs, begins, bins) for block in neuron_blocks(spikes)]
    events, gaps = Events.stacked([each[0] for each in blocks]), Events.stacked([each[1] for each in blocks])
    unit = np.concatenate([each[2] for each in blocks])
    starts = np.array([[b, 0.0 if cut else time[r.start]] for b, r in zip(begins, runs, strict=False)])
    return Encoded(events, gaps, bins, 1 / rate, unit, _onset_frames(dataset, runs, begins, cut), starts, "binned")


def _block_of_frames(
    spikes: xr.DataArray, runs: list[slice], begins: NDArray[np.int64], bins: int
) -> tuple[Events, Events, NDArray[np.float64]]:
    """Return the events, the gaps and the units of some neurons; their traces alone are in memory."""
    cut, neurons = "trial" in spikes.dims, spikes.sizes["neuron"]
    values = spikes.transpose(*(("trial",) if cut else ()), "time", "neuron").values.astype(float)
    laid = np.full((bins, neurons), np.nan)
    for k, (run, begin) in enumerate(zip(runs, begins, strict=False)):
        laid[begin : begin + run.stop - run.start] = values[k] if cut else values[run]
    unit = spike_unit(laid)
    missing = np.isnan(laid)
    cells, frames = np.nonzero(np.nan_to_num(laid).T > 0)
    events = Events.of(cells, frames, laid[frames, cells] / unit[cells], neurons)
    edge = np.diff(np.pad(missing, ((1, 1), (0, 0))).astype(np.int8), axis=0).T
    begin_cell, begin = np.nonzero(edge == 1)
    _, end = np.nonzero(edge == -1)
    return events, _switches(begin_cell, begin, end, neurons), unit


def _onset_frames(dataset: xr.Dataset, runs: list[slice], begins: NDArray[np.int64], cut: bool) -> NDArray[np.int64]:
    if "stimulus" not in dataset.coords:
        return np.zeros(0, np.int64)
    if cut:
        return begins[:-1].astype(np.int64)
    if "onset" not in dataset.coords:
        return np.zeros(0, np.int64)
    frame = np.searchsorted(
        dataset["time"].values, dataset["onset"].values - 0.5 / float(dataset.attrs["sampling_rate_hz"])
    )
    bins = np.full(len(frame), -1, np.int64)
    for run, begin in zip(runs, begins, strict=False):
        inside = (frame >= run.start) & (frame < run.stop)
        bins[inside] = frame[inside] - run.start + begin
    return bins


def spike_unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the size-weighted mean event of each neuron, sum(s^2)/sum(s); 1 for a neuron without events.

    Amplitudes over this unit have the variance of a Poisson count when events of random size arrive at random.

    Parameters
    ----------
    values
        Inferred spikes, (bin, neuron), NaN where missing.
    """
    each = np.maximum(np.ascontiguousarray(values.T), 0)  # a neuron's sum is then the same in any block of neurons
    total, square = np.nansum(each, axis=1), np.nansum(each**2, axis=1)
    unit: NDArray[np.float64] = np.divide(square, total, out=np.ones(values.shape[1]), where=total > 0)
    return unit


def _switches(cells: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64], n: int) -> Events:
    """Return +1 and -1 events at the edges of the gaps of each neuron."""
    both = np.concatenate([begin, end]), np.concatenate([np.ones(len(begin)), -np.ones(len(end))])
    return Events.of(np.concatenate([cells, cells]), both[0], both[1], n)


def problem(encoded: Encoded, jumps: Events, tau_s: float, delay_s: float) -> Problem:
    """Return the fitting problem; time constant and delay are at least one bin."""
    tau, delay = max(1.0, tau_s / encoded.bin_s), max(1, round(delay_s / encoded.bin_s))
    return Problem(encoded.spikes, jumps, encoded.gaps, encoded.bins, tau, delay)
