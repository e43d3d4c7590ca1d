"""Ground-truth recordings: a preset's network runs in Brian2, session by session, and is seen through an indicator."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim import assembly
from brainsim.anatomy import Anatomy, draw_anatomy
from brainsim.blueprint import Blueprint, values
from brainsim.drive import Drive, make_drive
from brainsim.engine import Network
from brainsim.likelihood import first_events
from brainsim.observation import Stretch, observed
from brainsim.preset import Preset, Session
from brainsim.progress import Progress, silent
from brainsim.recorded import Events, RecordedInput
from brainsim.repeat import signs

Array = NDArray[np.float64]
STREAMS = ("anatomy", "cells", "stimuli", "network", "fluorescence", "drive")
DECIMALS = 4  # of a spike time [s]: whole time steps


def simulate(preset: Preset, seed: int = 0, target: str = "cpp", progress: Progress = silent) -> xr.Dataset:
    """Make a recording whose connectivity, cell types and spikes are known.

    Parameters
    ----------
    preset
        The experiment.
    seed
        Seed of anatomy, stimuli, spikes and fluorescence.
    target
        ``"cpp"`` or ``"numpy"``.
    progress
        Called after each session.

    Returns
    -------
    Dataset
        `spike_time`, `spike_neuron`, `true_weight` of the observed cells with `cell_type` and `position`; where there
        are any, `calcium`, `true_delay`, `true_weight_before` (where synapses learned), and the trials `onset`,
        `duration`, `stimulus`, `session`.

    Examples
    --------
    >>> from brainsim.preset import Session
    >>> from brainsim.preset.pairing_small import PairingSmall
    >>> class Short(PairingSmall):
    ...     def sessions(self):
    ...         return (Session("spontaneous", 20),)
    >>> made = simulate(Short(neurons=12, inhibitory=3), seed=1, target="numpy")
    >>> dict(made["true_weight"].sizes), dict(made["calcium"].sizes), made.attrs["seed"]
    ({'pre': 12, 'post': 12}, {'time': 20, 'neuron': 12}, 1)
    """
    streams = dict(zip(STREAMS, np.random.default_rng(seed).spawn(len(STREAMS)), strict=True))
    anatomy, sessions = draw_anatomy(preset, streams["anatomy"]), preset.sessions()
    drives = [
        make_drive(preset.drive(), anatomy.position, s.frames / preset.frame_rate_hz, preset.dt_ms, streams["drive"])
        for s in sessions
    ]
    network = Network(_blueprint(preset, anatomy, drives[0]), target)
    constant = _constant(preset, anatomy, streams["cells"])
    weight, start, stretches = anatomy.synapse_weight, 0.0, []
    for k, (session, drive) in enumerate(zip(sessions, drives, strict=True)):
        onsets = _onsets(preset, session, streams["stimuli"])
        events = _bursts(preset, session, onsets, len(anatomy.fibre_weight), streams["stimuli"])
        recorded = _recorded(preset, session, anatomy, events, drive, int(streams["network"].integers(2**31)))
        arrays = constant | _given(session, weight, events, drive)
        found = network.run(recorded, arrays, ["synapse.w", "neuron_spikes.i", "neuron_spikes.t"])
        weight = found["synapse.w"].reshape(weight.shape)
        times = np.asarray(np.round(found["neuron_spikes.t"], DECIMALS) + start, np.float64)
        frames = start + np.arange(session.frames) / preset.frame_rate_hz
        stretches.append(Stretch(session, times, found["neuron_spikes.i"], frames, onsets + start))
        start += session.frames / preset.frame_rate_hz + preset.pause_s
        progress(k + 1, len(sessions), session.name)
    after = weight if anatomy.delay is None else anatomy.weight
    return observed(preset, anatomy, after, stretches, seed, streams["fluorescence"])


def _blueprint(preset: Preset, anatomy: Anatomy, drive: Drive) -> Blueprint:
    return assembly.free_running(
        preset.neuron(),
        preset.rule(),
        preset.neurons,
        len(anatomy.fibre_weight),
        dt_ms=preset.dt_ms,
        wired=anatomy.delay is not None,
        drives=drive.shared,
        watched=anatomy.observed if anatomy.observed < preset.neurons else 0,
    )


def _constant(preset: Preset, anatomy: Anatomy, rng: np.random.Generator) -> dict[str, Any]:
    """Return what stays the same from session to session, named as the engine takes it."""
    neuron, rule = preset.neuron(), preset.rule()
    cells = neuron.per_cell(anatomy.excitatory, rng)
    fibres = {"feedforward.w": anatomy.fibre_weight, "feedforward.holds": 0.0}
    return {
        **signs(rule, anatomy.excitatory),
        **(fibres if len(anatomy.fibre_weight) else {}),
        "neuron.current_gain": 0.0 if preset.drive() is None else 1.0,
        **values(neuron, "neuron"),
        **(values(rule, "synapse") if rule.on_pre else {}),
        **{f"neuron.{k}": v for k, v in (rule.initial | cells).items()},
    }


def _given(session: Session, weight: Array, events: Events, drive: Drive) -> dict[str, Any]:
    """Return what differs between sessions."""
    step, amplitude = first_events(events)
    afferents = {"afferent.next_step": step, "afferent.amplitude": amplitude} if events.sources else {}
    gains = {f"neuron.gain_{k}": gain for k, gain in enumerate(drive.gain if drive.gain is not None else ())}
    return {"synapse.w": weight, "synapse.plastic": float(session.plastic), **afferents, **gains}


def _recorded(
    preset: Preset, session: Session, anatomy: Anatomy, events: Events, drive: Drive, seed: int
) -> RecordedInput:
    """Return what the network reads while a session lasts."""
    return RecordedInput(
        round(session.frames / preset.frame_rate_hz * 1000 / preset.dt_ms),
        seed=seed,
        events=events,
        current=drive.current,
        current_slope=drive.slope,
        frame_steps=drive.frame_steps,
        synapse_delay=np.zeros((0, 1), np.int16) if anatomy.delay is None else anatomy.delay,
    )


def _onsets(preset: Preset, session: Session, rng: np.random.Generator) -> Array:
    """Return when the trials of a session begin [s], on frames, each followed by a whole trial."""
    if not session.stimulus:
        return np.zeros(0)
    afferents, rate = preset.afferents(), preset.frame_rate_hz
    onsets, at = [], 0.5
    while round(at * rate) + afferents.trial_frames <= session.frames:
        onsets.append(round(at * rate) / rate)
        at += afferents.interval_s + rng.uniform(0, afferents.jitter_s)
    return np.array(onsets)


def _bursts(preset: Preset, session: Session, onsets: Array, fibres: int, rng: np.random.Generator) -> Events:
    """Return the spikes of every afferent fibre in a session."""
    afferents, steps_per_second = preset.afferents(), 1000 / preset.dt_ms
    channels = list(afferents.channels)
    source, step = [np.zeros(0, int)], [np.zeros(0, int)]
    for place, channel in enumerate(session.stimulus):
        first = channels.index(channel) * afferents.fibres
        for onset in onsets + place * afferents.gap_s:
            count = rng.poisson(afferents.rate_hz * afferents.burst_s, afferents.fibres)
            source.append(np.repeat(np.arange(first, first + afferents.fibres), count))
            step.append(((onset + rng.uniform(0, afferents.burst_s, count.sum())) * steps_per_second).astype(int))
    sources, steps = np.concatenate(source), np.concatenate(step)
    return Events.of(sources, steps, np.ones(len(steps)), fibres)
