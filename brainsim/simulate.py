"""Ground-truth recordings: a preset's network runs in Brian2, session by session, and is seen through an indicator."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim import __version__, assembly
from brainsim.blueprint import values
from brainsim.engine import Network
from brainsim.likelihood import first_events
from brainsim.online import signs
from brainsim.preset import Afferents, Preset, Session, Wiring
from brainsim.progress import Progress, silent
from brainsim.recorded import Events, RecordedInput

Array = NDArray[np.float64]
STEPS_PER_SECOND = 1000
PRECISION = 1e-3  # dF/F; finer than the noise of any neuron, and it compresses


@dataclass
class Anatomy:
    """The cells and synapses of one simulated network.

    Attributes
    ----------
    excitatory
        Which cells are excitatory, (neuron,).
    weight
        Recurrent weights, (pre, post).
    fibre_weight
        Weights of the afferent fibres, (fibre, neuron).
    position
        Where the cells lie [um], (neuron, 2).
    """

    excitatory: NDArray[np.bool_]
    weight: Array
    fibre_weight: Array
    position: Array


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
        ``calcium (time, neuron)``, ``spike_time``, ``spike_neuron``, ``true_weight`` and (where synapses learned)
        ``true_weight_before``, with `cell_type`, `position`, and the trials `onset`, `duration`, `stimulus`, `session`.
    """
    streams = dict(
        zip(
            ("anatomy", "cells", "stimuli", "network", "fluorescence"),
            np.random.default_rng(seed).spawn(5),
            strict=True,
        )
    )
    anatomy = _anatomy(preset, streams["anatomy"])
    neuron, rule, sessions = preset.neuron(), preset.rule(), preset.sessions()
    network = Network(assembly.free_running(neuron, rule, preset.neurons, len(anatomy.fibre_weight)), target)
    cells = neuron.per_cell(anatomy.excitatory, streams["cells"])
    constant = {
        **signs(rule, anatomy.excitatory),
        "feedforward.w": anatomy.fibre_weight,
        "feedforward.holds": 0.0,
        "neuron.current_gain": 0.0,
        **values(neuron, "neuron"),
        **(values(rule, "synapse") if rule.on_pre else {}),
        **{f"neuron.{k}": v for k, v in (rule.initial | cells).items()},
    }
    fibres = len(anatomy.fibre_weight)
    weight, start, parts = anatomy.weight, 0.0, []
    for k, session in enumerate(sessions):
        onsets = _onsets(preset, session, streams["stimuli"])
        events = _bursts(preset, session, onsets, fibres, streams["stimuli"])
        step, amplitude = first_events(events)
        arrays = {
            **constant,
            "synapse.w": weight,
            "synapse.plastic": float(session.plastic),
            "afferent.next_step": step,
            "afferent.amplitude": amplitude,
        }
        steps = round(session.frames / preset.frame_rate_hz * STEPS_PER_SECOND)
        if not fibres:  # a preset without stimuli has no afferents to give values to
            arrays = {name: value for name, value in arrays.items() if not name.startswith(("afferent", "feedforward"))}
        recorded = RecordedInput(steps, seed=int(streams["network"].integers(2**31)), events=events)
        found = network.run(recorded, arrays, ["synapse.w", "neuron_spikes.i", "neuron_spikes.t"])
        weight = found["synapse.w"].reshape(weight.shape)
        times = np.round(found["neuron_spikes.t"], 3) + start
        frames = start + np.arange(session.frames) / preset.frame_rate_hz
        parts.append((session, times, found["neuron_spikes.i"], frames, onsets + start))
        start += session.frames / preset.frame_rate_hz + preset.pause_s
        progress(k + 1, len(sessions), session.name)
    return _dataset(preset, anatomy, weight, parts, seed, streams["fluorescence"])


def _anatomy(preset: Preset, rng: np.random.Generator) -> Anatomy:
    excitatory = np.arange(preset.neurons) < preset.neurons - preset.inhibitory
    rng.shuffle(excitatory)
    weight = random_network(excitatory, preset.wiring(), rng)
    fibre_weight = _fibres(preset.afferents(), excitatory, rng)
    return Anatomy(excitatory, weight, fibre_weight, rng.uniform(0, 500, (preset.neurons, 2)).round(1))


