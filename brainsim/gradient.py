"""The rule ``ml`` from a recording to a fit: choose the prior, fit every shard, say what is an edge."""

import os
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit
from threadpoolctl import threadpool_limits

from brainsim.cluster import Here, Pool, Task, opened, run
from brainsim.connectivity import Connectivity, concluded, looks, refined, total_of
from brainsim.covariate import Covariates, covariates
from brainsim.edge import named_types
from brainsim.encoding import Encoded, encode, problem
from brainsim.error import FitError
from brainsim.fit_task import Part, compiled, keep_problem, metric, solve, summed, totals_of
from brainsim.folds import blocked_folds
from brainsim.kernel import COARSE_BIN_S
from brainsim.likelihood import SHARD
from brainsim.look import bytes_to_look
from brainsim.posterior import PRIOR_EXCITATORY
from brainsim.progress import Progress, silent
from brainsim.rule.ml import Ml
from brainsim.shard_store import InMemory, Shards, digest
from brainsim.sufficient import Problem, Totals
from brainsim.trial import trial_frames
from brainsim.views import Looks

RIDGES = (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)
LONGEST_RESPONSE_S = 10.0
MOST_PASSES = 20
SIGNED_PASSES = 8
HELD_PASSES = 10
TOLERANCE = 0.01  # nats per neuron
HELD_TOLERANCE = 0.5  # ... where the fit only tells the held-out log likelihood and where to begin
BEGINNING = 600_000, 1_800_000  # bins of a long recording: the prior is chosen on its beginning,
ENOUGH_SPIKES, ENOUGH_PER_PAIR = 100_000, 10  # until so many spikes were fired
INFLATED, EVEN = 1.5, 0.5
PER_SPIKE, PER_SPIKE_HELD = 150, 60  # bytes: while they are encoded, and later
PER_PAIR, PER_PAIR_HELD = 150, 700  # bytes: of the command, which makes the file in memory; of shards in memory
PER_METRIC, PER_SYNAPSE = 40, 40  # bytes; numbers of 8 bytes
PROCESS = 300 * 2**20

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """How to fit.

    Parameters
    ----------
    source
        ``"auto"``, ``"spikes"`` or ``"events"``: see :func:`brainsim.encoding.encode`.
    bin_s
        Width of a bin for spike times [s].
    ridge
        Precision of the Gaussian prior of a weight; None chooses it by held-out log likelihood in blocks of time.
    workers
        Local processes that share the work.
    target
        ``"cpp"`` or ``"numpy"``.
    dale
        Fit again with the inferred sign of every presynaptic neuron; the fit tells what that does to the likelihood.
    known_types
        Take the cell types of the recording as known; else they are inferred and not looked at.
    check
        Whether :meth:`brainsim.network.SpikingNetwork.fit` lets the fitted network run freely and says in the fit
        whether it can be trusted.
    scheduler
        Address of a Dask scheduler whose workers share the work instead; they see the folder of the shards.
    shards
        A store that was begun (:func:`brainsim.shard_store.begin`), in which the shards stay; None keeps none.
    """

    source: str = "auto"
    bin_s: float = 0.001
    ridge: float | None = None
    workers: int = 1
    target: str = "cpp"
    dale: bool = False
    known_types: bool = False
    check: bool = True
    scheduler: str = ""
    shards: Path | None = None

    def pool(self) -> AbstractContextManager[Pool]:
        """Return who works: see :func:`brainsim.cluster.opened`; Brian2's NumPy target runs in this process only."""
        return opened(self.workers if self.target == "cpp" else 1, self.scheduler, self.shards)


@dataclass(frozen=True)
class Fitted:
    """What the passes gave, all shards together: see :func:`brainsim.fit_task.solve`."""

    shards: Shards
    keys: list[str]
    ridge: float

    def joined(self, name: str) -> Array:
        """Return one array of every neuron."""
        return np.concatenate([self.shards.get(key)[name][...] for key in self.keys], axis=-1)

    @property
    def passes(self) -> int:
        """Most passes that a shard needed."""
        return max(int(self.shards.get(key)["passes"][()]) for key in self.keys)


