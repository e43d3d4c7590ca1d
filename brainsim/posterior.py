"""Who is connected: scores of kernels against the scores of unconnected pairs, with Dale's law, as probabilities.

An empirical Bayes model of all pairs together (Efron's two groups): most pairs are unconnected and show the null; a
share is connected, with some kernel, some strength, and the sign of its presynaptic neuron; some, connected or not,
have input from a hidden neuron (:mod:`brainsim.alternative`). The shares, how often each kernel and strength occurs,
and the type of every neuron are learned from the scores by expectation-maximisation.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

from brainsim.alternative import REPEATED, Alternatives, Explained, Kind, summed
from brainsim.kernel import Lags
from brainsim.null import FEW_PAIRS, MOST_PAIRS, Null, sampled
from brainsim.strength import HALF_NORMAL, USUALLY, Levels, Strength, likelihood_ratio

Array = NDArray[np.float64]
Floats = NDArray[Any]  # of 32 bits
PRIOR_EXCITATORY = 0.8
TURNS = 2  # in which what unconnected pairs look like is learned again
ROUNDS, BRIEF, AFTER = 40, 16, 8  # of learning, in the last turn and before; pairs are explained anew after so many
USUAL, BEFORE = 0.05, 500.0  # share of connected pairs before any is seen, by the weight of so many pairs
ANY, BEYOND = 30.0, 1.5  # nats by which connections must explain all scores better; of a pair, those that do not count
STRAY = 1e-6
POOLED = 20.0  # synapses; a type with fewer borrows the strengths of all
NEGLIGIBLE, SELDOM = 1e-3, 1e-4
HIDDEN_USUAL, HIDDEN_BEFORE = 0.03, 300.0  # share of pairs with hidden input before any is seen, by so many pairs
LIKE, HARDLY = 0.7, 0.02  # correlation from which on a peak looks like a synapse; share of synapses that count as none
UNCLEAR = 50.0  # peaks, as if the heights of so many were those of all
EXPECTED = 100.0  # peaks of hidden input, as if so many had been seen where synapses say that they are
MOST_MIRRORED = 100_000  # pairs whose scores are looked at with the other sign
SMALLEST = 1e-300
SIGNS = (1.0, -1.0)


@dataclass(frozen=True, eq=False)
class View:
    """What the scores say about pairs, seen with one baseline: of all, or of a block of presynaptic neurons.

    Attributes
    ----------
    sides
        Log of how much more probable the scores are with an excitatory, with an inhibitory synapse than without,
        (2, pre, post); 0 where a pair cannot be judged.
    mirrored
        The same of the scores with the other sign, (2, pre, some posts): see :func:`posts_mirrored`.
    excitatory
        Log odds of E against I of each presynaptic neuron, (pre,).
    share
        Share of connected pairs.
    kernel
        How often each kernel occurs among synapses, (type, kernel), E first.
    delay
        Mean delay of a synapse on this pair in bins, (pre, post).
    inflation
        Spread of the scores of unconnected pairs; 1 is clean.
    any
        Log odds that the scores show any connections.
    hidden
        How often hidden input was found, over how often connections.
    broad
        Share of synapses with half-normal strengths, of which many are weak, (type,), E first; the others are alike.
    """

    sides: Floats
    mirrored: Floats
    excitatory: Array
    share: float
    kernel: Array
    delay: Floats
    inflation: float
    any: float = np.inf
    hidden: float = 0.0
    broad: Array = field(default_factory=lambda: np.ones(2))


def posts_sampled(neurons: int) -> slice:
    """Return the postsynaptic neurons from whose pairs the two groups are learned: at most 20,000 pairs."""
    return slice(0, neurons, max(1, -(-neurons * neurons // MOST_PAIRS)))


def posts_mirrored(neurons: int) -> slice:
    """Return the postsynaptic neurons of pairs whose scores are looked at with the other sign: at most 100,000."""
    return slice(0, neurons, max(1, -(-neurons * neurons // MOST_MIRRORED)))


def view(score: Array, usable: NDArray[np.bool_], known: Array, level: Levels | None = None) -> View:
    """Standardise scores of one kernel, learn the two groups and judge every pair.

    Parameters
    ----------
    score
        Shape (pre, post).
    usable
        Pairs that can be judged, (pre, post).
    known
        Prior log odds of E against I of each neuron, (neuron,).
    level
        Levels of all pairs (:func:`brainsim.strength.levels`), (pre, post); None where they are not known.
    """
    n = len(score)
    plain = np.where(usable, score, 0).astype(np.float32)[:, :, None]
    null = Null.of(plain.reshape(-1, 1)[sampled(usable)].astype(float), n)
    null = null.by_neuron(np.stack([null.typical(each, 1) for each in plain]), usable)
    posts = posts_sampled(n)
    null, groups = learned(plain[:, posts], null, usable, posts, known, level=level)
    for pre in range(n):
        plain[pre] = null.standardised(plain[pre], usable[pre], pre)
    return groups.judged(plain, usable, np.zeros(1, np.int64), known, null.spread, level)


@dataclass(frozen=True, eq=False)
class Groups:
    """Share of connected pairs, and how often each kernel and strength occurs; the same of hidden input.

    Attributes
    ----------
    kinds, back, overlap
        What the columns of the scores are: number of kernels of each kind, which are looked for in the other direction,
        and how they correlate (:class:`brainsim.alternative.Alternatives`).
    kernel, strength
        How often each kernel and each strength occurs among synapses, (type, kernel) and (type, strength), E first.
    peak, height
        How often each kernel and each strength occurs among hidden input, (kernel,) and (strength,).
    share, shared
        Share of connected pairs, and of those with hidden input.
    any
        Log odds that the scores show any connections: what all views say of it counts, in `brainsim.connectivity`.
    """

    kinds: tuple[int, int, int]
    back: NDArray[np.int64]
    overlap: Array
    kernel: Array
    strength: Array
    peak: Array
    height: Array
    share: float = USUAL
    shared: float = 0.02
    any: float = np.inf

    @classmethod
    def begun(cls, grid: Lags | None, overlap: Array) -> Self:
        """Begin with all kernels equally often; without a grid there is one kernel and nothing else."""
        kinds, back = ((1, 0, 0), np.zeros(0, np.int64)) if grid is None else (grid.kinds, grid.back)
        kernel, peak = (np.full((2, size), 1 / max(size, 1)) for size in kinds[:2])
        usually = np.tile(USUALLY / USUALLY.sum(), (2, 1))
        return cls(kinds, back, overlap, kernel, usually, peak[0], usually[0])

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """Columns of the scores that count: not those of kernels of synapses that hardly occur."""
        kept = np.flatnonzero(self.kernel.max(0) > NEGLIGIBLE * self.kernel.max())
        return np.concatenate([kept, np.arange(self.kinds[0], sum(self.kinds))])

    @cached_property
    def synapses(self) -> tuple[Kind, Kind]:
        """Excitatory and inhibitory synapses, with the kernels of the columns that count."""
        return self._both(self.columns[: len(self.columns) - sum(self.kinds[1:])])

    @property
    def input(self) -> Array:
        """How often each kernel and strength occurs among hidden input, (kernel x strength,)."""
        return np.asarray(np.outer(self.peak, self.height), np.float64).ravel()

    @cached_property
    def alternatives(self) -> Alternatives | None:
        """What else there may be; None where the columns do not tell."""
        if not self.kinds[1]:
            return None
        kinds = (len(self.columns) - sum(self.kinds[1:]), *self.kinds[1:])
        hidden = Kind(self.peak, Strength(1.0, self.height)), float(np.log(self.shared / (1 - self.shared)))
        odds = np.log([PRIOR_EXCITATORY, 1 - PRIOR_EXCITATORY]) + np.log(REPEATED * self.share / (1 - self.share))
        back = tuple(zip(self._both(self.back), odds.tolist(), strict=True))
        overlap = self.overlap[np.ix_(self.columns, self.columns)]
        return Alternatives(kinds, overlap, hidden, back, Strength(SIGNS[0], self.strength[0]))

    def _both(self, kernels: NDArray[np.int64]) -> tuple[Kind, Kind]:
        excitatory, inhibitory = (Strength(*each) for each in zip(SIGNS, self.strength, strict=True))
        return Kind(self.kernel[0, kernels], excitatory), Kind(self.kernel[1, kernels], inhibitory)

    @property
    def clear(self) -> NDArray[np.bool_]:
        """Which peaks of hidden input look like no excitatory synapse that is usual in this recording, (peak,)."""
        synapses, peaks, _ = self.kinds
        like = np.abs(self.overlap[:synapses, synapses : synapses + peaks]) > LIKE
        return np.asarray(self.kernel[0] @ like < HARDLY)

    def explained(self, score: Floats, level: Levels | None) -> Explained | None:
        """Explain pairs without a synapse by their scores, (pair, kernel); None where nothing else is looked at."""
        return None if self.alternatives is None else self.alternatives.explain(score[:, self.columns], level)

    def judged(
        self,
        score: Iterable[Floats],
        usable: NDArray[np.bool_],
        delay: NDArray[np.int64],
        known: Array,
        spread: Array,
        level: Levels | None = None,
    ) -> View:
        """Judge the pairs of some presynaptic neurons.

        Parameters
        ----------
        score
            Standardised scores of each presynaptic neuron, (post, kernel).
        usable
            Pairs that can be judged, (pre, post).
        delay
            Delay of each kernel of a synapse in bins, (kernel,).
        known
            Prior log odds of E against I of these neurons, (pre,).
        spread
            What the scores were divided by, (kernel,).
        level
            Level of each pair, (pre, post); None where they are not known.
        """
        kernels, odds = self.kinds[0], known.astype(float)
        synaptic, some = self.columns[self.columns < kernels], posts_mirrored(usable.shape[1])
        sides, late = np.zeros((2, *usable.shape), np.float32), np.zeros(usable.shape, np.float32)
        mirrored = np.zeros_like(sides[:, :, some])
        level = np.zeros(usable.shape, np.int8) if level is None else level
        for pre, (each, its) in enumerate(zip(score, level, strict=True)):
            weighed = [kind.weighed(each[:, synaptic], its) for kind in self.synapses]
            mean_delay = [np.exp(of - summed(of)[:, None]) @ delay[synaptic] for of in weighed]
            side, other = self._sides(each, weighed, its), -each[some]
            back = [kind.weighed(other[:, synaptic], its[some]) for kind in self.synapses]
            turned = self._sides(other, back, its[some])
            mirrored[:, pre] = np.where(usable[pre, some], turned, 0.0)
            pair = np.where(usable[pre], log_probability(side, self.share), 0.0)
            odds[pre] += pair[0].sum() - pair[1].sum()
            sides[:, pre] = np.where(usable[pre], side, 0.0)
            late[pre] = np.where(odds[pre] + side[0] - side[1] >= 0, *mean_delay)
        inflation = float(np.sqrt((self.kernel.mean(0) * np.maximum(spread[:kernels], 1) ** 2).sum()))
        hidden = self.shared / self.share if self.kinds[1] else 0.0
        broad = self.strength[:, : len(HALF_NORMAL)].sum(1)
        return View(sides, mirrored, odds, self.share, self.kernel, late, inflation, self.any, hidden, broad)

    def _sides(self, score: Floats, weighed: Sequence[Floats], level: Levels) -> Array:
        """Return the evidence for an excitatory and for an inhibitory synapse, whatever else there is, (2, pair)."""
        explained, side = self.explained(score, level), np.stack([summed(of) for of in weighed])
        if explained is None:
            return side
        excitatory, inhibitory = (partial(kind.log_ratio, level=level) for kind in self.synapses)
        return np.stack([explained.evidence(side[0], excitatory, True), explained.evidence(side[1], inhibitory, False)])


def learned(
    score: Floats,
    null: Null,
    usable: NDArray[np.bool_],
    posts: slice,
    known: Array,
    grid: Lags | None = None,
    overlap: Array | None = None,
    level: Levels | None = None,
) -> tuple[Null, Groups]:
    """Learn the two groups, and the null again from those who are probably not connected, in turns.

    Medians over all pairs are too wide where many are connected, and groups that are told by them too shy. Whether
    there are any connections is told by what all pairs look like: whoever is taken out of the null stands out then. In
    frames the null stays: bursts of all neurons make scores that belong to it.

    Parameters
    ----------
    score
        Scores, (pre, post, kernel), of some posts.
    null
        What all pairs look like.
    usable
        Pairs that can be judged, (pre, post), of all posts.
    posts
        Which posts the scores are of.
    known, grid, overlap
        As in :func:`groups_of`.
    level
        Level of each pair, (pre, post), of all posts; None where they are not known.
    """
    chosen, its = usable[:, posts], None if level is None else level[:, posts]

    def learner(unlike: Null) -> _Learner:
        rows = [unlike.standardised(each, chosen[pre], pre, posts) for pre, each in enumerate(score)]
        return _Learner(np.stack(rows), chosen, known, grid, overlap, its)

    latest, framed = learner(null), grid is not None and not grid.kinds[1]
    if framed or usable.sum() < FEW_PAIRS:
        return null, latest.learned(ROUNDS)
    groups = latest.learned(BRIEF)
    if groups.any < 0:
        return null, latest.learned(ROUNDS)
    better, shown = null, groups.any
    for turn in range(TURNS):
        groups = groups if turn == 0 else latest.learned(BRIEF)
        better = null.relearned(score, latest.alone(groups), posts, int(usable.sum()))
        latest = learner(better)
    return better, replace(latest.learned(ROUNDS), any=shown)


def groups_of(
    score: Floats, usable: NDArray[np.bool_], known: Array, grid: Lags | None = None, overlap: Array | None = None
) -> Groups:
    """Learn the two groups by expectation-maximisation.

    Parameters
    ----------
    score
        Standardised scores, (pre, post, kernel), of some posts.
    usable
        Pairs that can be judged, (pre, post).
    known
        Prior log odds of E against I of each neuron, (pre,).
    grid
        What the kernels are; None for a single one of synapses.
    overlap
        How the scores of kernels correlate without a synapse, (kernel, kernel).
    """
    return _Learner(score, usable, known, grid, overlap).learned(ROUNDS)


@dataclass(frozen=True, eq=False)
class _Ratios:
    """How much more probable scores are with each kernel and strength, (pair, kernel x strength), over a scale."""

    values: Floats
    scale: Array

    @classmethod
    def of(cls, score: Floats, sign: float, level: Levels) -> Self:
        """Make them for all kernels, (pair, kernel), and strengths; `level` is that of each pair."""
        return cls(*likelihood_ratio(score, sign, level))

    def over(self, weight: Array) -> Array:
        """Return the ratio where kernels and strengths occur so often, over the scale, (pair,)."""
        return (self.values @ weight.astype(np.float32)).astype(float)

    def found(self, weight: Array, blame: Array) -> Array:
        """Return how often each kernel and strength occurs among pairs that count so much, (kernel, strength)."""
        return np.asarray((weight * (blame.astype(np.float32) @ self.values)).reshape(-1, len(USUALLY)), np.float64)


class _Learner:
    """Scores of some pairs from which groups are learned; their ratios are made once."""

    def __init__(
        self,
        score: Floats,
        usable: NDArray[np.bool_],
        known: Array,
        grid: Lags | None,
        overlap: Array | None,
        level: Levels | None = None,
    ) -> None:
        self._expected = None if grid is None else grid.expected
        self._begun = Groups.begun(grid, np.eye(score.shape[2]) if overlap is None else overlap)
        self._shape, self._usable, self._known = usable.shape, usable.ravel(), known
        if usable.sum() < FEW_PAIRS:
            return
        kinds = self._begun.kinds
        self._level = np.zeros(len(self._usable), np.int8) if level is None else level.ravel()
        self._score = score.reshape(len(self._usable), -1)
        synapses, peaks = self._score[:, : kinds[0]], self._score[:, kinds[0] : kinds[0] + kinds[1]]
        self._synapses = [_Ratios.of(synapses, sign, self._level) for sign in SIGNS]
        self._peaks = _Ratios.of(peaks, 1.0, self._level) if kinds[1] else None
        self._explained: Explained | None = None
        self._beyond: list[Array] = []
        self._over = np.ones(len(self._score))

    def learned(self, rounds: int) -> Groups:
        """Return the groups after so many rounds."""
        groups = self._begun
        if self._usable.sum() < FEW_PAIRS:
            return replace(groups, shared=SELDOM)
        for turn in range(rounds):
            if turn % AFTER == 0:
                self.explain(groups)
            groups = self.improved(groups)
        return replace(groups, any=self.gain(groups) - ANY)

    def alone(self, groups: Groups) -> Array:
        """Return how probable it is that pairs have no synapse, (pre, post); 0 where they cannot be judged."""
        *_, whole, pair = self._told(groups)
        connected = np.exp(whole - pair) * self._weight(groups, pair)
        return np.where(self._usable, np.maximum(1 - connected.sum(0), 0.0), 0.0).reshape(self._shape)

    def explain(self, groups: Groups) -> None:
        """Explain the pairs without a synapse anew."""
        self._explained = groups.explained(self._score, self._level)
        left = [] if self._explained is None else self._explained.left
        self._beyond = [np.stack([kind.log_ratio(each, self._level) for kind in groups.synapses]) for each in left]

    def improved(self, groups: Groups) -> Groups:
        """Return groups that make the scores more probable."""
        self._update(groups)
        weights, over, alone, whole, pair = self._told(groups)
        kind = self._weight(groups, pair)
        connected, direct = np.exp(whole - pair) * kind, np.exp(alone - pair) * kind
        parts = zip(self._synapses, weights, direct / over, strict=True)
        found = np.stack([made.found(weight, blame) for made, weight, blame in parts])
        kernel = found.sum(2) + 1 / found.shape[1]
        strength = found.sum(1) + POOLED * (found.sum((0, 1)) + USUALLY) / (found.sum() + USUALLY.sum())
        kernel, strength = kernel / kernel.sum(1, keepdims=True), strength / strength.sum(1, keepdims=True)
        share = (connected.sum() + BEFORE * USUAL) / (self._usable.sum() + BEFORE)
        share = float(np.clip(share, SELDOM, 0.5))
        better = replace(groups, kernel=kernel, strength=strength, share=share)
        return self._with_hidden(better, np.where(self._usable, 1 - direct.sum(0), 0.0))

    def _weight(self, groups: Groups, pair: Array) -> Array:
        """Return how probable it is before its scores are seen that a pair is connected and E, or I, (type, pair)."""
        odds = self._known + (pair[0] - pair[1]).reshape(self._shape).sum(1)
        excitatory = np.repeat(expit(np.clip(odds, -50, 50)), self._shape[1])
        return np.asarray(groups.share * self._usable * np.stack([excitatory, 1 - excitatory]), np.float64)

    def gain(self, groups: Groups) -> float:
        """Return how much more probable all scores are with connections than without any, in nats.

        In spikes scores of few counts are large somewhat more often than those of noise, which many pairs together tell
        from a normal distribution; so the evidence of each pair must reach beyond that.
        """
        *_, whole, pair = self._told(groups)
        beyond = pair
        if self._peaks is not None:
            beyond = np.where(self._usable, log_probability(whole - np.clip(whole, 0, BEYOND), groups.share), 0.0)
        of_type = beyond.reshape(2, *self._shape).sum(2)
        return float(np.logaddexp(*(np.stack([log_expit(self._known), log_expit(-self._known)]) + of_type)).sum())

    def _told(self, groups: Groups) -> tuple[list[Array], list[Array], Array, Array, Array]:
        """Return weights and ratios of synapses, both kinds of evidence, and what each pair tells, (type, pair)."""
        weights = [np.outer(*each).ravel() for each in zip(groups.kernel, groups.strength, strict=True)]
        over = [made.over(weight) for made, weight in zip(self._synapses, weights, strict=True)]
        single = np.stack([np.log(each) + made.scale for made, each in zip(self._synapses, over, strict=True)])
        alone, whole = self._evidence(single)
        return weights, over, alone, whole, np.where(self._usable, log_probability(whole, groups.share), 0.0)

    def _evidence(self, single: Array) -> tuple[Array, Array]:
        """Return the evidence for a synapse and nothing else, and for a synapse with whatever else, (type, pair)."""
        if (explained := self._explained) is None:
            return single, single
        types = [(each, [beyond[k] for beyond in self._beyond], k == 0) for k, each in enumerate(single)]
        alone = np.stack([explained.alone(each, excites) for each, _, excites in types])
        return alone - explained.nothing, np.stack([explained.joined(*each) for each in types])

    def _update(self, groups: Groups) -> None:
        """Bring the odds of hidden input up to what has been learned."""
        if self._explained is None or self._peaks is None:
            return
        self._over = self._peaks.over(groups.input) + SMALLEST
        odds = np.log(groups.shared / (1 - groups.shared))
        self._explained = self._explained.updated(np.log(self._over) + self._peaks.scale + odds)

    def _with_hidden(self, groups: Groups, rest: Array) -> Groups:
        """Return how often hidden input of each kind occurs among pairs that count so much, (pair,).

        How high its peaks are is told by those that no synapse is like: the largest synapses, whose shapes fit least,
        can be taken for hidden input of any height, and would say that it is as high as they are.
        """
        if self._explained is None or self._peaks is None:
            return groups
        belongs = np.exp(np.minimum(self._explained.hidden - self._explained.nothing, 0.0)) * rest
        found = self._peaks.found(groups.input, belongs / self._over)
        peak, height = found.sum(1) + 1 / len(found), found.sum(0) + USUALLY
        height = found[groups.clear].sum(0) + UNCLEAR * height / height.sum()
        if self._expected is not None:
            peak += EXPECTED * self._expected.of(groups.kernel[0])
        shared = (belongs.sum() + HIDDEN_BEFORE * HIDDEN_USUAL) / (self._usable.sum() + HIDDEN_BEFORE)
        shared = float(np.clip(shared, SELDOM, 0.5))
        return replace(groups, peak=peak / peak.sum(), height=height / height.sum(), shared=shared)


def log_probability(sides: Array, share: float) -> Array:
    """Return how much more probable each pair is if its neuron is E, if it is I, than without any synapse, in nats.

    A pair has a synapse of its neuron's sign or none; one in a million looks like a synapse of either sign and is
    none. So no single pair decides the type of a neuron.

    Parameters
    ----------
    sides
        Evidence for an excitatory and for an inhibitory synapse, (2, ...).
    share
        Share of connected pairs.
    """
    without = np.logaddexp(np.log1p(-share), np.log(STRAY / 2) + np.logaddexp(*sides))
    return np.asarray(np.logaddexp(without, np.log(share) + sides), np.float64)
