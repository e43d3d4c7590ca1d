"""The tasks that tell what correlograms say: blocks of presynaptic neurons, stage by stage.

For each baseline (but `surveyed` for all), with * for one task per block of neurons:

    surveyed*   overlap of the regressors of a block with those of all neurons
    solved      Cholesky's factor of all of it, and what follows for every neuron
    left*       residual correlograms of a block
    null        hidden common input; location and spread of the scores of unconnected pairs, from a sample
    typical*    size of the scores of each pair
    grouped     factor of each neuron, the two groups and the null again, from a sample of pairs
    judged*     every pair of a block

What is larger than a block is the matrix of the regressors and one number per pair. Correlograms are counted again
wherever they are needed, and scores are made again from residuals: both take less time than place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainsim.confound import Filters, shared_input
from brainsim.correlogram import Correlograms
from brainsim.look import Look, pairs_of, prior_odds
from brainsim.null import Null, sampled
from brainsim.posterior import Groups, View, learned, posts_sampled
from brainsim.residual import Residuals, remainder, solve, survey
from brainsim.shard_store import Arrays, Shards
from brainsim.strength import Levels, levels, visible

Array = NDArray[np.float64]
Floats = NDArray[Any]  # of 32 bits
Keys = tuple[str, ...]
KEPT_BYTES = 2**26  # of the scores of a baseline; more are made again
NULL = ("middle", "spread", "row", "column")
LEARNED = ("kernel", "strength", "peak", "height", "share", "shared", "any")


def surveyed(shards: Shards, looks: tuple[Look, ...], first: int, last: int) -> Arrays:
    """Tell how the regressors of a block of neurons overlap with all others, for all baselines."""
    counts = looks[0].counts(shards)
    found = survey(counts, [look.reading(counts) for look in looks], first, last)
    return {f"{name}{k}": values for k, each in enumerate(found) for name, values in each.items()}


def solved(shards: Shards, parts: Keys, baseline: int) -> Arrays:
    """Solve for the influence of all regressors on every neuron."""
    _, model, n, _ = shards.get(parts[0])[f"gram{baseline}"].shape
    gram, drive, at = np.zeros((n * model,) * 2), np.zeros((n * model, n), order="F"), 0
    for key in parts:
        part = shards.get(key)
        rows = slice(at, at + part[f"gram{baseline}"].shape[0] * model)
        gram[rows] = part[f"gram{baseline}"][...].reshape(-1, n * model)
        drive[rows] = part[f"drive{baseline}"][...].reshape(-1, n)
        at = rows.stop
    return solve(gram, drive, model)


def left(shards: Shards, look: Look, whole: str, first: int, last: int) -> Arrays:
    """Take the influence of all other neurons out of the correlograms of a block."""
    counts, held = look.counts(shards), _held(shards)
    if whole not in held:
        held.clear()  # one matrix at a time
        root, weight, added = (shards.get(whole)[name][...] for name in ("root", "weight", "added"))
        held[whole] = root, weight, added
    return remainder(counts, look.reading(counts), held[whole], first, last)


def _held(shards: Shards) -> dict[str, tuple[Floats, Floats, Array]]:
    """Return the place of the matrices that this process uses again and again."""
    return shards.recall("matrices of the regressors", dict)


class Scores:
    """Scores of all pairs with one baseline, made from residual correlograms whenever they are asked for.

    Parameters
    ----------
    look
        What is looked at.
    residuals
        Residual correlograms of all pairs.
    common
        ``symmetric``, ``antisymmetric``: hidden common input; ``noise``: mean correlation of the noise; ``inflation``:
        how much wider than counting noise the scores of each kernel are.
    """

    def __init__(self, look: Look, counts: Correlograms, residuals: Residuals, common: Arrays) -> None:
        self._residuals, self._noise = residuals, common["noise"][...]
        self._filters = Filters.of(look.reading(counts), common)
        size = 4 * residuals.neurons**2 * sum(look.grid.kinds)
        self._kept: dict[int, list[Floats]] | None = {} if size <= KEPT_BYTES else None

    def overlap(self) -> Array:
        """Return how the scores of kernels correlate without a synapse, (kernel, kernel)."""
        return self._filters.overlap(self._noise)

    def middle(self, chosen: NDArray[np.int64]) -> Array:
        """Return where few counts have the middle of their scores, for some pairs, (kernel,)."""
        chance = self._residuals.joined("chance").ravel()[chosen].astype(float)
        return self._filters.middle(self._noise, chance)

    def of(self, block: int, posts: slice = slice(None), chosen: NDArray[np.int64] | None = None) -> Iterator[Floats]:
        """Give the scores of each presynaptic neuron of a block, (post, kernel).

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
            yield each[posts][some]

    def _made(self, block: int, posts: slice, picked: Sequence[Any]) -> Iterator[Floats]:
        residuals = self._residuals
        there, back = residuals.pairs(block, posts)
        noise, chance = residuals.of(block, "noise"), residuals.of(block, "chance")[:, posts]
        for k, some in enumerate(picked):
            both = np.concatenate([there[:, k][:, some], back[:, some, k]]).astype(float)
            around, likely = (noise[k], self._noise), chance[k, some].astype(float)
            yield self._filters.scores(both, around, likely).astype(np.float32)


