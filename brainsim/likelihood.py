"""The optimiser of the rule ``ml``: passes of a teacher-forced Brian2 network climb the log likelihood.

The log likelihood separates over postsynaptic neurons and is concave. Each pass of the network returns, for one shard
of postsynaptic neurons, what the current weights expect; the steps are those of L-BFGS around one shared
preconditioner (the overlap of the presynaptic traces), with a step length for each neuron. Shards have a fixed size,
so that the result does not depend on how many processes share them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from brainsim import assembly
from brainsim.engine import Network
from brainsim.recorded import NEVER, Events, RecordedInput
from brainsim.sufficient import Problem, Statistics

Array = NDArray[np.float64]
SHARD = 128
MEMORY = 6
LARGEST_STEP = 3.0
FEW = 3.0
FEWEST = 0.5  # expected spikes of a neuron that never fired
STRAYED = 1e6
LARGEST_CHANGE = 0.5
MANY = 1000.0  # spikes
ROUNDING = 1e-13

Memory = list[tuple[Array, Array]]


@dataclass(frozen=True)
class Folds:
    """Blocks of time: which are fitted, which held out.

    Parameters
    ----------
    kind
        1 fitted, 2 held out, for each chunk of bins.
    chunk
        Bins per chunk.
    """

    kind: NDArray[np.int8]
    chunk: int

    def held(self, bins: int) -> NDArray[np.bool_]:
        """Return which bins are held out."""
        return np.repeat(self.kind == 2, self.chunk)[:bins]


def blocked_folds(bins: int, tau: float, every: int = 5, blocks: int = 25) -> Folds:
    """Hold out every fifth of about 25 blocks of time; ``every=0`` holds out nothing."""
    chunk = assembly.chunk_steps(tau)
    chunks = -(-bins // chunk)
    block = np.arange(chunks) * blocks // max(chunks, blocks)
    held = (block % every == every - 1) if every else np.zeros(chunks, bool)
    return Folds(np.where(held, 2, 1).astype(np.int8), chunk)


@dataclass
class Solution:
    """Parameters of a shard of postsynaptic neurons and what they reach.

    Attributes
    ----------
    beta
        Log rate per bin at mean input, (neuron,).
    weight
        Weights of presynaptic neurons and covariates on centred features, (feature, neuron).
    fitted, held
        Log likelihood [nats], (neuron,).
    passes
        Passes that were needed.
    memory
        The last steps and what they changed in the gradient of the log likelihood, without the prior.
    count
        Spikes that were fitted, (neuron,).
    """

    beta: Array
    weight: Array
    fitted: Array
    held: Array
    passes: int
    memory: "Memory" = field(default_factory=list)
    count: Array = field(default_factory=lambda: np.ones(1))


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
        self._constant = self._inputs()

    def _inputs(self) -> tuple[RecordedInput, dict[str, object]]:
        sources, covariates, targets = self.shape
        problem, chunk = self.problem, self.folds.chunk
        spikes = problem.spikes.shifted(problem.delay).padded(sources)
        jumps = problem.jumps.padded(covariates)
        gaps = _ended(_chosen(problem.gaps, self.posts), problem.bins).padded(targets)
        kind = np.append(self.folds.kind, 0).astype(np.int8)
        steps = len(self.folds.kind) * chunk + 1
        recorded = RecordedInput(steps, events=spikes.joined(jumps).joined(gaps), stretch=kind, stretch_steps=chunk)
        arrays: dict[str, object] = {"recorded.tau": problem.tau, "neuron.tau": problem.tau}
        for name, events in (("recorded", spikes), ("covariate", jumps), ("gap", gaps)):
            arrays[f"{name}.next_step"], arrays[f"{name}.amplitude"] = first_events(events)
        step, amplitude = first_events(spikes)
        arrays["recorded.arrival"] = amplitude * np.exp((step % chunk) / problem.tau)
        return recorded, arrays

    def evaluate(self, beta: Array, weight: Array, *, profiled: bool = False) -> "Point":
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
        """
        n, facts, posts = self.problem.neurons, self.facts, self.posts
        bias = beta - facts.mean @ weight
        found = self._pass(bias, weight)
        expected, held_out = found["neuron.expected"][: len(posts)], found["neuron.expected_held"][: len(posts)]
        sources, covariates, targets = self.shape
        met = found["synapse.coincidence"].reshape(sources, targets)[:n, : len(posts)]
        before = found["covariate_jump.before"].reshape(covariates, targets)[: self.problem.covariates, : len(posts)]
        level = (
            np.add.reduceat(np.append(self.problem.jumps.amplitude, 0.0), self.problem.jumps.first[:-1])
            if len(before)
            else np.zeros(0)
        )
        modelled = np.concatenate([met, level[:, None] * expected - before])
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
        return Point(fitted, likelihood[1], gradient_beta, gradient, beta)

    def _pass(self, bias: Array, weight: Array) -> dict[str, NDArray[np.float64]]:
        sources, covariates, targets = self.shape
        n, k, posts = self.problem.neurons, self.problem.covariates, len(self.posts)
        w, c, b = np.zeros((sources, targets)), np.zeros((covariates, targets)), np.full(targets, -60.0)
        w[:n, :posts], c[:k, :posts], b[:posts] = weight[:n], weight[n:], bias
        recorded, arrays = self._constant
        wanted = ["neuron.expected", "neuron.expected_held", "synapse.coincidence", "covariate_jump.before"]
        return self.network.run(recorded, {**arrays, "synapse.w": w, "covariate_jump.c": c, "neuron.bias": b}, wanted)


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


