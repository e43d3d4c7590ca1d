"""Recordings made up for tests: tuned neurons with shared gain, calcium transients, known structure."""

import numpy as np
import xarray as xr

NAMES = ("aud", "vis", "air", "aud_air")
RATE = 10.0


def calcium_trials(seed, trials=96, neurons=16, frames=20, source="recorded", structure=1):
    """Trials of one population (`structure`), drawn afresh by `seed`; stimuli take turns."""
    fixed = np.random.default_rng(structure)
    tuning, loading = fixed.gamma(1, 0.15, (len(NAMES), neurons)), fixed.normal(0, 0.6, (2, neurons))
    rng = np.random.default_rng(seed)
    stimulus = np.arange(trials) % len(NAMES)
    time = np.arange(frames) / RATE
    shape = np.exp(-(((time - 0.7) / 0.4) ** 2))[None, :, None]
    gain = np.exp(rng.standard_normal((trials, 1, 2)) @ loading)
    spikes = rng.poisson((0.03 + 2 * tuning[stimulus][:, None, :] * shape) * gain)
    calcium = np.zeros(spikes.shape)
    for frame in range(frames):
        calcium[:, frame] = (calcium[:, frame - 1] * 0.85 if frame else 0) + 0.5 * spikes[:, frame]
    return trials_dataset(calcium + 0.05 * rng.standard_normal(calcium.shape), np.array(NAMES)[stimulus], source)


def trials_dataset(values, stimulus, source="recorded", units="dF/F"):
    """Wrap trials (trial, time, neuron)."""
    neurons = values.shape[2]
    return xr.Dataset(
        {"calcium": (("trial", "time", "neuron"), values)},
        coords={
            "stimulus": ("trial", np.asarray(stimulus).astype(str)),
            "neuron": [f"n{i}" for i in range(neurons)],
            "time": np.arange(values.shape[1]) / RATE,
            "cell_type": ("neuron", np.where(np.arange(neurons) < 0.8 * neurons, "E", "I")),
        },
        attrs={"source": source, "units": units, "sampling_rate_hz": RATE},
    )


def fraction_trials(seed, trials=120, neurons=40, source="recorded", structure=2):
    """One-frame trials: fraction of frames in which a neuron was active, zero-inflated."""
    fixed = np.random.default_rng(structure)
    tuning, loading = fixed.normal(-1.2, 0.8, (len(NAMES), neurons)), fixed.normal(0, 0.8, (3, neurons))
    rng = np.random.default_rng(seed)
    stimulus = np.arange(trials) % len(NAMES)
    latent = (
        tuning[stimulus] + rng.standard_normal((trials, 3)) @ loading + 0.5 * rng.standard_normal((trials, neurons))
    )
    active = np.round(29 * np.clip(np.tanh(latent), 0, 1)) / 29
    return trials_dataset(active[:, None, :], np.array(NAMES)[stimulus], source, "active fraction")


def continuous(dataset, gap=0.0):
    """Join trials into one continuous recording with a table of onsets."""
    values = dataset["calcium"].values
    trials, frames, neurons = values.shape
    coords = {
        "time": np.arange(trials * frames) / RATE,
        "neuron": dataset["neuron"].values,
        "stimulus": ("trial", dataset["stimulus"].values),
        "onset": ("trial", np.arange(trials) * frames / RATE),
        "duration": ("trial", np.full(trials, 1.0)),
    }
    return xr.Dataset(
        {"calcium": (("time", "neuron"), values.reshape(-1, neurons))}, coords=coords, attrs=dict(dataset.attrs)
    )


def independent_gaussian(dataset, seed=0):
    """Every neuron and frame drawn alone, with its mean and spread under the stimulus."""
    rng, values, labels = np.random.default_rng(seed), dataset["calcium"].values.copy(), dataset["stimulus"].values
    for name in np.unique(labels):
        some = values[labels == name]
        values[labels == name] = some.mean(0) + some.std(0) * rng.standard_normal(some.shape)
    return trials_dataset(values, labels, "generated", dataset.attrs["units"])


def fit(neurons=24, seed=0, kinds=None, edges=True):
    """A fit with a tenth of all pairs connected, known truth."""
    rng = np.random.default_rng(seed)
    kinds = np.array(kinds if kinds is not None else ["E"] * 18 + ["I"] * (neurons - 18))
    true = np.where(rng.random((neurons, neurons)) < 0.12, rng.gamma(2, 0.4, (neurons, neurons)), 0.0) * edges
    true[kinds == "I"] *= -1
    np.fill_diagonal(true, 0)
    q = np.where(true != 0, 0.001, 0.8)
    pairs = {
        "weight": true + rng.normal(0, 0.05, true.shape),
        "q_value": q,
        "edge_probability": 1 - q,
        "true_weight": true,
        "delay": q * 0 + 0.01,
    }
    names = [f"n{i}" for i in range(neurons)]
    coords = {"pre": names, "post": names, "neuron": names, "cell_type": ("neuron", kinds)}
    return xr.Dataset(
        {k: (("pre", "post"), v) for k, v in pairs.items()}, coords=coords, attrs={"source": "recorded", "rule": "ml"}
    )
