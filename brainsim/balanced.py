"""A balanced network of integrate-and-fire neurons in plain NumPy: data for benchmarks that need no compiler."""

import numpy as np
import xarray as xr

REFRACTORY = 2  # steps


def balanced_lif(neurons: int, seconds: float, seed: int) -> xr.Dataset:
    """Simulate a balanced network of leaky integrate-and-fire neurons with white noise, in NumPy.

    Membranes leak with 20 ms, threshold 20 mV, reset 10 mV, refractory for 2 ms; one pair in ten is connected, with a
    delay of 1 ms, inhibition five times as strong as excitation.

    Parameters
    ----------
    neurons
        Number of neurons, four fifths excitatory.
    seconds
        Length [s], in steps of 1 ms.
    seed
        Seed of wiring and noise.

    References
    ----------
    Brunel (2000), J Comput Neurosci 8:183.
    """
    rng = np.random.default_rng(seed)
    n, steps = neurons, round(1000 * seconds)
    strength = np.where(np.arange(n) < 0.8 * n, 1.0, -5.0)[:, None]
    weight = strength * (rng.random((n, n)) < 0.1) * (1 - np.eye(n))
    leak, v, rest = np.exp(-1 / 20), rng.uniform(10, 20, n), np.zeros(n, int)
    cells, times, fired = [], [], np.zeros(0, int)
    for step in range(steps):
        v = v * leak + (1 - leak) * 18.0 + rng.normal(0, 1.5, n) + weight[fired].sum(0)
        v[rest > 0] = 10.0
        rest = np.maximum(rest - 1, 0)
        fired = np.flatnonzero(v > 20)
        v[fired], rest[fired] = 10.0, REFRACTORY
        cells.append(fired)
        times.append(np.full(len(fired), step))
    names = np.arange(n)
    return xr.Dataset(
        {
            "spike_time": ("spike", (np.concatenate(times) + 0.5) / 1000),
            "spike_neuron": ("spike", np.concatenate(cells).astype(np.int32)),
            "true_weight": (("pre", "post"), weight),
        },
        coords={"neuron": names, "pre": names, "post": names},
        attrs={"source": "simulated", "duration_s": seconds, "seed": seed},
    )
