"""A fitted network runs freely: no recorded spikes go in, only the schedule of stimuli and drift."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.signal import lfilter

from brainsim import assembly
from brainsim.engine import Network
from brainsim.error import InputError
from brainsim.indicator import Indicator
from brainsim.likelihood import first_events
from brainsim.neuron.lif import Lif
from brainsim.recorded import Events, RecordedInput
from brainsim.rule.static import Static

Array = NDArray[np.float64]
DEFAULT_FRAME_RATE_HZ = 10.0
RUNAWAY = 3.0
HEADROOM = 4.0


def sample(fit: xr.Dataset, seed: int = 0, target: str = "cpp") -> xr.Dataset:
    """Let the network of a fit of the rule ``ml`` run freely for as long as the recording was.

    Parameters
    ----------
    fit
        What :meth:`brainsim.network.SpikingNetwork.fit` gave.
    seed
        Seed of spikes and noise.
    target
        ``"cpp"`` or ``"numpy"``.

    Returns
    -------
    Dataset
        A simulated recording with calcium, and spikes in the form the fit was made from. The attribute
        `rate_ratio` is its mean rate over the recorded one; more than 3 is said to be a runaway.

    Raises
    ------
    InputError
        If the fit is not of the rule ``ml``.
    """
    if fit.attrs.get("rule") != "ml":
        raise InputError(
            f"a fit of the rule '{fit.attrs.get('rule')}' does not run freely",
            where="field 'rule'",
            remedy="fit with --rule ml",
        )
    cells, bins, counts = spikes(fit, seed, target)
    rng = np.random.default_rng([seed, 1])
    result = (
        _frames(fit, cells, bins, counts, rng)
        if fit.attrs["input"] == "binned"
        else _events(fit, cells, bins, counts, rng)
    )
    for name in ("cell_type", "onset", "duration", "stimulus", "session", "position"):
        if name in fit.coords:
            result = result.assign_coords({name: fit[name].variable})
    ratio = float(counts.sum() / max(fit["count"].values.sum(), 1.0))
    result.attrs.update(
        source="simulated", model=f"{fit.attrs['rule']}/{fit.attrs['neuron_model']}", seed=seed, rate_ratio=ratio
    )
    if ratio > RUNAWAY:
        result.attrs["notices"] = (
            f"the free-running network fires {ratio:.1f} times as often as the recorded one: do not trust it"
        )
    for name in ("trial_frames", "sampling_rate_hz"):
        if name in fit.attrs:
            result.attrs[name] = fit.attrs[name]
    return result


def spikes(
    fit: xr.Dataset, seed: int = 0, target: str = "cpp", chosen: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """Let the network of a fit run freely; its spikes alone.

    Parameters
    ----------
    fit
        What :meth:`brainsim.network.SpikingNetwork.fit` gave.
    seed
        Seed of the spikes.
    target
        ``"cpp"`` or ``"numpy"``.
    chosen
        Bins of the recording to run through, increasing: what lies between is left out, and stimuli and drift are
        those of the chosen bins. By default all.

    Returns
    -------
    neuron, bin, count
        Of every spike; `bin` is that of the recording.
    """
    chosen = np.arange(int(fit.attrs["bins"])) if chosen is None else chosen
    n, k = fit.sizes["neuron"], fit.sizes["covariate"]
    size, afferents = assembly.size_class(n), assembly.size_class(k)
    delay = max(1, round(fit.attrs["delay_s"] / fit.attrs["bin_s"]))
    network = Network(assembly.free_running(Lif(), Static(), size, afferents, delay - 1), target)
    weight, jump_weight = np.zeros((size, size)), np.zeros((afferents, size))
    weight[:n, :n] = fit["weight"].values + np.diag(fit["history"].values)
    jump_weight[:k, :n] = fit["covariate_weight"].values
    bias, ceiling = np.full(size, -60.0), np.zeros(size)
    bias[:n], ceiling[:n] = fit["bias"].values, np.log(HEADROOM * np.maximum(fit["largest"].values, 1e-6))
    jumps = Events.of(
        fit["jump_covariate"].values.astype(int),
        np.maximum(np.searchsorted(chosen, fit["jump_bin"].values) - 1, 0),
        fit["jump_size"].values,
        k,
    ).padded(afferents)
    step, amplitude = first_events(jumps)
    arrays = {
        "synapse.w": weight,
        "synapse.plastic": 0.0,
        "feedforward.w": jump_weight,
        "feedforward.holds": 1.0,
        "neuron.current_gain": 0.0,
        "neuron.tau_m": fit.attrs["tau_s"] / fit.attrs["bin_s"] / 1000,
        "neuron.bias": bias,
        "neuron.ceiling": ceiling,
        "afferent.next_step": step,
        "afferent.amplitude": amplitude,
    }
    found = network.run(
        RecordedInput(len(chosen), seed=seed, events=jumps),
        arrays,
        [f"neuron_spikes.{v}" for v in ("i", "t", "spikes")],
    )
    at = np.minimum(np.round(found["neuron_spikes.t"] * 1000).astype(int), len(chosen) - 1)
    return found["neuron_spikes.i"].astype(int), chosen[at], found["neuron_spikes.spikes"].astype(float)


def _frames(
    fit: xr.Dataset, cells: NDArray[np.int64], bins: NDArray[np.int64], counts: Array, rng: np.random.Generator
) -> xr.Dataset:
    """Return spikes and calcium per frame, laid out in time as the recording was."""
    n, total, rate = fit.sizes["neuron"], int(fit.attrs["bins"]), float(fit.attrs["sampling_rate_hz"])
    laid = np.zeros((total, n))
    np.add.at(laid, (bins, cells), counts)
    laid *= fit["spike_unit_used"].values
    starts, begins = fit["stretch_time"].values, fit["stretch_bin"].values.astype(int)
    ends = np.append(begins[1:] - 8, total)
    runs = [slice(a, b) for a, b in zip(begins, ends, strict=True)]
    calcium = [_fluorescence(fit, laid[run], rate, rng) for run in runs]
    if "cut_frames" in fit.attrs:
        dims, time = ("trial", "time", "neuron"), np.arange(fit.attrs["cut_frames"]) / rate
        spikes, traces = np.stack([laid[run] for run in runs]), np.stack(calcium)
    else:
        dims = ("time", "neuron")  # type: ignore[assignment]
        time = np.concatenate(
            [start + np.arange(run.stop - run.start) / rate for start, run in zip(starts, runs, strict=True)]
        )
        spikes, traces = np.concatenate([laid[run] for run in runs]), np.concatenate(calcium)
    return xr.Dataset(
        {"calcium": (dims, traces, {"units": "dF/F"}), "spikes": (dims, spikes)},
        coords={"time": time, "neuron": fit["neuron"].values},
    )


def _fluorescence(fit: xr.Dataset, spikes: Array, rate: float, rng: np.random.Generator) -> Array:
    """Return the trace that the deconvolution's own model gives: baseline, exponential decay, noise."""
    n = spikes.shape[1]
    decay, noise, baseline = (
        np.nan_to_num(fit[name].values, nan=default) if name in fit.coords else np.full(n, default)
        for name, default in (("decay_time", 0.6), ("noise", 0.05), ("baseline", 0.0))
    )
    traces = np.stack(
        [lfilter([1.0], [1.0, -np.exp(-1 / (max(decay[i], 1e-3) * rate))], spikes[:, i]) for i in range(n)], axis=1
    )
    noisy: Array = baseline + traces + noise * rng.standard_normal(traces.shape)
    if "noise" in fit.coords:  # a neuron that was never seen stays missing
        noisy[:, np.isnan(fit["noise"].values) & (fit["count"].values == 0)] = np.nan
    return noisy


