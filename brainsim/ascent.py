"""The way up the log likelihood of the rule ``ml``: L-BFGS around one shared preconditioner.

The direction is that of the two-loop recursion (Nocedal & Wright 2006, algorithm 7.4). Every postsynaptic neuron has
its own step length; a step that lowers its log likelihood is refused and shortened. Weights whose sign is given end
where they would change it. What the steps of all neurons show of the curvature corrects the preconditioner.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from brainsim.likelihood import Point, Shard
from brainsim.metric import Metric, lifts

Array = NDArray[np.float64]
MEMORY = 6
LARGEST_STEP = 3.0
MANY, LITTLE = 1000.0, 1e-6  # spikes; nats per spike
SOON = 5  # passes
ROUNDING = 1e-13
FORGET, FEW = 0.5, 0.01  # of what was seen of the curvature before; share of the most that was seen of a direction
MOST_BENT = 20.0
LEAST_LIFT = 0.01
CLEARLY, FAR = -3.0, 0.7  # weight of a refractory neuron; share of it from which the steps find the way themselves
RARE = 0.3  # mean trace of a neuron whose spikes can be looked at one by one

Memory = list[tuple[Array, Array]]


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
    memory: Memory = field(default_factory=list)
    count: Array = field(default_factory=lambda: np.ones(1))


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
        spike; where it fired less than a thousand spikes, down to a tenth of it. From the sixth pass on, more counts as
        little: four times as much at the tenth.
    sign
        Sign that each weight must have (0: any), (feature, neuron): steps end where a weight would change it.
    """
    facts, posts, precision = shard.facts, shard.posts, metric.precision[:, None]
    count = np.maximum(facts.count[0], 1.0)
    limit = tolerance * np.clip(count / MANY, 0.1, 1.0) + LITTLE * count

    around = _Around(shard, metric)

    def allowed(weight: Array) -> Array:
        return weight if sign is None else np.where(weight * sign < 0, 0.0, weight)

    def ahead(memory: Memory, gradient: Array, weight: Array) -> Array:
        if sign is None:
            return _direction(memory, around.solve, gradient)
        free = (sign == 0) | (weight != 0) | (gradient * sign > 0)
        return np.where(free, _direction(memory, around.solve, np.where(free, gradient, 0.0)), 0.0)

    def evaluate(beta: Array, weight: Array, among: NDArray[np.int64] | None = None) -> tuple[Array, Point]:
        point = shard.evaluate(beta, weight, profiled=True, among=among)
        value: Array = point.fitted - 0.5 * (precision * weight**2).sum(0)
        return value, point

    memory: Memory = []
    if start is None:
        rest = at_rest(shard)
        weight, guess = gaussian_step(shard, metric, rest)
        weight = _refractory(shard, precision[posts], weight)
        best, point = evaluate(guess, weight)
        lost = np.flatnonzero(best < rest.fitted)
        if len(lost):  # with gaps and blocks held out, rest is known but for its gradient
            weight[:, lost] = 0
            best, point = _merged((best, point), evaluate(rest.beta, weight, lost), lost)
        used = 1 + bool(len(lost))
    else:
        weight = allowed(_refractory(shard, precision[posts], start.weight))
        memory = [(s, y * (count / start.count) + precision * s) for s, y in start.memory]
        best, point = evaluate(start.beta, weight)
        used = 1
        for pair in memory:
            around.learn(*pair)
    gradient = point.gradient - precision * weight
    direction, guess = around.bounded(ahead(memory, gradient, weight)), point.beta
    done, length = np.zeros(len(posts), bool), np.ones(len(posts))
    while used < passes and not done.all():
        move = np.where(done, 0.0, length)
        new_weight = allowed(weight + move * direction)
        step = new_weight - weight
        value, new = evaluate(guess, new_weight, np.flatnonzero(~done))
        new_gradient = new.gradient - precision * new_weight
        used += 1
        slope = (gradient * direction).sum(0)
        better = (value >= best + 1e-4 * (gradient * step).sum(0) - ROUNDING * np.abs(best)) & ~done
        gained = np.where(better, value - best, np.inf)
        memory = [*memory, _pair(better, step, gradient - new_gradient)][-MEMORY:]
        around.learn(*memory[-1])
        best = np.where(better, value, best)
        weight, gradient = np.where(better, new_weight, weight), np.where(better, new_gradient, gradient)
        point = Point(*(np.where(better, a, b) for a, b in zip(new, point, strict=True)))
        guess = point.beta
        length = np.where(better, 1.0, length * _shorter(best, value, slope, length))
        direction = np.where(better, around.bounded(ahead(memory, gradient, weight)), direction)
        to_gain = np.where(better, 0.5 * (gradient * direction).sum(0), np.inf)
        little = limit * max(1.0, used / SOON) ** 2
        done |= (gained < little) | (to_gain < little) | (length < 1e-4)
    memory = [(s, y - precision * s) for s, y in memory]
    return Solution(point.beta, weight, point.fitted, point.held, used, memory, count)


