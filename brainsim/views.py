"""All views of a recording, made by a pool: the stages of :mod:`brainsim.view_task`, one after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from brainsim.cluster import Pool, Started, Task
from brainsim.look import Look
from brainsim.posterior import View
from brainsim.progress import Progress, silent
from brainsim.shard_store import Arrays
from brainsim.view_task import Keys, grouped, judged, left, null, plain, solved, surveyed, typical

# what nothing waits for once a stage is there: of all looks, or of the same one
LET_GO = {"null": ("survey", "regressors"), "pairs": ("residuals", "null", "scores", "groups")}
EVERY = -1


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
    _begun: list[tuple[str, int, Started]] = field(default_factory=list)

    def begin(self) -> None:
        """Let idle workers begin: each stage follows the one before as soon as that is there.

        The large matrices come first, for all looks; from the residuals on no look waits for another.
        """
        looks = range(len(self.looks))
        surveys = self._start("survey", [Task(surveyed, (tuple(self.looks), *block)) for block in self.blocks])
        wholes = self._start("regressors", [Task(solved, (surveys, k)) for k in looks])
        lefts = [self._start("residuals", self._each(left, (self.looks[k], wholes[k])), k) for k in looks]
        for k, residuals in enumerate(lefts):
            (common,) = self._start("null", [Task(null, (self.looks[k], residuals))], k)
            seen, blocks = (self.looks[k], residuals, common), range(len(self.blocks))
            sizes = self._start("scores", [Task(typical, (*seen, block)) for block in blocks], k)
            (groups,) = self._start("groups", [Task(grouped, (*seen, sizes))], k)
            self._start("pairs", [Task(judged, (*seen, groups, block)) for block in blocks], k)

    def views(self) -> Iterator[list[View]]:
        """Give what all views say, a block of presynaptic neurons after the other."""
        if not self._begun:
            self.begin()
        for name, look, started in self._begun:
            self.pool.finish(started, self.progress, f"correlograms: {name}")
            for earlier, of, done in self._begun:
                if earlier in LET_GO.get(name, ()) and of in (look, EVERY):
                    self.pool.shards.spare(done.keys)
        for keys in zip(*(started.keys for name, _, started in self._begun if name == "pairs"), strict=True):
            yield [_view(self.pool.shards.get(key)) for key in keys]

    def _each(self, make: Callable[..., Arrays], what: tuple[Look, str]) -> list[Task]:
        return [Task(make, (*what, *block)) for block in self.blocks]

    def _start(self, name: str, tasks: list[Task], look: int = EVERY) -> Keys:
        """Begin with a stage after the last one that is not there yet; return the keys of its shards."""
        earlier = (each for _, of, each in reversed(self._begun) if of in (look, EVERY))
        started = self.pool.start(tasks, after=next((each for each in earlier if each.futures), None))
        self._begun.append((name, look, started))
        return tuple(started.keys)


def _view(kept: Arrays) -> View:
    held: dict[str, Any] = {name: plain(values) for name, values in kept.items()}
    return View(**held)
