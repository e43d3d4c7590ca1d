"""The same model on the same data by two programs: the rule ``ml`` and nemos' PopulationGLM."""

import multiprocessing
import os
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.signal import lfilter

from brainsim.balanced import balanced_lif
from brainsim.contest import ONE_THREAD, environment
from brainsim.encoding import encode
from brainsim.error import FitError, ToolError
from brainsim.progress import Progress, silent

Array = NDArray[np.float64]
TAU_BINS = 10.0
DELAY_BINS = 1
COVARIATE_PRECISION = 0.3  # of the rule ml (brainsim.gradient)


@dataclass(frozen=True)
class Size:
    """How large the data are.

    Parameters
    ----------
    neurons
        Number of neurons; a fifth is inhibitory.
    seconds
        Length [s]; a bin is 1 ms.
    ridge
        Precision of the prior of a weight, in both programs.
    seed
        Seed of the data.
    """

    neurons: int = 100
    seconds: float = 120.0
    ridge: float = 10.0
    seed: int = 0


def features(dataset: xr.Dataset, drift: int) -> tuple[Array, Array]:
    """Return spike counts (bin, neuron) and the features of the rule ``ml``: traces and drift boxes, (bin, feature)."""
    encoded = encode(dataset, "events", 0.001)
    count = np.zeros((encoded.bins, encoded.spikes.sources))
    count[encoded.spikes.step, encoded.spikes.source_of_each()] = encoded.spikes.amplitude
    late = np.concatenate([np.zeros((DELAY_BINS, count.shape[1])), count[:-DELAY_BINS]])
    trace = lfilter([1.0], [1.0, -np.exp(-1 / TAU_BINS)], late, axis=0)
    edge = np.linspace(0, encoded.bins, drift + 1).astype(int)
    bins = np.arange(encoded.bins)[:, None]
    boxes = ((bins >= edge[:-1]) & (bins < edge[1:])).astype(float)
    return count, np.concatenate([trace, boxes], axis=1)


def log_likelihood_per_spike(count: Array, feature: Array, weight: Array, bias: Array) -> float:
    """Return the Poisson log likelihood per spike [nats], up to a constant, on features as they are.

    Parameters
    ----------
    count
        Spikes, (bin, neuron).
    feature
        Features, (bin, feature).
    weight, bias
        Weights, (feature, neuron), and logarithm of the expected spikes per bin without input, (neuron,).
    """
    total = 0.0
    for begin in range(0, len(count), 8192):
        drive = bias + feature[begin : begin + 8192] @ weight
        total += float((count[begin : begin + 8192] * drive - np.exp(drive)).sum())
    return total / float(count.sum())


def ours(dataset: xr.Dataset, size: Size) -> tuple[float, Array, Array]:
    """Fit the rule ``ml``: seconds, weights on the features, biases."""
    return _ours(dataset, size)


def _ours(dataset: xr.Dataset, size: Size, less: str = "") -> tuple[float, Array, Array]:
    from brainsim.gradient import Settings
    from brainsim.network import SpikingNetwork
    from brainsim.rule.ml import Ml

    begin = time.perf_counter()
    network = SpikingNetwork(
        Ml(tau=TAU_BINS, delay=DELAY_BINS), settings=Settings("events", 0.001, size.ridge, check=False)
    )
    fit = network.fit(dataset).fit_
    seconds = time.perf_counter() - begin
    assert fit is not None
    seconds -= fit.attrs[less] if less else 0.0
    pair = fit["weight"].values + np.diag(fit["history"].values)
    return seconds, np.concatenate([pair, fit["covariate_weight"].values]), fit["bias"].values


def ours_alone(dataset: xr.Dataset, size: Size) -> tuple[float, Array, Array]:
    """As :func:`ours`, without the seconds spent on who is connected, which nemos does not tell."""
    return _ours(dataset, size, "seconds_connectivity")