class Fit:
    """One fit of the rule ``ml``: holds the problem, gives its tasks to the workers.

    Parameters
    ----------
    dataset
        A recording with ``spikes`` or ``spike_time``.
    rule
        Time constant and delay.
    settings
        How to fit.
    progress
        Called after each shard.
    pool
        Who makes the shards; by default this process.
    """

    def __init__(
        self,
        dataset: xr.Dataset,
        rule: Ml,
        settings: Settings,
        progress: Progress = silent,
        pool: Pool | None = None,
    ) -> None:
        self.settings, self.progress, self.rule = settings, progress, rule
        given = settings.known_types and "cell_type" in dataset.coords
        self.known_types = dataset["cell_type"].values.astype(str) if given else None
        self.encoded = encode(dataset, settings.source, settings.bin_s)
        stimulus = dataset["stimulus"].values.astype(str) if "stimulus" in dataset.coords else np.array([], str)
        self.covariates: Covariates = covariates(self.encoded, stimulus, response_window(dataset))
        self.problem: Problem = problem(self.encoded, self.covariates.jumps, rule.tau / 1000, rule.delay / 1000)
        if not len(self.problem.spikes.step):
            raise FitError(
                "there is not one spike in the recording",
                where="field 'spikes'",
                remedy="check the deconvolution, or the spike times",
            )
        self.pool: Pool = pool or Here(InMemory())
        self.seconds_compile, self._begin = 0.0, time.perf_counter()

    @cached_property
    def beginning(self) -> int:
        """Bins of the beginning of the recording, in which blocks of time are held out."""
        return bins_to_hold_out_from(self.problem)

    @cached_property
    def key(self) -> str:
        """Key of the recorded spikes in the store."""
        return keep_problem(self.pool.shards, self.problem)

    def look(self) -> None:
        """Let idle workers begin with the correlograms, which nothing waits for but :meth:`connectivity`."""
        self._looks.begin()

    @cached_property
    def _looks(self) -> Looks:
        width = observed_bins(self.problem), self.encoded.bin_s
        return looks(self.pool, self.key, width, self.problem.neurons, self.known_types, self.progress)

    def connectivity(self) -> Connectivity:
        """Infer who is connected from the correlograms of all pairs."""
        return concluded(self._looks, total_of(self.problem.spikes), self.encoded.bin_s, self.known_types)

    def run(self) -> tuple[Fitted, Fitted, Totals]:
        """Choose the prior on held-out blocks of time, then fit everything.

        Returns
        -------
        held, final
            The fit to the fitted blocks (which tells the held-out log likelihood), and the fit to all that went on
            from there.
        facts
            Counts and means of the whole recording.
        """
        n, shards = self.problem.neurons, self._shards()
        (made,) = run(self.pool, [Task(compiled, (self.key, self.problem.bins, self.settings.target))])
        self.seconds_compile += float(self.pool.shards.get(made)["seconds"][()])
        beginning = summed(self.pool, self.key, self.beginning, n, self.progress)
        held, ridge = None, self.settings.ridge
        if ridge is None:
            some = np.unique(np.linspace(0, n - 1, min(n, SHARD)).astype(np.int64))
            chosen = self._choose(beginning, some)
            held, ridge = (chosen if len(shards) == 1 else None), chosen.ridge
        if held is None:
            held = self._solve(beginning, ridge, shards, None, HELD_PASSES, HELD_TOLERANCE)
        long = self.beginning < self.problem.bins
        all_of_it = summed(self.pool, self.key, self.problem.bins, n, self.progress) if long else beginning
        everything = replace(all_of_it, whole=True)
        final = self._solve(everything, ridge, shards, held.keys, MOST_PASSES, TOLERANCE)
        return held, final, totals_of(self.pool.shards, everything)

    def variance(self, fitted: Fitted) -> Array:
        """Return the posterior variance of every weight, (pre, post)."""
        return fitted.joined("variance")

    def joined(self, found: Connectivity, fits: tuple[Fitted, Fitted, Totals]) -> tuple[Connectivity, float]:
        """Join the evidence of the likelihood to that of the correlograms, where bins are fine enough for synapses."""
        _, final, facts = fits
        if self.encoded.bin_s > COARSE_BIN_S:  # what is seen from frame to frame does not tell cell types
            untold = named_types(np.full(self.problem.neurons, PRIOR_EXCITATORY), self.known_types)
            return replace(found, types=untold), found.inflation
        score = final.joined("weight")[: self.problem.neurons]
        score /= np.sqrt(self.variance(final))
        return refined(found, score, judged_pairs(facts)[1], self.known_types)

    def signed(self, fits: tuple[Fitted, Fitted, Totals], sign: Array) -> tuple[Fitted, Fitted, Totals]:
        """Fit again, from where the fits without constraints ended, with the sign of every presynaptic neuron.

        Parameters
        ----------
        fits
            What :meth:`run` gave.
        sign
            +1 for E, -1 for I, 0 where the type is not known, (neuron,).
        """
        held, final, whole = fits
        again = [
            self._solve(part, final.ridge, self._shards(), fit.keys, SIGNED_PASSES, tolerance, sign)
            for bins, fit, tolerance in (
                (self.beginning, held, HELD_TOLERANCE),
                (self.problem.bins, final, TOLERANCE),
            )
            for part in [replace(summed(self.pool, self.key, bins, self.problem.neurons, silent), whole=fit is final)]
        ]
        return again[0], again[1], whole

    def check_memory(self) -> None:
        """Tell how much memory the fit will take, and refuse what the machine does not have.

        Raises
        ------
        FitError
            Before anything is computed.
        """
        held = isinstance(self.pool.shards, InMemory)
        need = predicted_bytes(self.problem.neurons, len(self.problem.spikes.step), self.settings.workers, held)
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        self.progress(0, 1, f"about {need / 2**20:.0f} MiB")
        if need > there and not self.settings.scheduler:  # else the memory is that of other machines
            raise FitError(
                f"the fit would take about {need / 2**30:.1f} GiB of memory and the machine has {there / 2**30:.1f}",
                remedy="fit fewer neurons, a shorter stretch, or use fewer --workers",
            )

    def _shards(self) -> list[NDArray[np.int64]]:
        """Return the postsynaptic neurons of each shard; which share one does not depend on the number of workers."""
        n = self.problem.neurons
        return [np.arange(a, min(a + SHARD, n)) for a in range(0, n, SHARD)]

    def _choose(self, part: Part, some: NDArray[np.int64]) -> Fitted:
        """Walk along the ridges as long as the held-out log likelihood of some neurons grows."""
        tried: dict[int, Fitted] = {}

        def score(k: int, near: int | None) -> float:
            if k not in tried:
                start = tried[near].keys if near is not None else None
                tried[k] = self._solve(part, RIDGES[k], [some], start, HELD_PASSES, HELD_TOLERANCE)
            return float(tried[k].joined("held").sum())

        best = 2
        score(best, None)
        for step in (1, -1):
            moved = False
            while 0 <= best + step < len(RIDGES) and score(best + step, best) > score(best, None):
                best, moved = best + step, True
            if moved:
                break
        return tried[best]

    def _solve(
        self,
        part: Part,
        ridge: float,
        shards: list[NDArray[np.int64]],
        start: list[str] | None,
        passes: int,
        tolerance: float,
        sign: Array | None = None,
    ) -> Fitted:
        """Climb to the optimum of every shard."""
        pool, wanted = self.pool, ""
        if sign is not None:
            pool.shards.put(wanted := digest({"sign": sign}), {"sign": sign})
        (diagonal,) = run(pool, [Task(metric, (part.problem, part.bins, part.overlap, ridge))])
        how = (ridge, diagonal, passes, tolerance, self.settings.target)
        begin = start or [""] * len(shards)
        tasks = [
            Task(solve, (part, how, tuple(posts.tolist()), at, wanted)) for posts, at in zip(shards, begin, strict=True)
        ]
        return Fitted(pool.shards, run(pool, tasks, self.progress, f"ridge {ridge:g}"), ridge)

    @property
    def seconds(self) -> float:
        """Seconds since the fit began, without compiling."""
        return time.perf_counter() - self._begin - self.seconds_compile


