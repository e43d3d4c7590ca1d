"""All views of a recording, made by a pool: the stages of :mod:`brainsim.view_task`, one after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from brainsim.cluster import Pool, Started, Task
from brainsim.look import Look
from brainsim.posterior import View
from brainsim.progress import Progress, silent
from brainsim.shard_store import Arrays
from brainsim.view_task import Keys, judged, learned, left, null, solved, surveyed, typical

# what nothing waits for once a stage is there
LET_GO = {"residuals": ("survey", "regressors"), "pairs": ("residuals", "null", "scores", "groups")}


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
    _begun: list[tuple[str, Started]] = field(default_factory=list)

    def begin(self) -> None:
        """Let idle workers begin: each stage follows the one before as soon as that is there."""
        looks, at = range(len(self.looks)), self.blocks.index
        surveys = self._start("survey", [Task(surveyed, (tuple(self.looks), *block)) for block in self.blocks])
        wholes = self._start("regressors", [Task(solved, (tuple(surveys), k)) for k in looks])
        lefts = self._stage("residuals", lambda k, block: Task(left, (self.looks[k], wholes[k], *block)))
        nulls = self._start("null", [Task(null, (self.looks[k], lefts[k])) for k in looks])
        commons = list(zip(self.looks, lefts, nulls, strict=True))
        sizes = self._stage("scores", lambda k, block: Task(typical, (*commons[k], at(block))))
        groups = self._start("groups", [Task(learned, (*commons[k], sizes[k])) for k in looks])
        self._stage("pairs", lambda k, block: Task(judged, (*commons[k], groups[k], at(block))))

    def views(self) -> Iterator[list[View]]:
        """Give what all views say, a block of presynaptic neurons after the other."""
        if not self._begun:
            self.begin()
        made: dict[str, list[str]] = {}
        for name, started in self._begun:
            made[name] = self.pool.finish(started, self.progress, f"correlograms: {name}")
            self.pool.shards.spare(key for each in LET_GO.get(name, ()) for key in made[each])
        for keys in zip(*self._by_look(made["pairs"]), strict=True):
            yield [view for key in keys for view in _views(self.pool.shards.get(key))]

    def _start(self, name: str, tasks: list[Task]) -> list[str]:
        """Begin with a stage after the last one that is not there yet; return the keys of its shards."""
        before = next((each for _, each in reversed(self._begun) if each.futures), None)
        started = self.pool.start(tasks, after=before)
        self._begun.append((name, started))
        return started.keys

    def _stage(self, name: str, task: Callable[[int, tuple[int, int]], Task]) -> list[Keys]:
        tasks = [task(k, block) for k in range(len(self.looks)) for block in self.blocks]
        return self._by_look(self._start(name, tasks))

    def _by_look(self, keys: list[str]) -> list[Keys]:
        size = len(self.blocks)
        return [tuple(keys[a : a + size]) for a in range(0, len(keys), size)]


def _views(kept: Arrays) -> list[View]:
    held = {name: values[...] for name, values in kept.items()}
    return [View(**{name: values[k] for name, values in held.items()}) for k in range(len(held["share"]))]
