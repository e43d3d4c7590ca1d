"""A network as text: what is given to :mod:`brainsim.engine`, and all that decides which program is compiled.

A blueprint holds equations, sizes and the time step, but no values: weights, parameters, spikes and seeds are
handed over when the program runs. So two fits with other data, another length or other time constants share one
compiled program.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from brainsim.description import Described

DIMENSION = {"1": "1", "ms": "second", "s": "second", "Hz": "hertz", "mV": "volt"}
SI = {"1": 1.0, "ms": 1e-3, "s": 1.0, "Hz": 1.0, "mV": 1e-3}


@dataclass(frozen=True)
class Operation:
    """Code that runs for every element of a group or projection, every `every` time steps, in the slot `when`."""

    code: str
    when: str = "groups"
    order: int = 0
    every: int = 1


@dataclass(frozen=True)
class Group:
    """Neurons that share their equations, or sources of recorded spikes.

    `monitored` names what each spike records; `watched` is how many neurons, the first ones, are recorded (0: all).
    """

    name: str
    size: int
    equations: str
    threshold: str = ""
    reset: str = ""
    operations: tuple[Operation, ...] = ()
    monitored: tuple[str, ...] = ()
    watched: int = 0


@dataclass(frozen=True)
class Projection:
    """Synapses from every neuron of `source` to every neuron of `target` for which `condition` holds.

    Synapses are stored with the presynaptic index outermost: a variable of the synapses is the flattened
    (pre, post) matrix, without the pairs that `condition` leaves out. `delay` is in time steps; `delays`, an
    expression in time steps, gives every synapse its own. Both expressions may call functions of recorded input, so
    that one program serves every wiring. `partner` names a boolean of `source`: `on_post` changes nothing at synapses
    from neurons where it is false, and they may be passed over.
    """

    name: str
    source: str
    target: str
    equations: str
    on_pre: str = ""
    on_post: str = ""
    condition: str = ""
    delay: int = 0
    delays: str = ""
    partner: str = ""
    operations: tuple[Operation, ...] = ()


@dataclass(frozen=True)
class Blueprint:
    """A whole network.

    `schedule` names the slots of one time step in order. The length of a run is no part of the program. `partial` names
    a group of which a run may simulate the first neurons only (:class:`brainsim.recorded.RecordedInput`).
    """

    name: str
    dt_ms: float
    groups: tuple[Group, ...]
    projections: tuple[Projection, ...] = ()
    schedule: tuple[str, ...] = ("start", "groups", "thresholds", "synapses", "resets", "end")
    partial: str = ""

    def digest(self, *environment: str) -> str:
        """Return a key for the compiled program: the text, and what else its binary depends on."""
        text = json.dumps([asdict(self), environment], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


def declare(described: Described) -> str:
    """Write every parameter of a neuron or rule as a Brian2 variable shared by its group."""
    lines = [f"{name} : {DIMENSION[unit]} (shared, constant)" for name, (_, unit) in described.parameters().items()]
    return "\n" + "\n".join(lines) + "\n"


def values(described: Described, owner: str) -> dict[str, Any]:
    """Return the parameters in SI units, named as the engine takes them: ``{"owner.parameter": value}``."""
    return {f"{owner}.{name}": value * SI[unit] for name, (value, unit) in described.parameters().items()}