def _events(
    fit: xr.Dataset, cells: NDArray[np.int64], bins: NDArray[np.int64], counts: Array, rng: np.random.Generator
) -> xr.Dataset:
    """Return spike times and the fluorescence an indicator would show."""
    n, width = fit.sizes["neuron"], float(fit.attrs["bin_s"])
    repeat = counts.astype(int)
    times = (np.repeat(bins, repeat) + rng.uniform(size=repeat.sum())) * width
    cells = np.repeat(cells, repeat)
    order = np.argsort(times, kind="stable")
    times, cells = times[order], cells[order]
    duration = float(fit.attrs["bins"]) * width
    rate = float(fit.attrs.get("sampling_rate_hz", DEFAULT_FRAME_RATE_HZ))
    frames = fit["frame_time"].values if "frame_time" in fit else np.arange(max(1, int(duration * rate))) / rate
    calcium = Indicator().fluorescence(times, cells, n, frames, rng)
    return xr.Dataset(
        {
            "calcium": (("time", "neuron"), calcium, {"units": "dF/F"}),
            "spike_time": ("spike", times),
            "spike_neuron": ("spike", cells),
        },
        coords={"time": frames, "neuron": fit["neuron"].values},
        attrs={"duration_s": duration, "sampling_rate_hz": rate},
    )
