"""Where the shards of long work are made: in this process, in local processes, or by the workers of a Dask cluster.

Work is a list of tasks. A task is a function of a module and small arguments; its shard depends on nothing else, so it
may be made anywhere, and made again. Data and results lie in a store (:mod:`brainsim.shard_store`) that every worker
sees; through the scheduler pass names only. One process does all of it without Dask.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from brainsim.error import BrainsimError, FitError, InputError, ToolError
from brainsim.progress import Pace, Progress, silent
from brainsim.shard_store import Arrays, InMemory, OnDisk, Shards, begin

PATIENCE_S = 30.0
LOOK_S = 5.0
# Dask lets malloc give every freed array back at once; what is allocated again is then cleared by the kernel
MALLOC = {"MALLOC_TRIM_THRESHOLD_": str(2**26), "MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_ARENA_MAX": "1"}
DASK = ("distributed", "asyncio", "concurrent", "tornado")  # whose errors are those of the connection
RESUME = "start it again and go on with --resume"


@dataclass(frozen=True)
class Task:
    """One shard of work.

    Parameters
    ----------
    make
        A function of a module: ``make(shards, *what)`` returns the arrays of the shard.
    what
        Its arguments: numbers, names, keys of other shards. Their text is the key of this one.
    """

    make: Callable[..., Arrays]
    what: tuple[Any, ...]

    @cached_property
    def key(self) -> str:
        """Name of the shard: what made it, from what, by which brainsim."""
        text = f"{self.make.__module__}.{self.make.__qualname__} {self.what!r} {source_digest()}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class Pool(Protocol):
    """Makes shards."""

    @property
    def shards(self) -> Shards:
        """Where the shards are kept."""
        ...

    def start(self, tasks: Sequence[Task], priority: int = 0, after: "Started | None" = None) -> "Started":
        """Begin with tasks where others can do them, each `after` the shards that it reads; nothing is waited for."""
        ...

    def finish(self, started: "Started", progress: Progress = silent, note: str = "") -> list[str]:
        """Wait for the shards and return their keys, in order."""
        ...


@dataclass
class Started:
    """Tasks that were begun, and what waits for each of them."""

    tasks: Sequence[Task]
    futures: list[Any]

    @property
    def keys(self) -> list[str]:
        """Keys of their shards."""
        return [task.key for task in self.tasks]


def run(pool: Pool, tasks: Sequence[Task], progress: Progress = silent, note: str = "", priority: int = 1) -> list[str]:
    """Make the shards of some tasks; return their keys, in order."""
    return pool.finish(pool.start(tasks, priority), progress, note)


class Here:
    """Makes shards in this process, one after the other."""

    def __init__(self, shards: Shards) -> None:
        self.shards = shards

    def start(self, tasks: Sequence[Task], priority: int = 0, after: Started | None = None) -> Started:
        """Note the tasks; :meth:`finish` does them."""
        return Started(tasks, [])

    def finish(self, started: Started, progress: Progress = silent, note: str = "") -> list[str]:
        """Make the shards that are missing."""
        pace = Pace(progress, len(started.tasks), note, sum(key in self.shards for key in started.keys))
        for task in started.tasks:
            if task.key not in self.shards:
                perform(self.shards, task, source_digest())
                pace.step()
        return started.keys


class Dask:
    """The workers of a Dask cluster.

    Parameters
    ----------
    client
        A connected ``distributed.Client``.
    shards
        A store that every worker sees.
    """

    def __init__(self, client: Any, shards: OnDisk) -> None:
        self._client, self.shards = client, shards

    def start(self, tasks: Sequence[Task], priority: int = 0, after: Started | None = None) -> Started:
        """Give the tasks whose shards are missing to the scheduler, which lets them wait for those before."""
        missing, waits_for = [task for task in tasks if task.key not in self.shards], after.futures if after else []
        with self._connected():
            futures = [
                self._client.submit(perform, self.shards, each, source_digest(), waits_for, **self._how(each, priority))
                for each in missing
            ]
        return Started(tasks, futures)

    def _how(self, task: Task, priority: int) -> dict[str, Any]:
        """Return name and priority of a task for the scheduler; the same shard in another store is another task."""
        place = hashlib.sha256(self.shards.folder.encode()).hexdigest()[:8]
        return {"key": f"{task.make.__name__}-{task.key}-{place}", "priority": priority}

    def finish(self, started: Started, progress: Progress = silent, note: str = "") -> list[str]:
        """Wait for the shards; on a failure the tasks that were not begun are taken back.

        Raises
        ------
        FitError
            If the scheduler is gone, or a shard ended three workers.
        """
        pace = Pace(progress, len(started.tasks), note, len(started.tasks) - len(started.futures))
        waiting = set(started.futures)
        try:
            with self._connected():
                while waiting:
                    for future in self._done(waiting):
                        waiting.discard(future)
                        future.result()
                        pace.step()
        finally:
            if waiting:
                _quietly(lambda: self._client.cancel(list(waiting)))
        return started.keys

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Say in one sentence that the scheduler or all that worked on a shard are gone."""
        from distributed import KilledWorker

        try:
            yield
        except (BrainsimError, KeyboardInterrupt):
            raise
        except KilledWorker as error:
            raise FitError(
                "a shard ended several workers one after the other (their memory may be too small)",
                remedy="use fewer --workers or machines with more memory, and go on with --resume",
            ) from error
        except Exception as error:
            if self._client.status == "running" and type(error).__module__.split(".")[0] not in DASK:
                raise
            raise FitError(f"the scheduler is gone ({type(error).__name__})", remedy=RESUME) from error

    def _done(self, waiting: set[Any]) -> set[Any]:
        """Return what is done of what is waited for; ask for workers where nothing happens."""
        from distributed import wait

        alone = 0.0
        while True:
            try:
                with self._client.as_current():
                    return set(wait(waiting, timeout=LOOK_S, return_when="FIRST_COMPLETED").done)  # pyright: ignore[reportAttributeAccessIssue]
            except TimeoutError:
                if self._client.status != "running":
                    raise
                alone = 0.0 if self._client.scheduler_info()["workers"] else alone + LOOK_S
            if alone > PATIENCE_S:
                raise FitError(
                    "the scheduler has no worker",
                    remedy=f"start some (dask worker ADDRESS --nthreads 1), then {RESUME}",
                )


