"""Our deconvolution and others where the true spikes are known: correlation of inferred with true spikes, in bins.

For each neuron, with bins of 1 / rate from the beginning of each gap-free segment on:

    r = corr(inferred spikes per bin, true spikes per bin)
"""

import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from brainsim import catalog
from brainsim.deconvolution import Deconvolution, Floats
from brainsim.error import BrainsimError, InputError
from brainsim.inferred import infer
from brainsim.progress import Progress, silent
from brainsim.trial import is_cut, segments

OURS, LIBRARY = "brainsim", "oasis-defaults"


@dataclass(frozen=True)
class OasisDefaults(Deconvolution):
    """The function ``deconvolve`` of the package `oasis-deconv`, one call per neuron, nothing set.

    References
    ----------
    Friedrich, Zhou, Paninski, Fast online deconvolution of calcium imaging data, PLOS Computational Biology 13 (2017).
    """

    name: ClassVar[str] = "oasis-defaults"

    seed: int = 0

    def runs(self, traces: Sequence[Floats], rate: float) -> tuple[list[Floats], dict[str, float]]:
        """Return what it gives for the frames of a neuron, gaps closed."""
        from oasis.functions import deconvolve

        np.random.seed(self.seed)  # noqa: NPY002 - the library draws from the global generator where it cannot estimate
        spikes = deconvolve(np.concatenate(traces)).s
        return np.split(spikes, np.cumsum([len(trace) for trace in traces])[:-1]), {}


@dataclass(frozen=True)
class Case:
    """A recording with calcium and true spike times, and the data set that it belongs to."""

    data_set: str
    dataset: xr.Dataset


def default_methods() -> tuple[str, ...]:
    """Return ours, the library as it is, and every other method of the catalogue."""
    return (OURS, LIBRARY, *(name for name in catalog.names("deconvolution") if name != "oasis"))


def method_of(name: str, seed: int = 0) -> Deconvolution:
    """Return a method by its name.

    Parameters
    ----------
    name
        ``brainsim`` (our default), ``oasis-defaults``, or one of the catalogue.
    seed
        Seed of what the library draws.

    Raises
    ------
    UnknownName
        If there is no such method.
    """
    if name == LIBRARY:
        return OasisDefaults(seed)
    method: Deconvolution = catalog.get("deconvolution", "oasis" if name == OURS else name)()
    return method


def case(name: str, dataset: xr.Dataset) -> Case:
    """Return a recording ready for the benchmark.

    Parameters
    ----------
    name
        What to call its data set, where the attribute `data_set` does not tell.
    dataset
        Continuous ``calcium`` and ``spike_time``.

    Raises
    ------
    InputError
        If it has no calcium or no true spikes, or is cut into trials.
    """
    for field in ("calcium", "spike_time"):
        if field not in dataset:
            raise InputError(
                f"it has no {'calcium' if field == 'calcium' else 'true spike times'}",
                where=f"{name}, field '{field}'",
                remedy="give a recording of both, for example a preset calcium-... or CASCADE ground truth",
            )
    if is_cut(dataset):
        raise InputError(
            "it is cut into trials", where=f"{name}, field 'calcium'", remedy="give the continuous recording"
        )
    return Case(str(dataset.attrs.get("data_set") or name), dataset)


def compete(
    cases: Iterable[Case], methods: Sequence[str], rate: float = 7.5, seed: int = 0, progress: Progress = silent
) -> list[dict[str, Any]]:
    """Hold methods against the truth.

    Parameters
    ----------
    cases
        Recordings; those of one data set share a row.
    methods
        Names, as :func:`method_of` reads them.
    rate
        Bins per second [Hz]; at most the frame rate.
    seed
        Seed of what the library draws.
    progress
        Called after each recording and method.

    Returns
    -------
    list of dict
        One row for each data set and method: ``data``, ``method``, ``neurons`` that have a correlation,
        ``correlation`` (median over neurons), ``low`` and ``high`` (quartiles), ``correlations`` (of each neuron),
        ``seconds``, and ``why`` where something is missing.
    """
    held = list(cases)
    known = {name: method_of(name, seed) for name in methods}
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for number, each in enumerate(held):
        for place, (name, method) in enumerate(known.items(), 1):
            found.setdefault((each.data_set, name), []).append(_judge(each.dataset, method, rate))
            progress(number * len(known) + place, len(held) * len(known), f"{each.data_set} {name}")
    return [_row(data, name, runs) for (data, name), runs in found.items()]


