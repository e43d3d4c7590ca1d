"""The tasks that tell what correlograms say: blocks of presynaptic neurons, stage by stage.

For each baseline, with * for one task per block of neurons:

    surveyed*   overlap of the regressors of a block with those of all neurons
    inverted    the inverse of all of it
    left*       residual correlograms of a block
    null        hidden common input; location and spread of the scores of unconnected pairs, from a sample
    typical*    size of the scores of each pair
    learned     factor of each neuron, and the two groups, from a sample of pairs
    judged*     every pair of a block, in the views of this baseline

What is larger than a block is the matrix of the regressors and one number per pair. Correlograms are counted again
wherever they are needed, and scores are made again from residuals: both take less time than place.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainsim.cluster import Pool, Started, Task, run
from brainsim.confound import Filters, shared_input
from brainsim.correlogram import Correlograms
from brainsim.kernel import Lags, lags
from brainsim.posterior import PRIOR_EXCITATORY, Groups, Null, View, groups_of, posts_sampled, sampled
from brainsim.progress import Progress, silent
from brainsim.recorded import Events
from brainsim.residual import Reading, Residuals, inverse, remainder, survey
from brainsim.shard_store import Arrays, Shards, digest

Array = NDArray[np.float64]
Floats = NDArray[Any]  # of 32 bits
Keys = tuple[str, ...]
KEPT_BYTES = 2**26  # of the scores of a baseline; more are made again
NULL = ("middle", "spread", "row", "column")
BASELINES: tuple[float | None, ...] = (None, 20.0, 5.0)  # bins; 5 without whitening only
MANY_NEURONS = 300
LAGS, LAGS_MANY, LAGS_COARSE = 200, 100, 40


@dataclass(frozen=True)
class Look:
    """What is looked at.

    Parameters
    ----------
    spikes
        Key of the spikes.
    bins
        Length of the recording in bins.
    bin_s
        Width of a bin [s].
    known
        Key of the cell types that are known; nothing where none are.
    baseline
        Which of the baselines.
    """

    spikes: str
    bins: int
    bin_s: float
    known: str
    baseline: int

    @property
    def grid(self) -> Lags:
        """Lags and kernels that are looked at."""
        return lags(self.bin_s)

    @property
    def sigma(self) -> float | None:
        """Width of the baseline in bins."""
        return BASELINES[self.baseline]

    @property
    def whitened(self) -> tuple[bool, ...]:
        """Whether each view of this baseline weighs lags by the common input."""
        return (False, True) if self.sigma != BASELINES[-1] else (False,)

    def counts(self, shards: Shards) -> Correlograms:
        """Return the correlograms of all pairs, with as many lags as the views look at."""
        return shards.recall(f"correlograms {self.spikes} {self.bins} {self.bin_s}", lambda: self._counts(shards))

    def _counts(self, shards: Shards) -> Correlograms:
        held, box = shards.get(self.spikes), len(self.grid.box)
        spikes = Events(*(held[f"spikes_{part}"][...] for part in ("first", "step", "amplitude")))
        sides = LAGS_COARSE if box < LAGS_COARSE else LAGS if spikes.sources <= MANY_NEURONS else LAGS_MANY
        return Correlograms(spikes, self.bins, min(sides, max(self.bins, box + 1)))

    def reading(self, counts: Correlograms) -> Reading:
        """Return what is read off the correlograms."""
        return Reading.of(self.grid, self.sigma, counts.lags)


def keep_types(shards: Shards, known: NDArray[np.str_] | None) -> str:
    """Keep the cell types that are known for all tasks; return their key."""
    if known is None:
        return ""
    kind = {"type": (known == "E") + 2 * (known == "I")}
    shards.put(key := digest(kind), kind)
    return key


def prior_odds(neurons: int, known: NDArray[np.str_] | None) -> Array:
    """Return the log odds of E against I before anything is seen: four cells of five are E; known types are kept."""
    odds = np.full(neurons, np.log(PRIOR_EXCITATORY / (1 - PRIOR_EXCITATORY)))
    if known is not None:
        odds[known == "E"], odds[known == "I"] = np.inf, -np.inf
    return np.clip(odds, -1e6, 1e6)


def pairs_of(total: Array, first: int = 0, last: int | None = None) -> NDArray[np.bool_]:
    """Return the pairs of different neurons that fire, (pre, post), of all presynaptic neurons or a block of them."""
    fires, n = total > 0, len(total)
    pre = np.arange(n)[first:last]
    usable = fires[pre][:, None] & fires[None, :]
    usable[np.arange(len(pre)), pre] = False
    return np.asarray(usable, bool)


def surveyed(shards: Shards, look: Look, first: int, last: int) -> Arrays:
    """Tell how the regressors of a block of neurons overlap with all others."""
    counts = look.counts(shards)
    return survey(counts, look.reading(counts), first, last)


def inverted(shards: Shards, parts: Keys) -> Arrays:
    """Invert the overlap of all regressors."""
    shape = shards.get(parts[0])["gram"].shape
    gram, at = np.zeros((shape[2] * shape[1],) * 2), 0
    for key in parts:
        part = shards.get(key)["gram"][...]
        gram[at : at + part.shape[0] * shape[1]] = part.reshape(-1, len(gram))
        at += part.shape[0] * shape[1]
    return {"inverse": inverse(gram, shape[1])}


def left(shards: Shards, look: Look, parts: Keys, whole: str, first: int, last: int) -> Arrays:
    """Take the influence of all other neurons out of the correlograms of a block."""
    counts, held = look.counts(shards), _held(shards)
    if whole not in held:
        held.clear()  # one matrix at a time
        drive = np.concatenate([shards.get(key)["drive"][...] for key in parts])
        held[whole] = shards.get(whole)["inverse"][...], drive.reshape(-1, drive.shape[2])
    return remainder(counts, look.reading(counts), held[whole], first, last)


def _held(shards: Shards) -> dict[str, tuple[Array, Array]]:
    """Return the place of the matrices that this process uses again and again."""
    return shards.recall("matrices of the regressors", dict)


class Scores:
    """Scores of the views of one baseline, made from residual correlograms whenever they are asked for.

    Parameters
    ----------
    look
        What is looked at.
    residuals
        Residual correlograms of all pairs.
    common
        ``symmetric``, ``antisymmetric``: hidden common input; ``noise``: mean correlation of the noise.
    """

    def __init__(self, look: Look, residuals: Residuals, common: Arrays) -> None:
        self._residuals, self._noise = residuals, common["noise"][...]
        input_ = common["symmetric"][...], common["antisymmetric"][...]
        self._filters = [Filters.of(look.grid, *(whitened * each for each in input_)) for whitened in look.whitened]
        size = 4 * residuals.neurons**2 * look.grid.kernel.shape[1] * len(look.whitened)
        self._kept: dict[int, list[Floats]] | None = {} if size <= KEPT_BYTES else None

    def of(
        self, block: int, posts: slice = slice(None), chosen: NDArray[np.int64] | None = None
    ) -> Iterator[Floats]:
        """Give the scores of each presynaptic neuron of a block, (view, post, kernel).

        `posts` takes some postsynaptic neurons, `chosen` some pairs, as places in the flat matrix.
        """
        n, pres = self._residuals.neurons, range(*self._residuals.rows[block])
        picked: list[Any] = [slice(None)] * len(pres)
        if chosen is not None:
            ends = np.searchsorted(chosen, n * np.arange(pres.start, pres.stop + 1))
            picked = [chosen[a:b] - pre * n for pre, a, b in zip(pres, ends[:-1], ends[1:], strict=True)]
        if self._kept is None:
            yield from self._made(block, posts, picked)
            return
        if block not in self._kept:
            self._kept[block] = list(self._made(block, slice(None), [slice(None)] * len(pres)))
        for each, some in zip(self._kept[block], picked, strict=True):
            yield each[:, posts][:, some]

    def _made(self, block: int, posts: slice, picked: Sequence[Any]) -> Iterator[Floats]:
        residuals = self._residuals
        there, back = residuals.pairs(block, posts)
        noise, chance = residuals.of(block, "noise"), residuals.of(block, "chance")[:, posts]
        for k, some in enumerate(picked):
            both = np.concatenate([there[:, k][:, some], back[:, some, k]]).astype(float)
            around, likely = (noise[k], self._noise), chance[k, some].astype(float)
            yield np.stack([each.scores(both, around, likely) for each in self._filters]).astype(np.float32)


def null(shards: Shards, look: Look, parts: Keys) -> Arrays:
    """Tell what unconnected pairs look like: common input, noise, and location and spread of scores, (view, kernel)."""
    residuals, centred = _residuals(shards, parts), look.sigma is not None
    none = np.zeros((residuals.boxes, residuals.boxes))
    symmetric, antisymmetric = shared_input(residuals) if any(look.whitened) else (none, none)
    common = {"symmetric": symmetric, "antisymmetric": antisymmetric, "noise": residuals.joined("noise").mean(0)}
    scores, chosen = _scores(shards, look, parts, common), sampled(pairs_of(look.counts(shards).total))
    blocks = range(len(residuals.rows))
    some = np.concatenate([each for block in blocks for each in scores.of(block, chosen=chosen)], axis=1)
    nulls = [Null.of(each.astype(float), residuals.neurons, centred) for each in some]
    return {**common, **{name: np.stack([getattr(each, name) for each in nulls]) for name in NULL}}


def typical(shards: Shards, look: Look, parts: Keys, common: str, block: int) -> Arrays:
    """Tell how large the scores of the pairs of a block are, (view, pre, post)."""
    scores = _scores(shards, look, parts, shards.get(common))
    nulls = _nulls(shards.get(common))
    made = [[null.typical(view) for null, view in zip(nulls, each, strict=True)] for each in scores.of(block)]
    return {"typical": np.array(made, np.float32).swapaxes(0, 1).copy()}


def learned(shards: Shards, look: Look, parts: Keys, common: str, sizes: Keys) -> Arrays:
    """Learn the factors of neurons and the two groups of each view."""
    residuals, found = _residuals(shards, parts), []
    n, usable = residuals.neurons, pairs_of(look.counts(shards).total)
    scores, posts = _scores(shards, look, parts, shards.get(common)), posts_sampled(n)
    blocks = range(len(residuals.rows))
    some = np.stack([each for block in blocks for each in scores.of(block, posts)], axis=1)
    for view, null in enumerate(_nulls(shards.get(common))):
        wide = null.by_neuron(np.concatenate([shards.get(key)["typical"][view] for key in sizes]), usable)
        plain = np.stack([wide.standardised(some[view, pre], usable[pre, posts], pre, posts) for pre in range(n)])
        groups = groups_of(plain, usable[:, posts], prior_odds(n, _types(shards, look)))
        found.append({"row": wide.row, "column": wide.column, "share": groups.share, "weight": groups.weight})
    return {name: np.array([each[name] for each in found]) for name in found[0]}


def judged(shards: Shards, look: Look, parts: Keys, common: str, learnt: str, block: int) -> Arrays:
    """Judge every pair of a block in each view: the arrays of :class:`brainsim.posterior.View`, (view, ...)."""
    residuals, told = _residuals(shards, parts), shards.get(learnt)
    mine, total = residuals.rows[block], look.counts(shards).total
    usable, known = pairs_of(total, *mine), prior_odds(len(total), _types(shards, look))[slice(*mine)]
    raw = np.empty((len(usable), len(look.whitened), len(total), look.grid.kernel.shape[1]), np.float32)
    for k, each in enumerate(_scores(shards, look, parts, shards.get(common)).of(block)):
        raw[k] = each
    found = []
    for view, null in enumerate(_nulls({**shards.get(common), **{k: told[k] for k in ("row", "column")}})):
        plain = (null.standardised(raw[k, view], usable[k], pre) for k, pre in enumerate(range(*mine)))
        groups = Groups(float(told["share"][view]), told["weight"][view])
        found.append(groups.judged(plain, usable, look.grid.delay, known, null.spread))
    return {name: np.array([getattr(each, name) for each in found]) for name in found[0].__dataclass_fields__}


def _residuals(shards: Shards, parts: Keys) -> Residuals:
    _held(shards).clear()  # what follows does not need the regressors
    return Residuals([shards.get(key) for key in parts])


def _scores(shards: Shards, look: Look, parts: Keys, common: Arrays) -> Scores:
    return shards.recall(f"scores {parts[0]}", lambda: Scores(look, _residuals(shards, parts), common))


def _nulls(kept: Arrays) -> list[Null]:
    return [Null(*each) for each in zip(*(kept[name][...] for name in NULL), strict=True)]


def _types(shards: Shards, look: Look) -> NDArray[np.str_] | None:
    return np.array(["unknown", "E", "I"])[shards.get(look.known)["type"][...]] if look.known else None


@dataclass
class Looks:
    """All views of a recording, made by a pool, stage by stage.

    Parameters
    ----------
    pool
        Who makes them.
    looks
        One for each baseline.
    blocks
        The blocks of presynaptic neurons.
    progress
        Called after each task.
    """

    pool: Pool
    looks: Sequence[Look]
    blocks: Sequence[tuple[int, int]]
    progress: Progress = silent
    _begun: Started | None = None

    def begin(self) -> None:
        """Let idle workers begin with the first stage."""
        self._begun = self.pool.start(self._surveys)

    def views(self) -> Iterator[list[View]]:
        """Give what all views say, a block of presynaptic neurons after the other."""
        if self._begun is None:
            self.begin()
        assert self._begun is not None
        surveys = self._by_look(self.pool.finish(self._begun, self.progress, "correlograms"))
        wholes = self._run([Task(inverted, (parts,)) for parts in surveys], "regressors")
        lefts = self._stage("residuals", lambda k, block: Task(left, (self.looks[k], surveys[k], wholes[k], *block)))
        nulls = self._run([Task(null, (look, parts)) for look, parts in zip(self.looks, lefts, strict=True)], "null")
        commons = [(look, parts, common) for look, parts, common in zip(self.looks, lefts, nulls, strict=True)]
        at = self.blocks.index
        sizes = self._stage("scores", lambda k, block: Task(typical, (*commons[k], at(block))))
        groups = self._run([Task(learned, (*each, size)) for each, size in zip(commons, sizes, strict=True)], "groups")
        said = self._stage("pairs", lambda k, block: Task(judged, (*commons[k], groups[k], at(block))))
        for keys in zip(*said, strict=True):
            yield [view for key in keys for view in _views(self.pool.shards.get(key))]

    @property
    def _surveys(self) -> list[Task]:
        return [Task(surveyed, (look, *block)) for look in self.looks for block in self.blocks]

    def _run(self, tasks: list[Task], note: str) -> list[str]:
        return run(self.pool, tasks, self.progress, f"correlograms: {note}")

    def _stage(self, note: str, task: Callable[[int, tuple[int, int]], Task]) -> list[Keys]:
        tasks = [task(k, block) for k in range(len(self.looks)) for block in self.blocks]
        return self._by_look(self._run(tasks, note))

    def _by_look(self, keys: list[str]) -> list[Keys]:
        size = len(self.blocks)
        return [tuple(keys[a : a + size]) for a in range(0, len(keys), size)]


def _views(kept: Arrays) -> list[View]:
    held = {name: values[...] for name, values in kept.items()}
    return [View(**{name: values[k] for name, values in held.items()}) for k in range(len(held["share"]))]