@dataclass(frozen=True)
class Metric:
    """The shared preconditioner: overlap of the features in the basis where it is diagonal, scaled by the prior.

    Parameters
    ----------
    values, vectors
        Eigenvalues (feature,) and eigenvectors of the scaled overlap per bin.
    precision
        Precision of the Gaussian prior of each weight, (feature,).
    """

    values: Array
    vectors: Array
    precision: Array

    @classmethod
    def of(cls, facts: Statistics, bins: int, precision: Array) -> "Metric":
        """Diagonalise the overlap once for all postsynaptic neurons."""
        scale = 1 / np.sqrt(precision)
        centred = facts.gram / bins - np.outer(facts.mean, facts.mean)
        values, vectors = np.linalg.eigh(scale[:, None] * centred * scale)
        return cls(np.maximum(values, 0), vectors, precision)

    def solve(self, gradient: Array, count: Array) -> Array:
        """Return the Newton-like step for gradients (feature, neuron) of neurons that fired `count` spikes."""
        scale = 1 / np.sqrt(self.precision[:, None])
        inner = self.vectors.T @ (scale * gradient)
        step: Array = scale * (self.vectors @ (inner / (self.values[:, None] * count + 1.0)))
        return step

    def bounded(self, step: Array) -> Array:
        """Return a step (feature, neuron), shortened where it would change the drive by more than a half (SD)."""
        variance = self.values @ (self.vectors.T @ (np.sqrt(self.precision[:, None]) * step)) ** 2
        shorter: Array = step * np.minimum(1.0, LARGEST_CHANGE / np.sqrt(np.maximum(variance, 1e-300)))
        return shorter

    def variance(self, count: Array, lift: Array) -> Array:
        """Return the posterior variance of each weight, (feature, neuron).

        `lift` (feature, neuron) is by how much more the neuron fires while the feature is there (:func:`lifts`): the
        curvature is that much larger than the overlap of the features alone says.
        """
        spread = 1 / (self.values[:, None] * count + 1.0)
        result: Array = np.minimum((self.vectors**2 @ spread) / lift, 1.0) / self.precision[:, None]
        return result


def lifts(facts: Statistics, bins: int) -> Array:
    """Return how often a neuron fires while a feature is there, over what independence expects, (feature, neuron).

    Shrunk towards 1 by a few spikes. At the optimum the model expects as many coincidences as there were, so that
    this is how the curvature of the log likelihood differs from neuron to neuron.
    """
    expected = np.outer(facts.mean * bins, facts.count[0] / bins)
    lift: Array = (np.maximum(facts.coincidence[0], 0) + FEW) / (np.maximum(expected, 0) + FEW)
    return lift


