"""Rules that learn while the network runs on the recording: fluorescence -> input current -> spikes -> weights.

The steps are those of the original study (see :mod:`brainsim.input_current`): all-to-all weights start at random, every
neuron is driven by its own recording, and what the weights become is compared with what they were.
"""

import time

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.cluster import Here, Pool, Task
from brainsim.cluster import run as perform_all
from brainsim.input_current import by_frame, decodability, input_course, rises
from brainsim.learned import Run, together
from brainsim.neuron import Neuron
from brainsim.progress import Progress, silent
from brainsim.repeat import compiled, keep, repeated, run_of
from brainsim.resemblance import Windows, resemblance
from brainsim.rule import Rule
from brainsim.shard_store import InMemory

Array = NDArray[np.float64]
SHARE_INHIBITORY = 0.2
SILENT_HZ = 0.1
ALPHA = 0.05


def fit(
    dataset: xr.Dataset,
    rule: Rule,
    neuron: Neuron,
    repeats: int,
    seed: int,
    target: str = "cpp",
    pool: Pool | None = None,
    progress: Progress = silent,
) -> xr.Dataset:
    """Let a network with random weights run on a recording and learn.

    Parameters
    ----------
    dataset
        A recording with ``calcium`` over time.
    rule
        An online rule.
    neuron
        The model of every cell.
    repeats
        Runs of the same compiled network from other random weights and cell parameters.
    seed
        Seed of cell parameters, weights and noise.
    target
        ``"cpp"`` or ``"numpy"``.
    pool
        Who runs the repeats, by default this process; the result is the same whoever does.
    progress
        Called after each repeat.

    Returns
    -------
    Dataset
        ``weight`` and ``weight_initial`` on (`repeat`,) `pre`, `post`, ``spike_count`` on (`repeat`,) `neuron`; what
        :func:`brainsim.resemblance.resemblance` says where trials have a stimulus. With repeats, `z` is the mean
        logarithmic growth of a weight over its standard error. 16 bytes per pair and repeat: 54 MB for 50 repeats of
        259 neurons.

    Raises
    ------
    InputError
        If there is no calcium with a time course.
    """
    begin = time.perf_counter()
    risen = rises(dataset)
    course, windows = input_course(risen), Windows.of(dataset)
    excitatory = known_types(dataset, np.random.default_rng(seed))
    pool = pool or Here(InMemory())
    key = keep(pool.shards, course, windows, excitatory)
    kind, conditions = (rule, neuron, target), tuple(windows.conditions) if windows is not None else ()
    (made,) = perform_all(pool, [Task(compiled, (kind, len(excitatory)))])
    seconds_compile = float(pool.shards.get(made)["seconds"][()])
    tasks = [Task(repeated, (key, kind, conditions, (seed, repeat))) for repeat in range(repeats)]
    keys = perform_all(pool, tasks, progress, "repeats")
    runs = [run_of(pool.shards.get(key)) for key in keys]
    result = together(dataset, runs, excitatory, SHARE_INHIBITORY)
    if windows is not None:
        result = xr.merge([result, _responses(dataset, windows, runs, seed)], combine_attrs="no_conflicts")
    result.attrs.update(
        rule=rule.name,
        neuron_model=neuron.name,
        passes=1,
        log_likelihood_per_spike=float("nan"),
        repeats=repeats,
        steps=course.steps,
        seconds_compile=seconds_compile,
        seconds_fit=time.perf_counter() - begin - seconds_compile,
        seconds_run=float(np.mean([each.seconds for each in runs])),
        simulated_rate_hz=float(result["spike_count"].mean()) / (course.steps / 1000),
        **decodability(risen),
    )
    notices = [*filter(None, [str(risen.attrs.get("notices", ""))]), *_doubts(result)]
    result.attrs.update({"notices": "\n".join(notices)} if notices else {})
    return result if repeats > 1 else result.isel(repeat=0, drop=True)


def known_types(dataset: xr.Dataset, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which neurons are excitatory: as the recording says; those unknown are drawn, one in five inhibitory."""
    n = dataset.sizes["neuron"]
    types = dataset["cell_type"].values.astype(str) if "cell_type" in dataset.coords else np.full(n, "unknown")
    drawn = rng.uniform(size=n) >= SHARE_INHIBITORY
    known: NDArray[np.bool_] = np.where(types == "unknown", drawn, types == "E").astype(bool)
    return known


def _responses(dataset: xr.Dataset, windows: Windows, runs: list[Run], seed: int) -> xr.Dataset:
    """Hold what the runs did under each stimulus against what was recorded."""
    recorded = windows.response(by_frame(dataset["calcium"].where(np.isfinite)))
    result = resemblance(np.array([run.response for run in runs]), recorded, windows.conditions, seed)
    counts = np.array([run.per_trial for run in runs])
    return result.assign(simulated_count=(("repeat", "condition", "neuron"), counts, {"units": "spikes per trial"}))


def _doubts(result: xr.Dataset) -> list[str]:
    """Say what speaks against what was learned."""
    attrs, doubts = result.attrs, []
    if attrs["simulated_rate_hz"] < SILENT_HZ:
        doubts.append(f"the network hardly fires ({attrs['simulated_rate_hz']:.2f} Hz): its weights say little")
    if attrs.get("decoding_p", 0.0) > ALPHA:
        doubts.append(
            f"the stimulus cannot be read from the input ({attrs['decoding_accuracy']:.1%} of held-out trials, "
            f"{attrs['decoding_chance']:.1%} by chance)"
        )
    return doubts
