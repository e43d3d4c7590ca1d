"""Rules that learn while the network runs on the recording: fluorescence -> input current -> spikes -> weights.

The steps are those of the original study: low-pass difference, relative to each cell's median, scaled, interpolated
to 1 ms by pchip, fed to every neuron as a current; all-to-all weights start at random.
"""

import time
import warnings
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats
from scipy.interpolate import PchipInterpolator

from brainsim import assembly, catalog
from brainsim.blueprint import values
from brainsim.calcium import deconvolve
from brainsim.engine import Network
from brainsim.error import InputError
from brainsim.neuron import Neuron
from brainsim.progress import Progress, silent
from brainsim.recorded import RecordedInput
from brainsim.rule import Rule

Array = NDArray[np.float64]
INPUT_SD = 5.0
STEPS_PER_FRAME = 10
STRONGEST = {"E": 0.5, "I": 1.0}
SHARE_INHIBITORY = 0.2


@dataclass(frozen=True)
class Course:
    """The recording as an input current.

    Attributes
    ----------
    current, slope
        Current per frame and its pchip slope per frame, (frame, neuron).
    """

    current: NDArray[np.float32]
    slope: NDArray[np.float32]


def fit(
    dataset: xr.Dataset,
    rule: Rule,
    neuron: Neuron,
    repeats: int,
    seed: int,
    target: str = "cpp",
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
        Runs from other random weights of the same network.
    seed
        Seed of cell parameters, weights and noise.
    target
        ``"cpp"`` or ``"numpy"``.
    progress
        Called after each repeat.

    Returns
    -------
    Dataset
        ``weight`` and ``weight_initial`` on (`repeat`,) `pre`, `post`. With repeats, `z` is the mean logarithmic growth
        of a weight over its standard error.

    Raises
    ------
    InputError
        If there is no calcium with a time course.
    """
    course = input_course(dataset)
    excitatory = known_types(dataset, np.random.default_rng(seed))
    begin = time.perf_counter()
    network = Network(assembly.free_running(neuron, rule, dataset.sizes["neuron"]), target)
    learned, initial, counts = [], [], []
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat])
        start = random_weights(excitatory, rng)
        weight, count = _run(network, neuron, rule, course, (start, excitatory), rng)
        learned.append(weight)
        initial.append(start)
        counts.append(count)
        progress(repeat + 1, repeats, "repeats")
    result = _dataset(dataset, np.array(learned), np.array(initial), excitatory)
    frames = len(course.current)
    result["spike_count"] = ("neuron", np.mean(counts, axis=0))
    result.attrs.update(
        rule=rule.name,
        neuron_model=neuron.name,
        passes=1,
        log_likelihood_per_spike=float("nan"),
        repeats=repeats,
        steps=frames * STEPS_PER_FRAME,
        seconds_compile=network.seconds_compile_,
        seconds_fit=time.perf_counter() - begin - network.seconds_compile_,
        simulated_rate_hz=float(np.mean(counts) / (frames * STEPS_PER_FRAME / 1000)),
    )
    return result


def input_course(dataset: xr.Dataset) -> Course:
    """Return the input current of every neuron: low-pass difference, relative to the median, at an SD of 5.

    Missing frames give no input. Slopes are those of pchip within each run of frames.

    Raises
    ------
    InputError
        If there is no calcium over time.
    """
    if "calcium" not in dataset or dataset.sizes.get("time", 0) < 3:
        raise InputError(
            "an online rule needs fluorescence over time",
            where="field 'calcium'",
            remedy="give a recording with calcium (time, neuron), or use --rule ml",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # neurons without a usable trace get no input
        filtered = deconvolve(dataset, catalog.get("deconvolution", "lowpass-diff")(offset=False))["spikes"]
    traces = filtered.stack(frame=("trial", "time")) if "trial" in filtered.dims else filtered.rename(time="frame")
    values_ = traces.transpose("frame", "neuron").values.astype(float)
    values_[:, np.isnan(values_).all(0)] = 0.0
    relative = values_ - np.nanmedian(values_, axis=0)
    spread = np.nanstd(relative, axis=0)
    current = np.nan_to_num(relative * INPUT_SD / np.where(spread > 0, spread, 1.0))
    frames = np.arange(len(current))
    slope = (
        PchipInterpolator(frames, current, axis=0).derivative()(frames) if len(current) > 2 else np.zeros_like(current)
    )
    return Course(current.astype(np.float32), slope.astype(np.float32))


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


def _run(
    network: Network,
    neuron: Neuron,
    rule: Rule,
    course: Course,
    start: tuple[Array, NDArray[np.bool_]],
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Run once; return the learned weights and the spikes of each neuron."""
    weight, excitatory = start
    n = len(excitatory)
    arrays = {
        "synapse.w": weight,
        "synapse.plastic": 1.0,
        "neuron.current_gain": 1.0,
    }
    arrays |= values(neuron, "neuron") | values(rule, "synapse") | signs(rule, excitatory)
    arrays |= {f"neuron.{k}": v for k, v in (rule.initial | neuron.per_cell(excitatory, rng)).items()}
    steps = len(course.current) * STEPS_PER_FRAME
    recorded = RecordedInput(
        steps,
        seed=int(rng.integers(2**31)),
        current=course.current,
        current_slope=course.slope,
        frame_steps=STEPS_PER_FRAME,
    )
    found = network.run(recorded, arrays, ["synapse.w", "neuron_spikes.i"])
    return found["synapse.w"].reshape(n, n), np.bincount(found["neuron_spikes.i"], minlength=n).astype(float)


def _dataset(dataset: xr.Dataset, learned: Array, initial: Array, excitatory: NDArray[np.bool_]) -> xr.Dataset:
    repeats, n = learned.shape[:2]
    names = dataset["neuron"].values if "neuron" in dataset.coords else np.arange(n)
    pair = ("repeat", "pre", "post")
    result = xr.Dataset(
        {"weight": (pair, learned), "weight_initial": (pair, initial)},
        coords={
            "pre": names,
            "post": names,
            "neuron": names,
            "repeat": np.arange(repeats),
            "cell_type": ("neuron", np.where(excitatory, "E", "I")),
        },
    )
    growth = np.log(np.divide(learned, initial, out=np.ones_like(learned), where=initial != 0))
    unknown = np.full((n, n), np.nan)
    error = growth.std(0, ddof=1) / np.sqrt(repeats) if repeats > 1 else unknown
    z = np.divide(growth.mean(0), error, out=np.zeros((n, n)), where=error > 0) if repeats > 1 else unknown
    q = (
        stats.false_discovery_control(2 * stats.t.sf(np.abs(z.ravel()), repeats - 1)).reshape(n, n)
        if repeats > 1
        else unknown
    )
    spread = learned.std(0, ddof=1) / np.sqrt(repeats) if repeats > 1 else unknown
    for name, matrix in (
        ("weight_se", spread),
        ("z", z),
        ("q_value", q),
        ("edge_probability", unknown),
        ("delay", np.full((n, n), 0.001)),
    ):
        result[name] = (("pre", "post"), matrix)
    known = (
        np.isin(dataset["cell_type"].values.astype(str), ("E", "I"))
        if "cell_type" in dataset.coords
        else np.zeros(n, bool)
    )
    result["cell_type_probability"] = ("neuron", np.where(known, excitatory.astype(float), 1 - SHARE_INHIBITORY))
    for name in ("bias", "log_likelihood"):
        result[name] = ("neuron", np.full(n, np.nan))
    result.attrs["cell_types"] = "given" if known.all() else f"{int((~known).sum())} of {n} drawn at random"
    return result if repeats > 1 else result.isel(repeat=0, drop=True)