def predicted_bytes(neurons: int, spikes: int, workers: int = 1, held: bool = False) -> int:
    """Return about how much memory a fit takes at its peak, in bytes; the length of the recording does not matter.

    Parameters
    ----------
    neurons, spikes
        Number of neurons and of their spikes.
    workers
        Processes that share the work.
    held
        Whether the shards are held in memory, not on the disk.
    """
    solve = 8 * PER_SYNAPSE * neurons * min(neurons, SHARD) + 24 * spikes + 8 * neurons**2
    task = max(solve, PER_METRIC * neurons**2, bytes_to_look(neurons))
    process, command = PROCESS + PER_SPIKE_HELD * spikes, PER_PAIR * neurons**2
    process += PER_PAIR_HELD * neurons**2 * held
    shared = process + command + workers * (process + task) if workers > 1 else process + max(command, task)
    return max(PROCESS + PER_SPIKE * spikes, shared)


def bins_to_hold_out_from(problem: Problem) -> int:
    """Return how many bins from the beginning have blocks held out: until enough spikes were fired, within bounds."""
    step, enough = problem.spikes.step, max(ENOUGH_SPIKES, ENOUGH_PER_PAIR * problem.neurons**2)
    last = np.partition(step, enough - 1)[enough - 1] + 1 if len(step) >= enough else problem.bins
    return min(problem.bins, int(np.clip(last, *BEGINNING)))