class _Around:
    """The shared preconditioner, corrected by what is known of these neurons.

    A neuron that is refractory has a curvature along its own history that is smaller by its lift. And where neurons
    fire in bursts or rhythms, the curvature along what they have in common is not that of the overlap alone: the steps
    that were made show by how much, for each eigenvector and all neurons together.
    """

    def __init__(self, shard: Shard, metric: Metric) -> None:
        facts, posts = shard.facts, shard.posts
        lift = lifts(facts, shard.problem.bins)
        mine = posts, np.arange(len(posts))
        self.metric, self.count, self.scale = metric, np.maximum(facts.count[0], 1.0), np.ones_like(lift)
        self.scale[mine] = np.sqrt(np.clip(lift[mine], LEAST_LIFT, 1.0))
        self.bent = self.straight = np.zeros(len(metric.values))
        self.bend: Array = np.ones(len(metric.values))

    def solve(self, gradient: Array) -> Array:
        """Return the Newton-like step."""
        return self.metric.solve(gradient / self.scale, self.count, self.bend) / self.scale

    def bounded(self, step: Array) -> Array:
        """Return the step, shortened where it would change the drive too much, as far as that is felt."""
        return self.metric.bounded(step * self.scale) / self.scale

    def learn(self, step: Array, change: Array) -> None:
        """Take note of a step and of the change of the gradient over it, (feature, neuron)."""
        bent, straight = self.metric.met(step * self.scale, change / self.scale, self.count)
        self.bent, self.straight = FORGET * self.bent + bent, FORGET * self.straight + straight
        few = FEW * self.straight.max(initial=0.0)
        ratio = np.divide(self.bent + few, self.straight + few, out=np.ones_like(few + bent), where=self.straight > 0)
        self.bend = np.clip(ratio, 1 / MOST_BENT, MOST_BENT)


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


def _refractory(shard: Shard, precision: Array, weight: Array) -> Array:
    """Put the own weight of every neuron that is clearly refractory to where its own intervals have it, if far from it.

    After a single spike the trace s falls from 1 to 0, and a neuron that is silent otherwise fires exp(w s) times its
    rate: over the trace, (exp(w) - 1)/w times what it would fire without. The gradient of the log likelihood and of the
    prior are zero at the weight that is returned.
    """
    facts, posts = shard.facts, shard.posts
    mine = posts, np.arange(len(posts))
    without, found = np.maximum(facts.mean[posts] * facts.count[0], 1e-300), facts.coincidence[0][mine]
    low, high = np.full(len(posts), -1e4), np.zeros(len(posts))
    for _ in range(60):
        middle = (low + high) / 2
        uphill = found - without * np.expm1(middle) / middle - precision[:, 0] * middle > 0
        low, high = np.where(uphill, middle, low), np.where(uphill, high, middle)
    own = (low + high) / 2
    result = weight.copy()
    far = (own < CLEARLY) & (facts.mean[posts] < RARE) & (weight[mine] > FAR * own)
    result[mine] = np.where(far, own, weight[mine])
    return result


def _merged(old: tuple[Array, Point], new: tuple[Array, Point], places: NDArray[np.int64]) -> tuple[Array, Point]:
    """Return the old value and point, at some places the new ones."""
    here = np.isin(np.arange(len(old[0])), places)
    return np.where(here, new[0], old[0]), Point(*(np.where(here, b, a) for a, b in zip(old[1], new[1], strict=True)))


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
