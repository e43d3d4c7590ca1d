"""One repeat of a rule that learns while running: random weights and cells, driven by the recording, run once.

    w(pre, post)  uniform in 0..0.5 from an excitatory cell, in -1..0 from an inhibitory one; none onto itself
    direction     E->E and I->E +1, E->I -1, I->I 0

Repeats are tasks of a cluster; what drives them all is kept once.
"""

import time

import numpy as np
from numpy.typing import NDArray

from brainsim import assembly
from brainsim.blueprint import values
from brainsim.engine import Network
from brainsim.input_current import STEPS_PER_FRAME, Course
from brainsim.learned import Run
from brainsim.neuron import Neuron
from brainsim.recorded import RecordedInput
from brainsim.resemblance import Windows
from brainsim.rule import Rule
from brainsim.shard_store import Arrays, Shards, digest

Array = NDArray[np.float64]
STRONGEST = {"E": 0.5, "I": 1.0}


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


def keep(shards: Shards, course: Course, windows: Windows | None, excitatory: NDArray[np.bool_]) -> str:
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
    """Return what :func:`keep` kept."""
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


def run_of(shard: Arrays) -> Run:
    """Return what :func:`repeated` made."""
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
