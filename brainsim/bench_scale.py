"""What a fit of the rule ``ml`` costs, from measured small ones: processor time by kind of task, and a model of it.

With N neurons, S spikes, B bins, near pairs of spikes D = S N rate (0.1 s), and P passes of every shard:

    sums      a S N + b B N          coincidences and overlaps of the traces
    metric    c N^3                  diagonalised once per prior that is tried
    solve     P (d S N + e B N)      a pass of every shard
    seen      f D + g N^2 + h N^3    correlograms and what they say, with three baselines

The coefficients are those of least squares, none below zero, each residual weighted by what was measured.
"""

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy.optimize import nnls

from brainsim import view_task
from brainsim.cluster import Here, Started, Task, perform, source_digest
from brainsim.gradient import Fit, Settings
from brainsim.likelihood import SHARD
from brainsim.progress import Progress, silent
from brainsim.rule.ml import Ml
from brainsim.shard_store import InMemory

BIN_S, LAG_S = 0.001, 0.1
KINDS = ("sums", "metric", "solve", "seen")
PASSES, CHOICE_PASSES, TRIED = 15.0, 10.0, 3  # of a usual fit; priors are tried on one shard
START_S = 3.0  # until local workers answer


@dataclass(frozen=True)
class Size:
    """A recording.

    Parameters
    ----------
    neurons
        Number of neurons.
    seconds
        Length [s].
    rate
        Mean rate [Hz].
    """

    neurons: int
    seconds: float
    rate: float

    def features(self, kind: str, passes: float = PASSES) -> list[float]:
        """Return what the processor time of a kind of task is proportional to."""
        n, bins = float(self.neurons), self.seconds / BIN_S
        spikes = n * self.seconds * self.rate
        through = [spikes * n, bins * n]
        if kind == "solve":
            return [passes * each for each in through]
        near = spikes * n * self.rate * LAG_S
        return {"sums": through, "metric": [n**3], "seen": [near, n**2, n**3]}[kind]


class Timed(Here):
    """Makes shards in this process and adds up the processor time of each kind of task, its programs included."""

    def __init__(self) -> None:
        super().__init__(InMemory())
        self.seconds: dict[str, float] = {}

    def finish(self, started: Started, progress: Progress = silent, note: str = "") -> list[str]:
        """Make the shards."""
        for task in started.tasks:
            begin = _used()
            perform(self.shards, task, source_digest())
            self.seconds[_name(task)] = self.seconds.get(_name(task), 0.0) + _used() - begin
        return started.keys


def measured(size: Size, seed: int = 0) -> dict[str, float]:
    """Fit Poisson spikes of a size; return processor seconds by kind of task, `passes`, and `wall` [s].

    Parameters
    ----------
    size
        How large.
    seed
        Seed of the spikes.
    """
    pool = Timed()
    work = Fit(poisson(size, seed), Ml(), Settings(ridge=10.0, check=False), pool=pool)
    begin = time.perf_counter()
    held, final, _ = work.run()
    work.connectivity()
    passes = float(np.mean([sum(int(pool.shards.get(k)["passes"][()]) for k in each.keys) for each in (held, final)]))
    passes = 2 * passes / len(final.keys)
    wall = time.perf_counter() - begin - work.seconds_compile
    return {**{kind: pool.seconds.get(kind, 0.0) for kind in KINDS}, "passes": passes, "wall": wall}


def poisson(size: Size, seed: int = 0) -> xr.Dataset:
    """Return spike times without structure."""
    rng = np.random.default_rng(seed)
    spikes = rng.poisson(size.neurons * size.seconds * size.rate)
    held = {
        "spike_time": ("spike", np.sort(rng.uniform(0, size.seconds, spikes))),
        "spike_neuron": ("spike", rng.integers(0, size.neurons, spikes)),
    }
    attrs = {"source": "simulated", "duration_s": size.seconds}
    return xr.Dataset(held, {"neuron": np.arange(size.neurons)}, attrs)


@dataclass(frozen=True)
class Model:
    """Coefficients of each kind of task [s per feature]."""

    of: dict[str, list[float]]

    @classmethod
    def fitted(cls, sizes: Sequence[Size], found: Sequence[dict[str, float]]) -> "Model":
        """Fit the coefficients to what was measured."""
        of = {}
        for kind in KINDS:
            wanted = np.array([max(each[kind], 1e-3) for each in found])
            made = np.array([size.features(kind, each["passes"]) for size, each in zip(sizes, found, strict=True)])
            scale = np.maximum(made.max(0), 1e-300)
            of[kind] = (nnls(made / scale / wanted[:, None], np.ones(len(wanted)))[0] / scale).tolist()
        return cls(of)

    def seconds(self, kind: str, size: Size, passes: float = PASSES) -> float:
        """Return the processor seconds of a kind of task."""
        return float(np.dot(self.of[kind], size.features(kind, passes)))

    def total(self, size: Size, passes: float = PASSES, tried: int = TRIED) -> float:
        """Return the processor seconds of a fit that tries some priors on one shard."""
        choice = tried * CHOICE_PASSES * min(1.0, SHARD / size.neurons)
        fit = self.seconds("solve", size, passes + choice) + self.seconds("sums", size)
        return fit + tried * self.seconds("metric", size) + self.seconds("seen", size)

    def wall(self, size: Size, workers: int, passes: float = PASSES, tried: int = TRIED) -> float:
        """Return the seconds of a fit: the work shared, but at least what cannot be shared.

        The priors are tried one after the other; and the regressors of correlograms are inverted by one task for each
        baseline, which takes about as long as a metric.
        """
        shared = self.total(size, passes, tried) / workers
        one_shard = self.seconds("solve", size, CHOICE_PASSES) * min(1.0, SHARD / size.neurons)
        chain = (tried + 1) * self.seconds("metric", size) + tried * one_shard
        rest = (self.seconds("solve", size, passes) + self.seconds("seen", size)) / workers
        return (START_S if workers > 1 else 0.0) + max(shared, chain + rest)


def _name(task: Task) -> str:
    if task.make.__module__ == view_task.__name__:
        return "seen"
    return "sums" if task.make.__name__.startswith(("sums", "overlapped")) else task.make.__name__


def _used() -> float:
    """Return the processor seconds of this process and of the programs that it ran."""
    facts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in facts)


def compare(
    sizes: Sequence[Size], largest: Size, progress: Progress = silent, measure: Callable[[Size], Any] = measured
) -> tuple[Model, list[dict[str, float]], dict[str, float], float]:
    """Measure small fits, model them, and hold the model against a larger one.

    Parameters
    ----------
    sizes
        The small ones.
    largest
        The one that the model has not seen.
    progress
        Called after each.
    measure
        What measures one.

    Returns
    -------
    model, found, last, error
        The model, what was measured of the small ones and of the largest, and predicted over measured processor time
        of the largest, less 1.
    """
    found = []
    for size in (*sizes, largest):
        found.append(measure(size))
        progress(len(found), len(sizes) + 1, f"{size.neurons} neurons")
    model, last = Model.fitted(sizes, found[:-1]), found[-1]
    predicted = sum(model.seconds(kind, largest, last["passes"]) for kind in KINDS)
    return model, found[:-1], last, predicted / sum(last[kind] for kind in KINDS) - 1