def observed_bins(problem: Problem) -> int:
    """Return how many bins of a neuron are there, on average over the neurons."""
    gaps = problem.gaps
    ends = np.minimum(gaps.step, problem.bins).astype(float)
    missing = np.bincount(gaps.source_of_each(), gaps.amplitude * (problem.bins - ends), minlength=gaps.sources)
    return max(1, round(problem.bins - float(missing.mean())))


def response_window(dataset: xr.Dataset) -> float:
    """Return how long a stimulus may act: a trial, at most 10 s [s]."""
    rate = float(dataset.attrs.get("sampling_rate_hz", 0) or 0)
    if ("onset" not in dataset.coords and "trial" not in dataset.dims) or dataset.sizes.get("trial", 0) == 0:
        return 1.0
    if rate > 0 and dataset.sizes.get("time", 0) > 1:
        return min(LONGEST_RESPONSE_S, trial_frames(dataset) / rate)
    onsets = np.sort(dataset["onset"].values)
    return min(LONGEST_RESPONSE_S, float(np.diff(onsets).min()) if len(onsets) > 1 else LONGEST_RESPONSE_S)


def fit(dataset: xr.Dataset, rule: Ml, settings: Settings, progress: Progress = silent) -> xr.Dataset:
    """Fit a recording by maximum likelihood.

    Parameters
    ----------
    dataset
        A recording with ``spikes`` or ``spike_time``.
    rule
        Time constant and delay.
    settings
        How to fit.
    progress
        Called after each shard.

    Returns
    -------
    Dataset
        A fit: see ``docs/schema.md``.

    Raises
    ------
    InputError
        If there are no spikes to fit.
    FitError
        If there is not one spike, or the network explodes.
    """
    with settings.pool() as pool:
        work = Fit(dataset, rule, settings, progress, pool)
        work.check_memory()
        with threadpool_limits(1):
            return _judged(dataset, work, settings)


def _judged(dataset: xr.Dataset, work: Fit, settings: Settings) -> xr.Dataset:
    """Infer, fit, fit again with Dale's law, and put it all into a Dataset."""
    work.look()
    fits, begin = work.run(), time.perf_counter()
    found, seconds = work.connectivity(), time.perf_counter() - begin
    found, inflation = work.joined(found, fits)
    sign = np.select([found.types.cell_type == "E", found.types.cell_type == "I"], [1.0, -1.0])
    constrained = settings.dale and bool(sign.any()) and work.encoded.bin_s <= COARSE_BIN_S
    free, signed = fits, work.signed(fits, sign) if constrained else fits
    spikes = held_spikes(work, work.problem.neurons).sum() or np.nan
    gain = float((signed[0].joined("held") - free[0].joined("held")).sum() / spikes)
    constrained = constrained and not gain < 0  # a sign that predicts worse is not imposed
    fits = signed if constrained else free
    result = _dataset(dataset, work, fits, found)
    result.attrs.update(seconds_connectivity=seconds, null_inflation=inflation, dale=int(constrained), dale_gain=gain)
    result.attrs["passes"] = free[1].passes
    result.attrs["passes_dale"] = fits[1].passes if constrained else 0
    result.attrs["notices"] = "\n".join(doubts(result))
    return result