def _judge(dataset: xr.Dataset, method: Deconvolution, rate: float) -> dict[str, Any]:
    """Deconvolve one recording and return the correlation of each neuron, seconds, and what went wrong."""
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            spikes = infer(dataset, method).spikes
    except BrainsimError as error:
        return {"r": [], "seconds": None, "why": " ".join(str(error).split())}
    return {"r": correlations(dataset, spikes, rate), "seconds": time.perf_counter() - start, "why": ""}


def correlations(dataset: xr.Dataset, spikes: xr.DataArray, rate: float) -> list[float]:
    """Return the correlation of inferred with true spikes of each neuron; NaN where one of them never changes.

    Parameters
    ----------
    dataset
        Has the true `spike_time` [s] and `spike_neuron`.
    spikes
        Inferred spikes, (time, neuron), NaN where missing: such frames are left out, and bins without any other.
    rate
        Bins per second [Hz]; at most the frame rate.
    """
    frames, frame_rate = dataset["time"].values, float(dataset.attrs["sampling_rate_hz"])
    width, truth = 1 / min(rate, frame_rate), (dataset["spike_time"].values, dataset["spike_neuron"].values)
    values = spikes.transpose("neuron", "time").values
    found = []
    for neuron, trace in enumerate(values):
        times = truth[0][truth[1] == neuron]
        parts = [_binned(frames[part], trace[part], times, width, frame_rate) for part in segments(frames, frame_rate)]
        inferred, true = (np.concatenate(column) for column in zip(*parts, strict=True))
        seen = np.isfinite(inferred)
        varies = seen.any() and np.ptp(inferred[seen]) > 0 and np.ptp(true[seen]) > 0
        found.append(float(np.corrcoef(inferred[seen], true[seen])[0, 1]) if varies else np.nan)
    return found


def _binned(frames: Floats, trace: Floats, times: Floats, width: float, rate: float) -> tuple[Floats, Floats]:
    """Return mean inferred spikes per frame and true spikes, in the whole bins of one segment."""
    bins = int((frames[-1] - frames[0] + 1 / rate) / width + 1e-6)
    at = ((frames - frames[0]) / width + 1e-6).astype(int)
    seen = np.isfinite(trace) & (at < bins)
    count = np.bincount(at[seen], minlength=bins)
    total = np.bincount(at[seen], trace[seen], minlength=bins)
    true = np.histogram(times, frames[0] + np.arange(bins + 1) * width)[0] if bins else np.empty(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan), true.astype(float)


def _row(data: str, method: str, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put the neurons of a data set together."""
    all_r = np.array([r for run in runs for r in run["r"]])
    known = all_r[np.isfinite(all_r)]
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75]).tolist() if len(known) else (None, None, None)
    why = [run["why"] for run in runs if run["why"]]
    if len(known) < len(all_r):
        why.append(f"{len(all_r) - len(known)} neurons without a correlation: nothing inferred, or no true spikes")
    seconds = [run["seconds"] for run in runs]
    return {
        "data": data,
        "method": method,
        "neurons": len(known),
        "correlation": middle,
        "low": low,
        "high": high,
        "correlations": known.tolist(),
        "seconds": None if None in seconds else float(sum(seconds)),
        "why": "; ".join(dict.fromkeys(why)),
    }
