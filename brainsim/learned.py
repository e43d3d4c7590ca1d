"""What the runs of an online rule say together: weights of every repeat, and how sure their growth is."""

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from brainsim.missing import Floats


class Run(NamedTuple):
    """One run of a network that learns.

    Attributes
    ----------
    initial, learned
        Weights before and after, (pre, post).
    spikes
        Spikes of each neuron, (neuron,).
    per_trial, response
        Spikes per trial and standardised response to each condition, (condition, neuron); no rows without stimuli.
    seconds
        Wall time of the network.
    """

    initial: Floats
    learned: Floats
    spikes: Floats
    per_trial: Floats
    response: Floats
    seconds: float


def together(
    dataset: xr.Dataset, runs: list[Run], excitatory: NDArray[np.bool_], share_inhibitory: float
) -> xr.Dataset:
    """Put the runs into a Dataset with the dimension `repeat`.

    Parameters
    ----------
    dataset
        The recording.
    runs
        One per repeat.
    excitatory
        Which neurons were taken as excitatory.
    share_inhibitory
        Of the neurons whose type was drawn.

    Returns
    -------
    Dataset
        ``weight``, ``weight_initial`` (repeat, pre, post), ``spike_count`` (repeat, neuron); over repeats
        ``weight_se``, ``z`` (mean logarithmic growth over its standard error) and ``q_value``, NaN where there is one
        run only.
    """
    n, repeats = len(excitatory), len(runs)
    names = dataset["neuron"].values if "neuron" in dataset.coords else np.arange(n)
    pair = ("repeat", "pre", "post")
    initial, learned = np.array([run.initial for run in runs]), np.array([run.learned for run in runs])
    result = xr.Dataset(
        {
            "weight": (pair, learned),
            "weight_initial": (pair, initial),
            "spike_count": (("repeat", "neuron"), np.array([run.spikes for run in runs])),
        },
        coords={
            "pre": names,
            "post": names,
            "neuron": names,
            "repeat": np.arange(repeats),
            "cell_type": ("neuron", np.where(excitatory, "E", "I")),
        },
    )
    for name, matrix in _evidence(initial, learned).items():
        result[name] = (("pre", "post"), matrix)
    types = dataset["cell_type"].values.astype(str) if "cell_type" in dataset.coords else np.full(n, "unknown")
    known = np.isin(types, ("E", "I"))
    result["cell_type_probability"] = ("neuron", np.where(known, excitatory.astype(float), 1 - share_inhibitory))
    for name in ("bias", "log_likelihood"):
        result[name] = ("neuron", np.full(n, np.nan))
    result.attrs["cell_types"] = "given" if known.all() else f"{int((~known).sum())} of {n} drawn at random"
    return result


def _evidence(initial: Floats, learned: Floats) -> dict[str, Floats]:
    """Return what the repeats say of each pair, (pre, post)."""
    repeats, n = learned.shape[:2]
    unknown = np.full((n, n), np.nan)
    found = {"weight_se": unknown, "z": unknown, "q_value": unknown}
    if repeats > 1:
        growth = np.log(np.divide(learned, initial, out=np.ones_like(learned), where=initial != 0))
        error = growth.std(0, ddof=1) / np.sqrt(repeats)
        z = np.divide(growth.mean(0), error, out=np.zeros((n, n)), where=error > 0)
        p = 2 * stats.t.sf(np.abs(z.ravel()), repeats - 1)
        q = stats.false_discovery_control(p).reshape(n, n)
        found = {"weight_se": learned.std(0, ddof=1) / np.sqrt(repeats), "z": z, "q_value": q}
    return {**found, "edge_probability": unknown, "delay": np.full((n, n), 0.001)}
