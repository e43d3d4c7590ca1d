"""From a trained network back to a recording: noise, units, coordinates."""

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from brainsim import __version__
from brainsim.checkpoint import FORMAT
from brainsim.generates import Generates
from brainsim.scaling import Shape, TrainingTrials
from brainsim.setting import Plan, Setting

CHUNK = 256
COLLAPSED = 0.05
KEPT_ATTRIBUTES = ("units", "sampling_rate_hz", "indicator")


def describe_training(asked: Setting, setting: Plan, trials: TrainingTrials, kept: xr.Dataset) -> dict[str, Any]:
    """Return what `config.json` holds: plain numbers and strings that say how the model came about."""
    names, counts = np.unique(trials.label, return_counts=True)
    neurons, frames = trials.activity.shape[1:]
    coordinates = {
        str(name): {"dims": list(map(str, value.dims)), "values": value.values.tolist()}
        for name, value in kept["calcium"].coords.items()
        if set(value.dims) <= {"neuron", "axis", "time"} and value.dims
    }
    return {
        "format": FORMAT,
        "brainsim": __version__,
        "torch": torch.__version__,
        "asked": {name: getattr(asked, name) for name in asdict(Setting())},
        "setting": asdict(setting),
        "training_trials": trials.used.tolist(),
        "shape": asdict(Shape(neurons, frames, len(trials.stimuli))),
        "stimuli": list(trials.stimuli),
        "trials": dict(zip((trials.stimuli[i] for i in names), counts.tolist(), strict=True)),
        "trials_sha256": trials.fingerprint(),
        "coordinates": coordinates,
        "attributes": {
            name: kept.attrs[name].item() if isinstance(kept.attrs[name], np.generic) else kept.attrs[name]
            for name in KEPT_ATTRIBUTES
            if name in kept.attrs
        },
    }


def generate(generator: Generates, label: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
    """Let a network generate, a few trials at a time.

    Parameters
    ----------
    generator
        On the CPU.
    label
        Index of the stimulus of each trial, shape (trial,).
    seed
        Of the noise.

    Returns
    -------
    ndarray
        Scaled activity, (trial, time, neuron).
    """
    source = torch.Generator().manual_seed(int(np.random.default_rng(seed).integers(2**62)))
    one_hot = torch.eye(generator.shape.stimuli)[torch.from_numpy(label)]
    with torch.no_grad():
        parts = [generator(generator.draw_noise(len(part), source), part)[0] for part in torch.split(one_hot, CHUNK)]
    activity: NDArray[np.float32] = torch.cat(parts).transpose(1, 2).numpy()
    return activity


def collapse(generator: Generates, trials: TrainingTrials, seed: int) -> str | None:
    """Say so where generated trials of one stimulus are nearly alike (mode collapse), else None."""
    label = np.resize(trials.label, max(len(trials.label), 64))
    spread = [
        np.mean([values[of == each].var(0).mean() for each in np.unique(of)])
        for values, of in (
            (generate(generator, label, seed), label),
            (trials.activity.transpose(0, 2, 1), trials.label),
        )
    ]
    if not spread[0] < COLLAPSED * spread[1]:
        return None
    return (
        f"the generator collapsed: trials of one stimulus vary {spread[0] / spread[1]:.1%} as much as recorded ones; "
        "train longer, raise the penalty (--penalty) or lower --lr"
    )


def generated_recording(
    values: NDArray[np.float64], label: NDArray[np.int64], description: dict[str, Any]
) -> xr.Dataset:
    """Return generated trials as a recording.

    Parameters
    ----------
    values
        Activity in the units of the recording, (trial, time, neuron).
    label
        Index of the stimulus of each trial, shape (trial,).
    description
        What :func:`describe_training` returned: stimuli, coordinates of neurons and time, attributes.
    """
    coordinates = {name: (each["dims"], each["values"]) for name, each in description["coordinates"].items()}
    stimulus = np.array(description["stimuli"])[label]
    return xr.Dataset(
        {"calcium": (("trial", "time", "neuron"), values)},
        coords={**coordinates, "stimulus": ("trial", stimulus)},
        attrs={
            **description["attributes"],
            "source": "generated",
            "training_split": description["setting"]["hold_out"],
            "training_trials": ",".join(map(str, description["training_trials"])),
        },
    )
