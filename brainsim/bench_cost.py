"""What a pass of the rule ``ml`` costs, beside the memory bandwidth measured in the same run."""

import resource
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.ascent import rest
from brainsim.folds import blocked_folds
from brainsim.gradient import Fit, Settings
from brainsim.likelihood import SHARD, Shard
from brainsim.recorded import Events
from brainsim.rule.ml import Ml
from brainsim.sufficient import statistics

BYTES_PER_EVENT = 24  # a weight is read, the eligibility of the synapse read and written
BYTES_PER_STEP = 56  # per neuron: currents, bias and expectations read, three of them written
TRIAD_VALUES = 2**23


def triad(runs: int = 5) -> float:
    """Return the memory bandwidth of one core, as STREAM's triad a = b + s c in NumPy [bytes per second].

    NumPy makes two passes, a = s c and a += b, which are five arrays of traffic.
    """
    a, b, c = np.empty(TRIAD_VALUES), np.ones(TRIAD_VALUES), np.ones(TRIAD_VALUES)
    best = np.inf
    for _ in range(runs):
        begin = time.process_time()
        np.multiply(c, 3.0, out=a)
        np.add(a, b, out=a)
        best = min(best, time.process_time() - begin)
    return 5 * a.nbytes / best


def cost(dataset: xr.Dataset, rule: Ml, target: str = "cpp", runs: int = 3) -> dict[str, float]:
    """Measure a pass of one shard: the processor time of the compiled network, the best of some runs.

    Parameters
    ----------
    dataset
        A recording with spikes.
    rule
        Time constant and delay.
    target
        ``"cpp"`` or ``"numpy"``.
    runs
        How often.

    Returns
    -------
    dict
        ``seconds_per_pass``, ``ns_per_synaptic_event``, ``ns_per_neuron_step`` (a pass without any spike),
        ``synaptic_events``, ``neuron_steps``, ``triad_gb_per_s`` and ``seconds_per_pass_bound``: how long the bytes of
        a pass would take at that bandwidth if nothing stayed in the cache.
    """
    work = Fit(dataset, rule, Settings("auto", 0.001, 10.0, target=target))
    problem, posts = work.problem, np.arange(min(work.problem.neurons, SHARD))
    folds = blocked_folds(problem.bins, problem.tau)
    facts = statistics(problem, folds.held(problem.bins)).of(posts)
    none = Events(np.zeros(problem.neurons + 1, np.int64), problem.spikes.step[:0], problem.spikes.amplitude[:0])
    shards = [Shard(each, facts, folds, posts, target) for each in (problem, replace(problem, spikes=none))]
    start = rest(shards[0])
    full, quiet = (_seconds(partial(shard.evaluate, start.beta, start.weight), runs) for shard in shards)
    targets, steps = shards[0].shape[2], len(folds.kind) * folds.chunk
    events, neuron_steps, bandwidth = float(len(problem.spikes.step) * targets), float(steps * targets), triad()
    return {
        "seconds_per_pass": full,
        "ns_per_synaptic_event": 1e9 * max(full - quiet, 0.0) / max(events, 1.0),
        "ns_per_neuron_step": 1e9 * quiet / neuron_steps,
        "synaptic_events": events,
        "neuron_steps": neuron_steps,
        "triad_gb_per_s": bandwidth / 1e9,
        "seconds_per_pass_bound": (BYTES_PER_EVENT * events + BYTES_PER_STEP * neuron_steps) / bandwidth,
    }


def _seconds(work: Callable[[], object], runs: int) -> float:
    """Return the least processor time of the programs that are started, or of this one where none is."""

    def used() -> NDArray[np.float64]:
        facts = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
        return np.array([each.ru_utime + each.ru_stime for each in facts])

    best = np.inf
    for _ in range(runs):
        begin = used()
        work()
        child, own = used() - begin
        best = min(best, child or own)
    return float(best)