def perform(shards: Shards, task: Task, made_by: str, _after: Sequence[None] = ()) -> None:
    """Make a shard unless it is there: what a worker does, after what it waits for.

    Raises
    ------
    ToolError
        If this worker has another brainsim, or does not see the store.
    """
    from threadpoolctl import threadpool_limits

    if made_by != source_digest():
        raise ToolError(
            "a worker has another version of brainsim, NumPy, SciPy or Brian2 than the command",
            where=_host(),
            remedy="install the same everywhere",
        )
    if isinstance(shards, OnDisk) and not Path(shards.folder).is_dir():
        raise ToolError(
            "a worker does not see the folder of the shards",
            where=f"{_host()}, {shards.folder}",
            remedy="write the result to a folder that all machines share",
        )
    if task.key not in shards:
        with threadpool_limits(1):
            shards.put(task.key, task.make(shards, *task.what))


@contextmanager
def opened(workers: int = 1, scheduler: str = "", folder: Path | None = None) -> Iterator[Pool]:
    """Give a pool of workers.

    Parameters
    ----------
    workers
        Local processes; 1 is this process.
    scheduler
        Address of a Dask scheduler whose workers are used instead, ``tcp://HOST:PORT``.
    folder
        A store that was begun (:func:`brainsim.shard_store.begin`); None keeps shards in memory, or, for other
        processes on this machine, in a temporary folder.

    Raises
    ------
    InputError
        If no scheduler answers.
    """
    if workers == 1 and not scheduler:
        yield Here(OnDisk(str(folder.resolve())) if folder else InMemory())
        return
    with tempfile.TemporaryDirectory(prefix="brainsim-shards-", ignore_cleanup_errors=True) as name:
        shards = OnDisk(str(folder.resolve())) if folder else begin(Path(name), {"kept": "for one run"})
        yield Dask(_client(scheduler) if scheduler else _local(workers).result(), shards)


def hasten(workers: int, scheduler: str = "") -> None:
    """Let local processes start while this one imports and reads what it needs; :func:`opened` takes them up."""
    if workers > 1 and not scheduler:
        _local(workers)


_HOMES: list[tempfile.TemporaryDirectory[str]] = []


@cache
def _local(workers: int) -> "Future[Any]":
    """Start local processes, one thread each, in a thread; they serve until this process ends."""
    import distributed  # noqa: F401 - not in the thread, while this one imports the same

    return ThreadPoolExecutor(1).submit(_client_of, workers)


def _client_of(workers: int) -> Any:
    """Start local processes and connect to them."""
    import dask.config
    from distributed import Client, LocalCluster

    dask.config.set({f"distributed.nanny.pre-spawn-environ.{name}": value for name, value in MALLOC.items()})
    home = tempfile.TemporaryDirectory(prefix="brainsim-workers-", ignore_cleanup_errors=True)
    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address=None,
        memory_limit=None,
        local_directory=home.name,
        silence_logs=50,
        scheduler_kwargs={"dashboard": False},
    )
    _HOMES.append(home)  # goes when this process ends
    return Client(cluster, set_as_default=False)  # xarray would write through the default one


@cache
def _client(scheduler: str) -> Any:
    """Connect to a running scheduler."""
    from distributed import Client

    try:
        return Client(scheduler, timeout=PATIENCE_S / 3, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(
            f"no scheduler answers at {scheduler}",
            where="option --scheduler",
            remedy="start one (dask scheduler) and give the address that it prints, tcp://HOST:PORT",
        ) from error


def _quietly(work: Callable[[], object]) -> None:
    from contextlib import suppress

    with suppress(Exception):
        work()


def _host() -> str:
    import socket

    return f"worker on {socket.gethostname()}"


@cache
def source_digest() -> str:
    """Return a digest of all that a shard depends on beside its arguments: brainsim's source, NumPy, SciPy, Brian2."""
    home, total = Path(__file__).parent, hashlib.sha256()
    for path in sorted(home.rglob("*")):
        if path.suffix in (".py", ".cpp", ".h"):
            total.update(f"{path.relative_to(home)} ".encode() + path.read_bytes())
    total.update(" ".join(version(name) for name in ("numpy", "scipy", "brian2", "oasis-deconv")).encode())
    return total.hexdigest()[:32]
