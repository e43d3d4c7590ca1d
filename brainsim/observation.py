"""What is seen of a simulated network: spikes of the observed cells, fluorescence, the truth, the trials."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim import __version__
from brainsim.anatomy import Anatomy
from brainsim.indicator import Indicator
from brainsim.preset import Preset, Session

Array = NDArray[np.float64]
PRECISION = 1e-3  # dF/F; finer than the noise of any neuron, and it compresses


@dataclass(frozen=True)
class Stretch:
    """A simulated session: its spikes, its frames and when its trials begin [s]."""

    session: Session
    spike_time: Array
    spike_neuron: NDArray[np.int32]
    frame_time: Array
    onset: Array


def observed(
    preset: Preset, anatomy: Anatomy, weight: Array, stretches: list[Stretch], seed: int, rng: np.random.Generator
) -> xr.Dataset:
    """Return the recording of a simulation.

    Parameters
    ----------
    preset
        The experiment.
    anatomy
        Its cells and synapses before learning.
    weight
        Weights at the end, (pre, post).
    stretches
        The sessions, in order.
    seed
        Seed of the simulation.
    rng
        Source of the randomness of fluorescence.
    """
    frames = np.concatenate([s.frame_time for s in stretches])
    times = np.concatenate([s.spike_time for s in stretches])
    cells = np.concatenate([s.spike_neuron for s in stretches])
    order = np.argsort(times, kind="stable")
    times, cells = times[order], cells[order].astype(np.int32)
    result = xr.Dataset()
    indicator = preset.indicator()
    if indicator is not None:
        result = _fluorescence(indicator, times, cells, anatomy.observed, frames, rng)
        result.attrs["sampling_rate_hz"] = preset.frame_rate_hz
    result["spike_time"] = ("spike", times, {"units": "s"})
    result["spike_neuron"] = ("spike", cells)
    result = _with_truth(result, preset, anatomy, weight, learned=any(s.session.plastic for s in stretches))
    result = _with_trials(result, preset, stretches)
    result.attrs.update(
        source="simulated",
        model=f"preset {preset.name}",
        seed=seed,
        brainsim_version=__version__,
        duration_s=float(frames[-1] + 1 / preset.frame_rate_hz),
        sessions=", ".join(s.session.name for s in stretches),
        command=f"brainsim data simulate {preset.name} --seed {seed}",
    )
    return result


def _fluorescence(
    indicator: Indicator,
    times: Array,
    cells: NDArray[np.int32],
    neurons: int,
    frames: Array,
    rng: np.random.Generator,
) -> xr.Dataset:
    calcium = indicator.fluorescence(times, cells, neurons, frames, rng)
    values = (np.round(calcium / PRECISION) * PRECISION).astype(np.float32)
    return xr.Dataset(
        {"calcium": (("time", "neuron"), values, {"units": "dF/F"})},
        coords={"time": ("time", frames, {"units": "s"})},
    )


def _with_truth(result: xr.Dataset, preset: Preset, anatomy: Anatomy, weight: Array, *, learned: bool) -> xr.Dataset:
    """Add the weights and delays between observed cells, their types and positions."""
    seen, pair = slice(anatomy.observed), ("pre", "post")
    result["true_weight"] = (pair, weight[seen, seen])
    names = np.arange(anatomy.observed)
    if anatomy.delay is not None:
        steps = anatomy.delay[seen, seen]
        delay = np.where(steps >= 0, steps * preset.dt_ms / 1000, np.nan)
        result["true_delay"] = (pair, delay, {"units": "s"})
    if learned:
        result["true_weight_before"] = (pair, anatomy.weight[seen, seen])
    return result.assign_coords(
        neuron=names,
        pre=names,
        post=names,
        cell_type=("neuron", np.where(anatomy.excitatory[seen], "E", "I")),
        position=(("neuron", "axis"), anatomy.position[seen]),
    )


def _with_trials(result: xr.Dataset, preset: Preset, stretches: list[Stretch]) -> xr.Dataset:
    """Add the table of trials, where there were stimuli."""
    onset = np.concatenate([s.onset for s in stretches])
    if not len(onset):
        return result
    afferents = preset.afferents()
    labels = [
        (s.session.label, s.session.name, afferents.burst_s + afferents.gap_s * (len(s.session.stimulus) - 1))
        for s in stretches
        for _ in s.onset
    ]
    stimulus, session, duration = zip(*labels, strict=True)
    result = result.assign_coords(
        onset=("trial", onset, {"units": "s"}),
        duration=("trial", np.array(duration), {"units": "s"}),
        stimulus=("trial", np.array(stimulus)),
        session=("trial", np.array(session)),
    )
    result.attrs["trial_frames"] = afferents.trial_frames
    return result
