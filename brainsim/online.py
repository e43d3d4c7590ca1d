"""Rules that learn while the network runs on the recording: fluorescence -> input current -> spikes -> weights.

The steps are those of the original study (see :mod:`brainsim.input_current`): all-to-all weights start at random, every
neuron is driven by its own recording, and what the weights become is compared with what they were.
"""

import time

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim import assembly
from brainsim.blueprint import values
from brainsim.cluster import Here, Pool, Task
from brainsim.cluster import run as perform_all
from brainsim.engine import Network
from brainsim.input_current import STEPS_PER_FRAME, Course, by_frame, decodability, input_course, rises
from brainsim.learned import Run, together
from brainsim.neuron import Neuron
from brainsim.progress import Progress, silent
from brainsim.recorded import RecordedInput
from brainsim.resemblance import Windows, resemblance
from brainsim.rule import Rule
from brainsim.shard_store import Arrays, InMemory, Shards, digest

Array = NDArray[np.float64]
STRONGEST = {"E": 0.5, "I": 1.0}
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
    key = _keep(pool.shards, course, windows, excitatory)
    kind, conditions = (rule, neuron, target), tuple(windows.conditions) if windows is not None else ()
    (made,) = perform_all(pool, [Task(compiled, (kind, len(excitatory)))])
    seconds_compile = float(pool.shards.get(made)["seconds"][()])
    tasks = [Task(repeated, (key, kind, conditions, (seed, repeat))) for repeat in range(repeats)]
    keys = perform_all(pool, tasks, progress, "repeats")
    runs = [_kept(pool.shards.get(key)) for key in keys]
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


def random_weights(excitatory: NDArray[np.bool_], rng: np.random.Generator) -> Array:
    """Draw all-to-all weights (pre, post): E uniform in 0..0.5, I in -1..0, no self-connections."""
    scale = np.where(excitatory, STRONGEST["E"], -STRONGEST["I"])[:, None]
    weights: Array = scale * rng.uniform(size=(len(excitatory), len(excitatory)))
    np.fill_diagonal(weights, 0.0)
    return weights


def directions(excitatory: NDArray[np.bool_]) -> Array:
    """Return the sign of learning of each pair (pre, post): E->E and I->E +1, E->I -1, I->I 0."""
    pre, post = excitatory[:, None], excitatory[None, :]
    signs: Array = np.where(post, 1.0, np.where(pre, -1.0, 0.0))
    return signs


def signs(rule: Rule, excitatory: NDArray[np.bool_]) -> dict[str, Array]:
    """Return the signs of learning as an input of the network, where the rule declares a `direction`."""
    return {"synapse.direction": directions(excitatory)} if "direction :" in rule.synapse else {}


def _keep(shards: Shards, course: Course, windows: Windows | None, excitatory: NDArray[np.bool_]) -> str:
    """Keep what drives every repeat; return its key."""
    arrays = {"current": course.current, "slope": course.slope, "excitatory": excitatory}
    if windows is not None:
        number = np.array([windows.conditions.index(name) for name in windows.stimulus.tolist()], np.int64)
        arrays |= {"first": windows.first, "every": windows.every, "stimulus": number}
        arrays["frames"] = np.array(windows.frames)
    key = digest(arrays)
    shards.put(key, arrays)
    return key


def _driven(shards: Shards, key: str, conditions: tuple[str, ...]) -> tuple[Course, Windows | None, NDArray[np.bool_]]:
    """Return what :func:`_keep` kept."""
    held = {name: values[...] for name, values in shards.get(key).items()}
    windows = None
    if "frames" in held:
        names = np.array(conditions, str)[held["stimulus"]]
        windows = Windows(held["first"], names, held["every"], int(held["frames"]))
    return Course(held["current"], held["slope"]), windows, held["excitatory"]


def compiled(shards: Shards, kind: tuple[Rule, Neuron, str], neurons: int) -> Arrays:
    """Compile the network; keep how many seconds that took."""
    return {"seconds": np.array(_network(kind, neurons).seconds_compile_)}


def _network(kind: tuple[Rule, Neuron, str], neurons: int) -> Network:
    rule, neuron, target = kind
    return Network(assembly.free_running(neuron, rule, neurons), target)


def repeated(
    shards: Shards,
    key: str,
    kind: tuple[Rule, Neuron, str],
    conditions: tuple[str, ...],
    seeds: tuple[int, int],
) -> Arrays:
    """Run one repeat: :class:`brainsim.learned.Run` as arrays.

    Parameters
    ----------
    shards
        The store.
    key
        What drives the network, as it was kept.
    kind
        Rule, neuron, target.
    conditions
        Names of the stimuli.
    seeds
        Seed, number of the repeat.
    """
    course, windows, excitatory = shards.recall(f"course {key}", lambda: _driven(shards, key, conditions))
    network = _network(kind, len(excitatory))
    found = _run(network, kind[1], kind[0], (course, windows), excitatory, np.random.default_rng(list(seeds)))
    return {name: np.asarray(values) for name, values in found._asdict().items()}


def _kept(shard: Arrays) -> Run:
    arrays = {name: values[...] for name, values in shard.items()}
    return Run(**{**arrays, "seconds": float(arrays["seconds"])})


def _run(
    network: Network,
    neuron: Neuron,
    rule: Rule,
    driven: tuple[Course, Windows | None],
    excitatory: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Run:
    """Draw weights and cells, run once."""
    (course, windows), n = driven, len(excitatory)
    weight = random_weights(excitatory, rng)
    arrays = {"synapse.w": weight, "synapse.plastic": 1.0, "neuron.current_gain": 1.0}
    arrays |= values(neuron, "neuron") | values(rule, "synapse") | signs(rule, excitatory)
    arrays |= {f"neuron.{k}": v for k, v in (rule.initial | neuron.per_cell(excitatory, rng)).items()}
    recorded = RecordedInput(
        course.steps,
        seed=int(rng.integers(2**31)),
        current=course.current,
        current_slope=course.slope,
        frame_steps=STEPS_PER_FRAME,
    )
    begin = time.perf_counter()
    found = network.run(recorded, arrays, ["synapse.w", "neuron_spikes.i", "neuron_spikes.t"])
    seconds = time.perf_counter() - begin
    frame = np.rint(found["neuron_spikes.t"] * 1000).astype(int) // STEPS_PER_FRAME
    length = len(course.current)
    spikes = np.bincount(frame * n + found["neuron_spikes.i"], minlength=length * n).reshape(length, n).astype(float)
    per_trial = response = np.zeros((0, n))
    if windows is not None:
        per_trial = windows.frames * windows.of_condition(windows.means(spikes, windows.first))
        response = windows.response(spikes)
    return Run(weight, found["synapse.w"].reshape(n, n), spikes.sum(0), per_trial, response, seconds)


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