def _dataset(dataset: xr.Dataset, work: Fit, passes: tuple[Fitted, Fitted, Totals], found: Connectivity) -> xr.Dataset:
    edges = found.edges  # before anything else is held: it takes most memory
    held, final, facts = passes
    n, weight = work.problem.neurons, final.joined("weight")
    names = dataset["neuron"].values if "neuron" in dataset.coords else np.arange(n)
    fires, usable = judged_pairs(facts)
    matrix = {
        "weight": np.where(usable, weight[:n], 0.0),
        "weight_se": np.sqrt(work.variance(final)),
        "z": edges.z,
        "q_value": edges.q_value,
        "edge_probability": edges.probability,
        "delay": found.delay * work.encoded.bin_s,
    }
    types = found.types
    count = held_spikes(work, n)
    column = {
        "bias": final.joined("beta") - facts.mean @ weight,
        "history": np.diag(weight[:n]).copy(),
        "log_likelihood": np.divide(held.joined("held"), count, out=np.full(n, np.nan), where=count > 0),
        "spike_unit_used": work.encoded.unit,
        "count": facts.count[0],
        "largest": _largest(work.encoded),
    }
    result = xr.Dataset(
        {k: (("pre", "post"), v) for k, v in matrix.items()}
        | {k: ("neuron", v) for k, v in column.items()}
        | {
            "cell_type_probability": ("neuron", types.probability),
            "covariate_weight": (("covariate", "neuron"), weight[n:]),
        }
        | _schedule(work),
        coords={
            "pre": names,
            "post": names,
            "neuron": names,
            "cell_type": ("neuron", types.cell_type),
            "covariate": work.covariates.names,
        },
    )
    total, spikes = final.joined("fitted").sum(), facts.count[0].sum()
    result.attrs = {
        "rule": "ml",
        "neuron_model": "lif",
        "ridge": final.ridge,
        "passes_held_out": held.passes,
        "log_likelihood_per_spike": float(total / spikes),
        "log_likelihood_per_spike_held_out": float(held.joined("held").sum() / (count.sum() or np.nan)),
        "bin_s": work.encoded.bin_s,
        "bins": work.problem.bins,
        "tau_s": work.problem.tau * work.encoded.bin_s,
        "edge_cut": edges.cut,
        "any_connections": float(expit(found.any)),
        "delay_s": work.problem.delay * work.encoded.bin_s,
        "input": work.encoded.kind,
        "silent_neurons": int((~fires).sum()),
        "known_types": int(work.known_types is not None),
        "seconds_compile": work.seconds_compile,
        "seconds_fit": work.seconds,
    }
    return result


def judged_pairs(facts: Totals) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which neurons fired, (neuron,), and which pairs can be judged, (pre, post)."""
    fires = facts.count[0] > 0
    return fires, ~np.eye(len(fires), dtype=bool) & fires[:, None] & fires[None, :]


def doubts(fit: xr.Dataset) -> list[str]:
    """Say why a fit should not be trusted as it stands; empty where nothing speaks against it."""
    attrs, found = fit.attrs, []
    if attrs["bin_s"] > COARSE_BIN_S:
        found.append(
            f"a bin is {1000 * attrs['bin_s']:.0f} ms and a synapse acts within a few: "
            "these are couplings from one frame to the next, not synapses; they do not tell cell types, and their "
            "probabilities are too high where all neurons burst together"
        )
    if attrs["any_connections"] < EVEN:
        found.append(
            "these spikes do not tell connected pairs from others: probabilities are those of any pair, and nothing is "
            "called; it takes more spikes"
        )
    if attrs["null_inflation"] > INFLATED:
        found.append(
            f"scores of unconnected pairs are {attrs['null_inflation']:.1f} times too wide, so hidden common input is "
            "likely; edges were judged against that wider null"
        )
    if attrs["silent_neurons"]:
        found.append(f"{attrs['silent_neurons']} neurons never fired: their pairs cannot be judged (probability 0)")
    return found


def held_spikes(work: Fit, n: int) -> Array:
    """Return how many spikes of each neuron were held out."""
    held = blocked_folds(work.beginning, work.problem.tau).held(work.beginning)
    spikes = work.problem.spikes.until(work.beginning)
    inside = held[spikes.step]
    return np.bincount(spikes.source_of_each()[inside], spikes.amplitude[inside], minlength=n).astype(float)


def _largest(encoded: Encoded, window: int = 20) -> Array:
    """Return the most spikes per bin that a neuron ever fired, on average over 20 bins."""
    spikes, n = encoded.spikes, encoded.spikes.sources
    windows = encoded.bins // window + 1
    per_window = np.bincount(
        spikes.source_of_each() * windows + spikes.step // window, spikes.amplitude, minlength=n * windows
    )
    most: Array = per_window.reshape(n, windows).max(1) / min(window, encoded.bins)
    return most


def _schedule(work: Fit) -> dict[str, tuple[str, NDArray[np.float64]]]:
    """Return when each covariate jumps and where the bins lie in time, so that the fit can run freely by itself."""
    jumps, starts = work.problem.jumps, work.encoded.start_s
    return {
        "jump_covariate": ("jump", jumps.source_of_each().astype(float)),
        "jump_bin": ("jump", jumps.step.astype(float)),
        "jump_size": ("jump", jumps.amplitude.astype(float)),
        "stretch_bin": ("stretch", starts[:, 0]),
        "stretch_time": ("stretch", starts[:, 1]),
    }