def nemos_glm(dataset: xr.Dataset, size: Size) -> tuple[float, Array, Array]:
    """Fit nemos' PopulationGLM in float64 on centred features, made before the clock starts: as :func:`ours`."""
    if find_spec("nemos") is None:
        raise ToolError("nemos is not installed", remedy="pip install 'brainsim-toolkit[bench]'")
    import jax
    import nemos

    jax.config.update("jax_enable_x64", True)
    count, feature = features(dataset, drift_boxes(size))
    scale = np.ones(feature.shape[1])
    scale[size.neurons :] = np.sqrt(size.ridge / COVARIATE_PRECISION)  # drift has a prior of its own
    model = nemos.glm.PopulationGLM(
        regularizer="Ridge",
        regularizer_strength=size.ridge / len(count),
        solver_name="LBFGS",
        solver_kwargs={"maxiter": 1000, "tol": 1e-7},
    )
    centre = feature.mean(0)
    feature = (feature - centre) * scale  # the optimum is the same, and L-BFGS reaches it in far fewer steps
    begin = time.perf_counter()
    model.fit(feature, count)
    seconds = time.perf_counter() - begin
    weight = np.asarray(model.coef_) * scale[:, None]
    return seconds, weight, np.asarray(model.intercept_) - centre @ weight


def drift_boxes(size: Size) -> int:
    """Return how many drift boxes the rule ``ml`` uses: one a minute, from one to eight."""
    return int(np.clip(size.seconds // 60, 1, 8))


def compare(size: Size, runs: int = 5, progress: Progress = silent) -> list[dict[str, Any]]:
    """Fit the same data with both programs.

    Parameters
    ----------
    size
        The data.
    runs
        How often; the numbers are medians.
    progress
        Called after each fit.

    Returns
    -------
    list of dict
        ``program``, ``log_likelihood_per_spike`` [nats], ``seconds``, ``seconds_runs`` and ``faster`` (how many times
        faster than nemos); ``why`` where there is no number.
    """
    dataset = balanced_lif(size.neurons, size.seconds, size.seed)
    count, feature = features(dataset, drift_boxes(size))
    names = ("brainsim, cold cache", "brainsim, warm cache", "... the likelihood alone", "nemos PopulationGLM")
    found: dict[str, list[tuple[float, float] | str]] = {name: [] for name in names}
    for run in range(runs):
        with (
            tempfile.TemporaryDirectory(prefix="brainsim-") as cache,
            environment({**ONE_THREAD, "BRAINSIM_CACHE": cache}),
        ):
            for place, (name, program) in enumerate(zip(names, (ours, ours, ours_alone, nemos_glm), strict=True)):
                fitted = _apart(program, dataset, size)
                if isinstance(fitted, str):
                    found[name].append(fitted)
                else:
                    found[name].append((fitted[0], log_likelihood_per_spike(count, feature, *fitted[1:])))
                progress(run * len(names) + place + 1, runs * len(names), name)
    return _rows(found)


def _rows(found: dict[str, list[tuple[float, float] | str]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, runs in found.items():
        done = [run for run in runs if not isinstance(run, str)]
        why = next((run for run in runs if isinstance(run, str)), "")
        seconds, value = (float(np.median([run[k] for run in done])) if done else None for k in (0, 1))
        rows.append(
            {"program": name, "log_likelihood_per_spike": value, "seconds": seconds, "faster": None, "why": why}
            | {"seconds_runs": [run[0] for run in done]}
        )
    slow = rows[-1]["seconds"]
    for row in rows:
        row["faster"] = slow / row["seconds"] if slow and row["seconds"] else None
    return rows


def _apart(program: Any, dataset: xr.Dataset, size: Size) -> tuple[float, Array, Array] | str:
    """Run a program in a process of its own; return what it fitted, or why it did not."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(there, program, dataset, size))
    process.start()
    there.close()
    try:
        result: tuple[float, Array, Array] | str = here.recv()
    except EOFError as error:
        raise FitError(
            f"the process of {program.__name__} died", remedy="free memory, or make the data smaller"
        ) from error
    finally:
        process.join()
    return result


def _work(there: Connection, program: Any, dataset: xr.Dataset, size: Size) -> None:
    import brainsim.network  # noqa: F401 - imports are not timed

    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        there.send(program(dataset, size))
    except Exception as error:
        there.send(" ".join(str(error).split()) or type(error).__name__)