def null(shards: Shards, look: Look, parts: Keys) -> Arrays:
    """Tell what unconnected pairs look like: common input, noise, and location and spread of scores, (kernel,).

    The spread is told twice: by the first time, how much of it is not that of counts and so is not skewed.
    """
    residuals, counts, kernels = _residuals(shards, parts), look.counts(shards), sum(look.grid.kinds)
    noise, chosen = residuals.joined("noise").mean(0), sampled(pairs_of(counts.total))
    common = {"noise": noise, "inflation": np.ones(kernels), **shared_input(residuals, look.grid.apart)}

    def learnt(scores: Scores) -> Null:
        blocks = range(len(residuals.rows))
        some = np.concatenate([each for block in blocks for each in scores.of(block, chosen=chosen)])
        return Null.of(some.astype(float), residuals.neurons, scores.middle(chosen) if look.sigma else None)

    common["inflation"] = np.maximum(learnt(Scores(look, counts, residuals, common)).spread, 1.0)
    scores = _scores(shards, look, parts, common)
    unlike = learnt(scores)
    return {**common, **{name: getattr(unlike, name) for name in NULL}, "overlap": scores.overlap()}


def typical(shards: Shards, look: Look, parts: Keys, common: str, block: int) -> Arrays:
    """Tell how large the scores of the pairs of a block are, (pre, post)."""
    scores = _scores(shards, look, parts, shards.get(common))
    unlike, kernels = _null(shards.get(common)), look.grid.kinds[0]
    return {"typical": np.array([unlike.typical(each, kernels) for each in scores.of(block)], np.float32)}


def grouped(shards: Shards, look: Look, parts: Keys, common: str, sizes: Keys) -> Arrays:
    """Learn the factors of neurons and the two groups."""
    residuals, seen = _residuals(shards, parts), shards.get(common)
    n, usable = residuals.neurons, pairs_of(look.counts(shards).total)
    scores, posts = _scores(shards, look, parts, seen), posts_sampled(n)
    wide = _null(seen).by_neuron(np.concatenate([shards.get(key)["typical"] for key in sizes]), usable)
    some = np.stack([each for block in range(len(residuals.rows)) for each in scores.of(block, posts)])
    known = prior_odds(n, _types(shards, look))
    unlike, groups = learned(some, wide, usable, posts, known, look.grid, seen["overlap"][...], _levels(look, shards))
    kept = {name: np.asarray(getattr(groups, name)) for name in LEARNED}
    return {**{name: getattr(unlike, name) for name in NULL}, **kept}


def judged(shards: Shards, look: Look, parts: Keys, common: str, learnt: str, block: int) -> Arrays:
    """Judge every pair of a block: the arrays of :class:`brainsim.posterior.View`."""
    residuals, told, seen = _residuals(shards, parts), shards.get(learnt), shards.get(common)
    first, last = residuals.rows[block]
    usable = pairs_of(look.counts(shards).total, first, last)
    known = prior_odds(residuals.neurons, _types(shards, look))[first:last]
    unlike, grid = _null(told), look.grid
    groups = replace(Groups.begun(grid, seen["overlap"][...]), **{name: plain(told[name]) for name in LEARNED})
    scores = enumerate(_scores(shards, look, parts, seen).of(block))
    standard = (unlike.standardised(each, usable[k], first + k) for k, each in scores)
    found = groups.judged(standard, usable, grid.delay, known, unlike.spread, _levels(look, shards, first, last))
    return {name: np.asarray(getattr(found, name)) for name in View.__dataclass_fields__}


def plain(kept: Floats) -> Any:
    """Return what was kept as an array, or as a number where it is one."""
    value = kept[...]
    return value if np.ndim(value) else float(value)


def _residuals(shards: Shards, parts: Keys) -> Residuals:
    _held(shards).clear()  # what follows does not need the regressors
    return Residuals([shards.get(key) for key in parts])


def _scores(shards: Shards, look: Look, parts: Keys, common: Arrays) -> Scores:
    def made() -> Scores:
        return Scores(look, look.counts(shards), _residuals(shards, parts), common)

    return shards.recall(f"scores {parts[0]}", made)


def _null(kept: Arrays) -> Null:
    return Null(*(kept[name][...] for name in NULL))


def _levels(look: Look, shards: Shards, first: int = 0, last: int | None = None) -> Levels | None:
    """Return the levels of the pairs of a block, (pre, post).

    None in frames: inferred spikes are in units of their own, and what limits a score there is not how many there are.
    """
    if not look.grid.kinds[1]:
        return None
    each = visible(look.counts(shards).total)
    return levels(each[first:last], each)


def _types(shards: Shards, look: Look) -> NDArray[np.str_] | None:
    return np.array(["unknown", "E", "I"])[shards.get(look.known)["type"][...]] if look.known else None