def climb(
    shard: Shard,
    metric: Metric,
    start: Solution | None,
    passes: int,
    tolerance: float = 0.02,
    sign: Array | None = None,
) -> Solution:
    """Climb to the optimum of one shard.

    Parameters
    ----------
    shard
        Postsynaptic neurons.
    metric
        Preconditioner and prior.
    start
        Where to begin; by default at the step that would lead to the optimum if the features were Gaussian.
    passes
        Most passes.
    tolerance
        A neuron has arrived when a step gains, or promises, less than this many nats and a millionth of a nat per
        spike; where it fired less than a thousand spikes, down to a tenth of it.
    sign
        Sign that each weight must have (0: any), (feature, neuron): steps end where a weight would change it.
    """
    facts, posts, precision = shard.facts, shard.posts, metric.precision[:, None]
    count = np.maximum(facts.count[0], 1.0)
    limit = tolerance * np.clip(count / MANY, 0.1, 1.0) + 1e-6 * count

    def solve(step: Array) -> Array:
        return metric.solve(step, count)

    def allowed(weight: Array) -> Array:
        return weight if sign is None else np.where(weight * sign < 0, 0.0, weight)

    def ahead(memory: Memory, gradient: Array, weight: Array) -> Array:
        if sign is None:
            return _direction(memory, solve, gradient)
        free = (sign == 0) | (weight != 0) | (gradient * sign > 0)
        return np.where(free, _direction(memory, solve, np.where(free, gradient, 0.0)), 0.0)

    def evaluate(beta: Array, weight: Array) -> tuple[Array, Point]:
        point = shard.evaluate(beta, weight, profiled=True)
        value: Array = point.fitted - 0.5 * (precision * weight**2).sum(0)
        return value, point

    if start is None:
        memory: Memory = []
        point = at_rest(shard)
        best, gradient, weight, used = point.fitted, point.gradient, np.zeros_like(point.gradient), 0
        known = np.zeros(len(posts), bool)  # the gradient at rest leaves gaps out of account
        direction, guess = gaussian_step(shard, metric, point)
    else:
        weight = allowed(start.weight)
        memory = [(s, y * (count / start.count) + precision * s) for s, y in start.memory]
        best, point = evaluate(start.beta, weight)
        gradient, known, used = point.gradient - precision * weight, np.ones(len(posts), bool), 1
        direction, guess = metric.bounded(ahead(memory, gradient, weight)), point.beta
    done, length = np.zeros(len(posts), bool), np.ones(len(posts))
    while used < passes and not done.all():
        move = np.where(done, 0.0, length)
        new_weight = allowed(weight + move * direction)
        step = new_weight - weight
        value, new = evaluate(guess, new_weight)
        new_gradient = new.gradient - precision * new_weight
        used += 1
        slope = (gradient * direction).sum(0)
        better = (value >= best + 1e-4 * (gradient * step).sum(0) - ROUNDING * np.abs(best)) & ~done
        gained = np.where(better, value - best, np.inf)
        memory = [*memory, _pair(better & known, step, gradient - new_gradient)][-MEMORY:]
        best = np.where(better, value, best)
        weight, gradient = np.where(better, new_weight, weight), np.where(better, new_gradient, gradient)
        point = Point(*(np.where(better, a, b) for a, b in zip(new, point, strict=True)))
        known, guess = known | better, point.beta
        length = np.where(better, 1.0, length * _shorter(best, value, slope, length))
        direction = np.where(better, metric.bounded(ahead(memory, gradient, weight)), direction)
        to_gain = np.where(better, 0.5 * (gradient * direction).sum(0), np.inf)
        done |= (gained < limit) | (to_gain < limit) | (length < 1e-4)
    memory = [(s, y - precision * s) for s, y in memory]
    return Solution(point.beta, weight, point.fitted, point.held, used, memory, count)


def at_rest(shard: Shard) -> Point:
    """Return what is known without a pass: every neuron at its mean rate, no weights."""
    facts, posts = shard.facts, shard.posts
    beta, count = rest(shard).beta, facts.count
    fitted, held = count * beta - np.exp(beta) * facts.bins
    gradient = facts.coincidence[0] - facts.mean[:, None] * count[0]
    return Point(fitted, held, np.zeros(len(posts)), gradient, beta)


def gaussian_step(shard: Shard, metric: Metric, point: Point) -> tuple[Array, Array]:
    """Return the weights and log rates that would be optimal if the features were Gaussian."""
    facts, bins = shard.facts, shard.problem.bins
    weight = metric.solve(point.gradient, np.maximum(facts.count[0], 1.0))
    weight = weight * np.minimum(1.0, LARGEST_STEP / np.maximum(np.abs(weight).max(0), 1e-300))
    centred = facts.gram / bins - np.outer(facts.mean, facts.mean)
    return weight, point.beta - 0.5 * (weight * (centred @ weight)).sum(0)


def _shorter(best: Array, value: Array, slope: Array, length: Array) -> Array:
    """Return by how much to shorten a failed step: the top of the parabola through what is known, within bounds."""
    bend = best + length * slope - value
    share = length * slope / np.maximum(2 * bend, 1e-300)
    return np.clip(np.where(np.isfinite(share), share, 0.1), 0.1, 0.5)


def _pair(better: NDArray[np.bool_], step: Array, change: Array) -> tuple[Array, Array]:
    """Return the last step and the change of the gradient; zero where the step was refused or curves up."""
    good = better & ((step * change).sum(0) > 1e-12)
    return step * good, change * good


def _direction(memory: Memory, solve: Callable[[Array], Array], gradient: Array) -> Array:
    """Return the L-BFGS direction of every neuron (two-loop recursion around the shared preconditioner)."""
    q, kept = gradient, []
    curve = [(s * y).sum(0) for s, y in memory]
    inverse = [np.divide(1.0, c, out=np.zeros_like(c), where=c > 0) for c in curve]
    for (s, y), by in zip(reversed(memory), reversed(inverse), strict=True):
        part = by * (s * q).sum(0)
        q = q - part * y
        kept.append(part)
    r = solve(q)
    for (s, y), by, part in zip(memory, inverse, reversed(kept), strict=True):
        r = r + s * np.where(by > 0, part - by * (y * r).sum(0), 0.0)
    return r


def rest(shard: Shard) -> Solution:
    """Return the start: every neuron at its mean rate, no weights."""
    facts, posts = shard.facts, shard.posts
    rate = np.maximum(facts.count[0], 0.5) / np.maximum(facts.bins[0], 1)
    zero = np.zeros(len(posts))
    return Solution(np.log(rate), np.zeros((shard.problem.features, len(posts))), zero, zero, 0)
