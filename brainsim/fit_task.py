"""The tasks that a fit of the rule ``ml`` is made of: each reads what it needs from the store of shards.

Teacher forcing separates the likelihood over postsynaptic neurons, and the sums over time over presynaptic ones. So
every task is about a block of neurons, and its memory is that of the block times all neurons.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainsim.ascent import Solution, climb
from brainsim.cluster import Pool, Task, run
from brainsim.folds import Folds, blocked_folds
from brainsim.likelihood import Shard, network_of
from brainsim.metric import Metric, lifts
from brainsim.progress import Progress
from brainsim.recorded import Events
from brainsim.shard_store import Arrays, Shards, digest
from brainsim.sufficient import Problem, Statistics, Totals, overlaps, own_sums, source_blocks, sums_of

COVARIATE_PRECISION = 0.3
EVENTS = ("spikes", "jumps", "gaps")
Posts = tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """A stretch of a recording that is fitted, as keys of what is kept of it.

    Parameters
    ----------
    problem
        Key of the recorded spikes.
    bins
        How much of the recording it is.
    sums, own, overlap
        Keys of the sums over time.
    whole
        Nothing is held out.
    """

    problem: str
    bins: int
    sums: tuple[str, ...] = ()
    own: str = ""
    overlap: str = ""
    whole: bool = False


def keep_problem(shards: Shards, problem: Problem) -> str:
    """Keep the recorded spikes for all tasks; return their key."""
    arrays = {f"{name}_{part}": values for name in EVENTS for part, values in asdict(getattr(problem, name)).items()}
    arrays["clock"] = np.array([problem.bins, problem.tau, problem.delay], float)
    key = digest(arrays)
    if key not in shards:
        shards.put(key, arrays)
    return key


def problem_of(shards: Shards, key: str, bins: int) -> Problem:
    """Return the first bins of the recorded spikes."""

    def load() -> Problem:
        held = {name: values[...] for name, values in shards.get(key).items()}
        part = ("first", "step", "amplitude")
        spikes, jumps, gaps = (Events(*(held[f"{name}_{each}"] for each in part)) for name in EVENTS)
        length, tau, delay = held["clock"].tolist()
        whole = Problem(spikes, jumps, gaps, int(length), tau, int(delay))
        return whole if bins >= length else whole.first(bins)

    return shards.recall(f"problem {key} {bins}", load)


def folds_of(problem: Problem, part: Part) -> Folds:
    """Return which blocks of time are held out."""
    folds = blocked_folds(problem.bins, problem.tau)
    return Folds(np.ones_like(folds.kind), folds.chunk) if part.whole else folds


def summed(pool: Pool, problem: str, bins: int, neurons: int, progress: Progress) -> Part:
    """Go through a stretch of the recording once, a block of presynaptic neurons at a time."""
    blocks = [Task(sums, (problem, bins, *block)) for block in source_blocks(neurons)]
    *parts, own = run(pool, [*blocks, Task(sums_of_own, (problem, bins))], progress, "coincidences")
    (overlap,) = run(pool, [Task(overlapped, (problem, bins, tuple(parts), own))], progress, "overlap of the traces")
    return Part(problem, bins, tuple(parts), own, overlap)


def sums(shards: Shards, key: str, bins: int, first: int, last: int) -> Arrays:
    """Sum over time the traces of a block of presynaptic neurons."""
    problem = problem_of(shards, key, bins)
    return sums_of(problem, blocked_folds(problem.bins, problem.tau).held(problem.bins), first, last)


def sums_of_own(shards: Shards, key: str, bins: int) -> Arrays:
    """Sum over time what concerns no presynaptic trace."""
    problem = problem_of(shards, key, bins)
    return own_sums(problem, blocked_folds(problem.bins, problem.tau).held(problem.bins))


def overlapped(shards: Shards, key: str, bins: int, parts: Posts, own: str) -> Arrays:
    """Put the overlap of all traces together."""
    problem, tail = problem_of(shards, key, bins), shards.get(own)
    found = [_Read(shards.get(str(part))) for part in parts]
    gram, mean = overlaps(problem, found, {"own": tail["own"][...], "total": tail["total"][...]})
    return {"gram": gram, "mean": mean}


class _Read(dict[str, Any]):
    """Arrays that are read from the disk each time they are asked for: one block is in memory, not all."""

    def __getitem__(self, name: str) -> NDArray[Any]:
        values: NDArray[Any] = super().__getitem__(name)[...]
        return values


def totals_of(shards: Shards, part: Part) -> Totals:
    """Return counts, observed bins and means."""
    own = shards.get(part.own)
    found = Totals(own["count"][...], own["bins"][...], shards.get(part.overlap)["mean"][...])
    return found.whole() if part.whole else found


def facts_of(shards: Shards, part: Part, posts: NDArray[np.int64], *, gram: bool) -> Statistics:
    """Return what the data say of some postsynaptic neurons; the overlap of the traces where it is asked for."""
    own, around = shards.get(part.own), slice(int(posts.min()), int(posts.max()) + 1)
    found = [shards.get(key)["coincidence"][:, :, around] for key in (*part.sums, part.own)]
    coincidence = np.concatenate(found, axis=1)[:, :, posts - around.start]
    overlap = shards.get(part.overlap)
    facts = Statistics(
        own["count"][...][:, posts],
        own["bins"][...][:, posts],
        overlap["mean"][...],
        coincidence,
        overlap["gram"][...] if gram else np.zeros((0, 0)),
    )
    return facts.whole() if part.whole else facts


def precision_of(problem: Problem, ridge: float) -> NDArray[np.float64]:
    """Return the precision of the prior of each weight, (feature,)."""
    return np.concatenate([np.full(problem.neurons, ridge), np.full(problem.covariates, COVARIATE_PRECISION)])


def metric(shards: Shards, key: str, bins: int, overlap: str, ridge: float) -> Arrays:
    """Diagonalise the overlap of the traces, scaled by the prior."""
    problem, kept = problem_of(shards, key, bins), shards.get(overlap)
    none = np.zeros((2, 0))
    facts = Statistics(none, none, kept["mean"][...], none, kept["gram"][...])
    made = Metric.of(facts, problem.bins, precision_of(problem, ridge))
    return {"values": made.values, "vectors": made.vectors}


def compiled(shards: Shards, key: str, bins: int, target: str) -> Arrays:
    """Compile the network of a shard; keep how many seconds that took."""
    problem = problem_of(shards, key, bins)
    made = network_of(problem, blocked_folds(problem.bins, problem.tau).chunk, target)
    return {"seconds": np.array(made.seconds_compile_)}


def solve(
    shards: Shards,
    part: Part,
    how: tuple[float, str, int, float, str],
    posts: Posts,
    start: str = "",
    sign: str = "",
) -> Arrays:
    """Climb to the optimum of a shard of postsynaptic neurons.

    Parameters
    ----------
    shards
        The store.
    part
        What is fitted.
    how
        Precision of the prior, key of the metric, most passes, tolerance, target.
    posts
        The postsynaptic neurons.
    start
        Key of the shard where to begin.
    sign
        Key of the sign that each presynaptic neuron must have.

    Returns
    -------
    dict
        :class:`brainsim.ascent.Solution` as arrays, ``memory`` as (step or change, pair, feature, neuron), and
        ``variance`` of the weights, (neuron, post).
    """
    ridge, key, passes, tolerance, target = how
    problem, chosen = problem_of(shards, part.problem, part.bins), np.array(posts, np.int64)
    facts = facts_of(shards, part, chosen, gram=not start)
    held = shards.recall(f"metric {key}", lambda: {name: values[...] for name, values in shards.get(key).items()})
    around = Metric(held["values"], held["vectors"], precision_of(problem, ridge))
    shard = Shard(problem, facts, folds_of(problem, part), chosen, target)
    wanted = _of_pairs(shards.get(sign)["sign"][...], problem, chosen) if sign else None
    found = climb(shard, around, _solution(shards.get(start)) if start else None, passes, tolerance, wanted)
    variance = around.variance(np.maximum(facts.count[0], 1.0), lifts(facts, problem.bins))[: problem.neurons]
    memory = np.array(found.memory).reshape(-1, 2, problem.features, len(posts))
    column = {name: getattr(found, name) for name in ("beta", "weight", "fitted", "held", "count")}
    return {**column, "passes": np.array(found.passes), "memory": memory, "variance": variance}


def _solution(kept: Arrays) -> Solution:
    """Return a kept solution."""
    column = {name: kept[name][...] for name in ("beta", "weight", "fitted", "held", "count")}
    memory = [(step, change) for step, change in kept["memory"][...]]
    return Solution(**column, passes=int(kept["passes"][()]), memory=memory)


def _of_pairs(sign: NDArray[np.float64], problem: Problem, posts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sign of every weight onto some postsynaptic neurons, (feature, post); 0 for a neuron's own history."""
    wanted = np.zeros((problem.features, len(posts)))
    wanted[: problem.neurons] = sign[:, None]
    wanted[posts, np.arange(len(posts))] = 0
    return wanted
