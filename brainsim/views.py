"""All views of a recording, made by a pool: the stages of :mod:`brainsim.view_task`, one after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from brainsim.cluster import Pool, Started, Task, run
from brainsim.look import Look
from brainsim.posterior import View
from brainsim.progress import Progress, silent
from brainsim.shard_store import Arrays
from brainsim.view_task import Keys, judged, learned, left, null, solved, surveyed, typical


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
        surveys = tuple(self.pool.finish(self._begun, self.progress, "correlograms"))
        wholes = self._run([Task(solved, (surveys, k)) for k in range(len(self.looks))], "regressors")
        lefts = self._stage("residuals", lambda k, block: Task(left, (self.looks[k], wholes[k], *block)))
        self.pool.shards.spare([*wholes, *surveys])
        nulls = self._run([Task(null, (look, parts)) for look, parts in zip(self.looks, lefts, strict=True)], "null")
        commons = [(look, parts, common) for look, parts, common in zip(self.looks, lefts, nulls, strict=True)]
        at = self.blocks.index
        sizes = self._stage("scores", lambda k, block: Task(typical, (*commons[k], at(block))))
        groups = self._run([Task(learned, (*each, size)) for each, size in zip(commons, sizes, strict=True)], "groups")
        said = self._stage("pairs", lambda k, block: Task(judged, (*commons[k], groups[k], at(block))))
        self.pool.shards.spare([*nulls, *groups, *(key for parts in (*lefts, *sizes) for key in parts)])
        for keys in zip(*said, strict=True):
            yield [view for key in keys for view in _views(self.pool.shards.get(key))]

    @property
    def _surveys(self) -> list[Task]:
        return [Task(surveyed, (tuple(self.looks), *block)) for block in self.blocks]

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
