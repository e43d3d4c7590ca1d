"""Izhikevich's simple neuron in the network of Izhikevich (2006): fixed cell types, random thalamic kicks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from brainsim.description import quantity
from brainsim.neuron import Neuron
from brainsim.neuron.izhikevich import EQUATIONS, LEAK, RESET

UPDATE = """
I = I_syn + I_ext + kick*int(rand() < kick_rate*dt)
v += 0.5*(0.04*v**2 + 5*v + 140 - u + I)
v += 0.5*(0.04*v**2 + 5*v + 140 - u + I)
u += a*(b*v - u)
"""


@dataclass(frozen=True)
class IzhikevichThalamic(Neuron):
    """Izhikevich's two-variable neuron that random thalamic kicks keep awake.

    Excitatory cells have ``a=.02, b=.2, c=-65, d=8``; inhibitory cells ``a=.1, b=.2, c=-65, d=2``. At random times each
    cell receives a strong kick of one time step of 1 ms.

    References
    ----------
    Izhikevich (2006), Neural Computation 18:245.
    """

    kick: float = quantity(20.0, "1", "size of a kick")
    kick_rate: float = quantity(1.0, "Hz", "kicks of a cell per second")

    name: ClassVar[str] = "izhikevich-thalamic"
    equations: ClassVar[str] = EQUATIONS.replace("noise : 1 (constant)\n", "")
    update: ClassVar[str] = UPDATE
    leak: ClassVar[str] = LEAK
    threshold: ClassVar[str] = "v >= 30"
    reset: ClassVar[str] = RESET

    def per_cell(self, excitatory: NDArray[np.bool_], rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Return a, b, c, d of every cell and its state of rest, v = -65 and u = b v."""
        n = len(excitatory)
        a, d = np.where(excitatory, 0.02, 0.1), np.where(excitatory, 8.0, 2.0)
        b, c = np.full(n, 0.2), np.full(n, -65.0)
        return {"a": a, "b": b, "c": c, "d": d, "v": np.full(n, -65.0), "u": -65.0 * b}
