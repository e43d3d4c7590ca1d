"""One method on one recording, in a process of its own: what it says, how long it takes, how much memory it needs."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Protocol

import numpy as np
import xarray as xr

from brainsim.error import BrainsimError
from brainsim.footprint import Footprint
from brainsim.peer import Floats, Inferred

ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


class Method(Protocol):
    """Ours or a :class:`brainsim.peer.Peer`."""

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules imported before it is measured."""
        ...

    def infer(self, dataset: xr.Dataset, bin_s: float) -> Inferred:
        """Say of every pair whether it is connected."""
        ...


@dataclass(frozen=True)
class Ours:
    """The rule ``ml`` of :class:`~brainsim.network.SpikingNetwork`, untuned; workers change its time only."""

    seed: int = 0
    workers: int = 1
    scheduler: str = ""
    modules: tuple[str, ...] = ("brainsim.network",)

    def infer(self, dataset: xr.Dataset, bin_s: float) -> Inferred:
        """Fit and rank the pairs by :func:`edge_order`; those from the fit's own cut on are called."""
        from brainsim.gradient import Settings
        from brainsim.network import SpikingNetwork

        settings = Settings(bin_s=bin_s, check=False, workers=self.workers, scheduler=self.scheduler)
        fit = SpikingNetwork(settings=settings, seed=self.seed).fit(dataset).fit_
        assert fit is not None
        probability, z = fit["edge_probability"].values, fit["z"].values
        return Inferred(
            edge_order(probability, z),
            np.sign(fit["z"].values),
            probability >= fit.attrs["edge_cut"],
            fit["cell_type"].values.astype(str),
            probability,
        )


def edge_order(probability: Floats, z: Floats) -> Floats:
    """Return the rank of each pair by edge probability, among equals by the size of z; (pre, post), 0 is the last.

    Parameters
    ----------
    probability, z
        Edge probability and score of a fit, (pre, post).
    """
    keys = np.stack([probability.ravel(), np.abs(np.nan_to_num(z)).ravel()], axis=1)
    rank: Floats = np.unique(keys, axis=0, return_inverse=True)[1].reshape(z.shape).astype(float)
    return rank


@dataclass(frozen=True)
class Outcome:
    """What came of a method: what it inferred, or why there is nothing; seconds and peak memory [MiB] of inferring."""

    inferred: Inferred | None
    why: str = ""
    seconds: float | None = None
    peak_mib: float | None = None


def run(method: Method, dataset: xr.Dataset, bin_s: float, limit_s: float) -> Outcome:
    """Run a method in a process of its own, on one thread; nothing that happens there stops the caller.

    Parameters
    ----------
    method
        What to run; it is sent to the process.
    dataset
        A recording with one kind of spikes and without the truth.
    bin_s
        Width of a bin for spike times [s].
    limit_s
        The process is ended after so long [s].
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(there, method, dataset.load(), bin_s), daemon=False)
    with environment(ONE_THREAD):
        process.start()
    there.close()
    try:
        if not here.poll(limit_s):
            return Outcome(None, f"it was stopped after {limit_s:g} s")
        outcome: Outcome = here.recv()
        return outcome
    except EOFError:
        process.join()
        return Outcome(None, f"its process died (exit code {process.exitcode}; -9 is out of memory)")
    finally:
        if process.is_alive() and not here.closed:
            process.join(5)
        if process.is_alive():
            process.kill()
        process.join()


def _work(there: Connection, method: Method, dataset: xr.Dataset, bin_s: float) -> None:
    """Import what the method needs, then measure it; send an :class:`Outcome`."""
    for module in method.modules:
        if find_spec(module.split(".")[0]) is not None:
            import_module(module)
    try:
        with Footprint() as cost:
            inferred = method.infer(dataset, bin_s)
        there.send(Outcome(inferred, "", cost.seconds, cost.peak_mib))
    except BrainsimError as error:
        there.send(Outcome(None, " ".join(str(error).split())))
    except Exception as error:
        first = (str(error).strip() or "no message").splitlines()[0]
        there.send(Outcome(None, f"{type(error).__name__}: {first}"))


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the length of a with-block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
