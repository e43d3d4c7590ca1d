"""The log likelihood of the rule ``ml`` and its gradient, by passes of a teacher-forced Brian2 network.

The log likelihood separates over postsynaptic neurons and is concave (:mod:`brainsim.ascent` climbs it). Each pass of
the network returns, for one shard of postsynaptic neurons, what the current weights expect. Shards have a fixed size,
so that the result does not depend on how many processes share them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from brainsim import assembly
from brainsim.engine import Network
from brainsim.folds import Folds
from brainsim.recorded import NEVER, Events, RecordedInput
from brainsim.sufficient import Problem, Statistics

Array = NDArray[np.float64]
SHARD = 128
FEWEST = 0.5  # expected spikes of a neuron that never fired
STRAYED = 1e6


class Point(NamedTuple):
    """What one pass gives for each neuron.

    Attributes
    ----------
    fitted, held
        Log likelihood [nats], up to the constant of the Poisson counts, (neuron,).
    gradient_beta, gradient
        Gradient for `beta` (neuron,) and for the centred weights (feature, neuron).
    beta
        Where this is.
    """

    fitted: Array
    held: Array
    gradient_beta: Array
    gradient: Array
    beta: Array


class Shard:
    """One shard of postsynaptic neurons: evaluates the log likelihood and its gradient by running the network.

    Parameters
    ----------
    problem
        The recorded spikes of all neurons.
    facts
        What they say of these postsynaptic neurons: :meth:`brainsim.sufficient.Statistics.of`.
    folds
        Blocks of time.
    posts
        The postsynaptic neurons, (neuron,).
    target
        ``"cpp"`` or ``"numpy"``.
    """

    def __init__(
        self, problem: Problem, facts: Statistics, folds: Folds, posts: NDArray[np.int64], target: str
    ) -> None:
        self.problem, self.facts, self.folds, self.posts = problem, facts, folds, posts
        self.shape = shape_of(problem)
        self.network = network_of(problem, folds.chunk, target)
        self._among: NDArray[np.int64] = np.arange(0)
        self._constant: tuple[RecordedInput, dict[str, object]] = RecordedInput(0), {}

    def _inputs(self, among: NDArray[np.int64]) -> tuple[RecordedInput, dict[str, object]]:
        """Return what does not depend on the weights, for some of the postsynaptic neurons."""
        sources, covariates, targets = self.shape
        problem, chunk = self.problem, self.folds.chunk
        spikes = problem.spikes.shifted(problem.delay).padded(sources)
        jumps = problem.jumps.padded(covariates)
        gaps = _ended(_chosen(problem.gaps, self.posts[among]), problem.bins).padded(targets)
        kind = np.append(self.folds.kind, 0).astype(np.int8)
        steps = len(self.folds.kind) * chunk + 1
        events = spikes.joined(jumps).joined(gaps)
        recorded = RecordedInput(steps, active=len(among), events=events, stretch=kind, stretch_steps=chunk)
        arrays: dict[str, object] = {"recorded.tau": problem.tau, "neuron.leak": np.exp(-1 / problem.tau)}
        for name, events in (("recorded", spikes), ("covariate", jumps), ("gap", gaps)):
            arrays[f"{name}.next_step"], arrays[f"{name}.amplitude"] = first_events(events)
        step, amplitude = first_events(spikes)
        arrays["recorded.arrival"] = amplitude * np.exp((step % chunk) / problem.tau)
        return recorded, arrays

    def evaluate(
        self, beta: Array, weight: Array, *, profiled: bool = False, among: NDArray[np.int64] | None = None
    ) -> Point:
        """Run one pass.

        Parameters
        ----------
        beta
            Log rate per bin at mean input, (neuron,).
        weight
            Weights on centred features, (feature, neuron).
        profiled
            Move every `beta` to its optimum at these weights. A change of the bias scales all that was expected, so
            this needs no further pass.
        among
            Places of the neurons that are asked for; of the others nothing is told (0).
        """
        some = np.arange(len(self.posts)) if among is None else among
        facts, beta, weight = self.facts.of(some), beta[some], weight[:, some]
        bias = beta - facts.mean @ weight
        expected, held_out, modelled = self._pass(bias, weight, some)
        strayed = expected > STRAYED * np.maximum(facts.count[0], 1)
        if profiled:
            more = np.log(np.maximum(facts.count[0], FEWEST) / np.maximum(expected, 1e-300))
            bias, beta = bias + more, beta + more
            expected, held_out, modelled = (x * np.exp(more) for x in (expected, held_out, modelled))
        likelihood = [
            facts.count[k] * bias + (facts.coincidence[k] * weight).sum(0) - e
            for k, e in enumerate((expected, held_out))
        ]
        gradient_beta = facts.count[0] - expected
        gradient = facts.coincidence[0] - modelled - facts.mean[:, None] * gradient_beta
        fitted = np.where(strayed, -np.inf, likelihood[0]) if profiled else likelihood[0]
        found = fitted, likelihood[1], gradient_beta, gradient, beta
        return Point(*(_spread(each, some, len(self.posts)) for each in found))

    def _pass(self, bias: Array, weight: Array, some: NDArray[np.int64]) -> tuple[Array, Array, Array]:
        """Return what is expected of some neurons, fitted and held out, and the expected coincidences."""
        sources, covariates, targets = self.shape
        n, k, posts = self.problem.neurons, self.problem.covariates, len(some)
        w, c, b = np.zeros((sources, targets)), np.zeros((covariates, targets)), np.full(targets, -60.0)
        w[:n, :posts], c[:k, :posts], b[:posts] = weight[:n], weight[n:], bias
        if not np.array_equal(some, self._among):
            self._among, self._constant = some, self._inputs(some)
        recorded, arrays = self._constant
        wanted = ["neuron.expected", "neuron.expected_held", "synapse.coincidence", "covariate_jump.before"]
        given = {**arrays, "synapse.w": w, "covariate_jump.c": c, "neuron.bias": b}
        found = self.network.run(recorded, given, wanted)
        expected, held_out = found["neuron.expected"][:posts], found["neuron.expected_held"][:posts]
        met = found["synapse.coincidence"].reshape(sources, targets)[:n, :posts]
        before = found["covariate_jump.before"].reshape(covariates, targets)[:k, :posts]
        jumps = self.problem.jumps
        level = np.bincount(jumps.source_of_each(), jumps.amplitude, minlength=k)
        return expected, held_out, np.concatenate([met, level[:, None] * expected - before])


def shape_of(problem: Problem) -> tuple[int, int, int]:
    """Return the padded numbers of presynaptic neurons, covariates and postsynaptic neurons of a shard."""
    targets = assembly.size_class(min(problem.neurons, SHARD))
    return assembly.size_class(problem.neurons), assembly.size_class(problem.covariates or 1), targets


def network_of(problem: Problem, chunk: int, target: str) -> Network:
    """Return the network of a shard, compiled where it is not yet."""
    sources, covariates, targets = shape_of(problem)
    return Network(assembly.teacher_forced(sources, targets, covariates, chunk), target)


def first_events(events: Events) -> tuple[NDArray[np.int64], Array]:
    """Return the step and the amplitude of the first event of each source."""
    there = events.first[:-1] < events.first[1:]
    at = np.where(there, events.first[:-1], 0)
    step, amplitude = np.append(events.step, NEVER), np.append(events.amplitude, 0)
    return np.where(there, step[at], NEVER).astype(np.int64), np.where(there, amplitude[at], 0.0).astype(float)


def _chosen(events: Events, sources: NDArray[np.int64]) -> Events:
    """Return the events of some sources."""
    parts = [slice(events.first[s], events.first[s + 1]) for s in sources]
    first = np.concatenate([[0], np.cumsum([p.stop - p.start for p in parts])])
    step = np.concatenate([events.step[:0], *(events.step[p] for p in parts)])
    amplitude = np.concatenate([events.amplitude[:0], *(events.amplitude[p] for p in parts)])
    return Events(first.astype(np.int64), step, amplitude)


def _ended(gaps: Events, bins: int) -> Events:
    """Return the gaps and, for every neuron, one more behind the recording, into which the last chunk reaches."""
    end = np.arange(gaps.sources)
    source, step = np.append(gaps.source_of_each(), end), np.append(gaps.step, np.full(len(end), bins))
    return Events.of(source, step, np.append(gaps.amplitude, np.ones(len(end))), len(end))


def _spread(values: Array, places: NDArray[np.int64], size: int) -> Array:
    """Return the values of some neurons, (..., neuron), among zeros for the others."""
    if len(places) == size:
        return values
    found = np.zeros((*values.shape[:-1], size))
    found[..., places] = values
    return found