def random_network(excitatory: NDArray[np.bool_], wiring: Wiring, rng: np.random.Generator) -> Array:
    """Draw a random network with log-normal weights and no self-connections.

    Parameters
    ----------
    excitatory
        Which cells are excitatory, (neuron,).
    wiring
        Probability and weights.
    rng
        Source of randomness.

    Returns
    -------
    ndarray
        Weights, (pre, post); 0 where there is no synapse.
    """
    n = len(excitatory)
    size = np.minimum(rng.lognormal(-(wiring.spread**2) / 2, wiring.spread, (n, n)), wiring.strongest)
    mean = np.where(excitatory, wiring.excitatory, -wiring.inhibitory)[:, None]
    weight: Array = np.where(rng.uniform(size=(n, n)) < wiring.probability, mean * size, 0.0)
    np.fill_diagonal(weight, 0.0)
    return weight


def _fibres(afferents: Afferents, excitatory: NDArray[np.bool_], rng: np.random.Generator) -> Array:
    """Draw which cells each channel drives, and the weights of its fibres, (fibre, neuron)."""
    rows = []
    for share in afferents.channels.values():
        chance = np.where(excitatory, share, afferents.onto_inhibitory)
        cells = rng.uniform(size=len(excitatory)) < chance
        reached = cells & (rng.uniform(size=(afferents.fibres, len(excitatory))) < afferents.targets)
        rows.append(afferents.weight * rng.uniform(0.5, 1.5, reached.shape) * reached)
    return np.concatenate(rows) if rows else np.zeros((0, len(excitatory)))


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
    afferents = preset.afferents()
    channels = list(afferents.channels)
    source, step = [np.zeros(0, int)], [np.zeros(0, int)]
    for place, channel in enumerate(session.stimulus):
        first = channels.index(channel) * afferents.fibres
        for onset in onsets + place * afferents.gap_s:
            count = rng.poisson(afferents.rate_hz * afferents.burst_s, afferents.fibres)
            source.append(np.repeat(np.arange(first, first + afferents.fibres), count))
            step.append(((onset + rng.uniform(0, afferents.burst_s, count.sum())) * STEPS_PER_SECOND).astype(int))
    sources, steps = np.concatenate(source), np.concatenate(step)
    return Events.of(sources, steps, np.ones(len(steps)), fibres)


def _dataset(
    preset: Preset,
    anatomy: Anatomy,
    weight: Array,
    parts: list[tuple[Session, Array, Array, Array, Array]],
    seed: int,
    rng: np.random.Generator,
) -> xr.Dataset:
    times, cells, frames = (np.concatenate([part[k] for part in parts]) for k in (1, 2, 3))
    order = np.argsort(times, kind="stable")
    times, cells = times[order], cells[order].astype(np.int32)
    calcium = preset.indicator().fluorescence(times, cells, preset.neurons, frames, rng)
    names = np.arange(preset.neurons)
    result = xr.Dataset(
        {
            "calcium": (
                ("time", "neuron"),
                (np.round(calcium / PRECISION) * PRECISION).astype(np.float32),
                {"units": "dF/F"},
            ),
            "spike_time": ("spike", times, {"units": "s"}),
            "spike_neuron": ("spike", cells),
            "true_weight": (("pre", "post"), weight),
        },
        coords={
            "time": ("time", frames, {"units": "s"}),
            "neuron": names,
            "pre": names,
            "post": names,
            "cell_type": ("neuron", np.where(anatomy.excitatory, "E", "I")),
            "position": (("neuron", "axis"), anatomy.position),
        },
    )
    if any(part[0].plastic for part in parts):
        result["true_weight_before"] = (("pre", "post"), anatomy.weight)
    onset = np.concatenate([part[4] for part in parts])
    if len(onset):
        afferents = preset.afferents()
        labels = [
            (part[0].label, part[0].name, afferents.burst_s + afferents.gap_s * (len(part[0].stimulus) - 1))
            for part in parts
            for _ in part[4]
        ]
        stimulus, session, duration = zip(*labels, strict=True)
        result = result.assign_coords(
            onset=("trial", onset, {"units": "s"}),
            duration=("trial", np.array(duration), {"units": "s"}),
            stimulus=("trial", np.array(stimulus)),
            session=("trial", np.array(session)),
        )
        result.attrs["trial_frames"] = afferents.trial_frames
    end = frames[-1] + 1 / preset.frame_rate_hz
    result.attrs.update(
        source="simulated",
        model=f"preset {preset.name}",
        seed=seed,
        brainsim_version=__version__,
        sampling_rate_hz=preset.frame_rate_hz,
        duration_s=float(end),
        sessions=", ".join(part[0].name for part in parts),
        command=f"brainsim data simulate {preset.name} --seed {seed}",
    )
    return result
