"""A pairing experiment made up for tests: forty cells whose answers are known, and weights that grew."""

import numpy as np
import xarray as xr

CELLS = 40
FIRST, SECOND, NEW = slice(0, 8), slice(4, 14), slice(14, 18)
# answers to (conditioned before, unconditioned before, conditioned after)
TONE, PUFF, LEARNED = np.zeros((3, CELLS), bool)
TONE[FIRST], PUFF[SECOND], PUFF[NEW] = True, True, True
LEARNED[NEW] = True
KINDS = np.where(np.arange(CELLS) < 30, "E", "I")


def experiment(seed=0, trials=20, size=2.0, names=("aud", "air"), shared=0.0, rate=10.0):
    """Sessions of tone, puff, both together, tone, puff: calcium of 40 cells, those that respond rise after onset."""
    rng, period, (tone, puff) = np.random.default_rng(seed), 3.0, names
    answers = {tone: TONE, puff: PUFF, f"{tone}_{puff}": TONE | PUFF, f"{tone} again": TONE | LEARNED}
    sessions = [(tone, tone), (puff, puff), (f"{tone}_{puff}",) * 2, (tone, f"{tone} again"), (puff, puff)]
    frames, onset, stimulus, session = int(rate * (period * trials + 3)), [], [], []
    values = rng.normal(0, 1, (len(sessions) * frames, CELLS))
    common = np.zeros(len(values))
    for k, (name, key) in enumerate(sessions):
        for n in range(trials):
            at = k * frames + int(rate * (2 + period * n))
            values[at : at + int(rate)] += size * answers[key] * rng.gamma(2, 0.5)
            common[at : at + int(rate)] += 1.0
            onset.append(at / rate)
            stimulus.append(name)
            session.append(f"{k}")
    slow = np.convolve(rng.normal(0, 1, len(values)), np.ones(10) / 3, "same")
    values += shared * (common + slow)[:, None]
    return xr.Dataset(
        {"calcium": (("time", "neuron"), values)},
        coords={
            "time": np.arange(len(values)) / rate,
            "neuron": np.arange(CELLS),
            "onset": ("trial", np.array(onset)),
            "stimulus": ("trial", np.array(stimulus)),
            "session": ("trial", np.array(session)),
        },
        attrs={"source": "recorded", "sampling_rate_hz": rate},
    )


def learned(repeats=8, grown=1.5, seed=0, neurons=CELLS, kinds=KINDS, group=NEW):
    """Weights that grow by a tenth, those between the cells of a group more, all of a repeat alike."""
    rng = np.random.default_rng(seed)
    sign = np.where(kinds == "E", 1.0, -1.0)[:, None]
    before = sign * rng.uniform(0.1, 1, (repeats, neurons, neurons))
    growth = np.full(before.shape, 0.1) * rng.uniform(0.5, 1.5, (repeats, 1, 1)) * rng.uniform(0.9, 1.1, before.shape)
    growth[:, group, group] *= grown
    before[:, np.arange(neurons), np.arange(neurons)] = 0.0
    dims, names = ("repeat", "pre", "post"), np.arange(neurons)
    return xr.Dataset(
        {"weight": (dims, before * (1 + growth)), "weight_initial": (dims, before)},
        coords={"pre": names, "post": names, "neuron": names, "cell_type": ("neuron", kinds)},
        attrs={"source": "recorded", "rule": "nearest-stdp"},
    )
