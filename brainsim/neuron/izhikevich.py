"""Izhikevich's simple neuron (Izhikevich 2003), as the original study of brainsim used it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from brainsim.description import quantity
from brainsim.neuron import Neuron

# Two half steps for v, one whole step for u: the published loop, step by step (the time step is 1 ms).
EQUATIONS = """
v : 1
u : 1
a : 1 (constant)
b : 1 (constant)
c : 1 (constant)
d : 1 (constant)
noise : 1 (constant)
I_syn : 1
I_ext : 1
"""
UPDATE = """
I = I_syn + I_ext + noise*randn()
v += 0.5*(0.04*v**2 + 5*v + 140 - u + I)
v += 0.5*(0.04*v**2 + 5*v + 140 - u + I)
u += a*(b*v - u)
"""
LEAK = "I_syn = 0"
RESET = """
v = c
u += d
"""


@dataclass(frozen=True)
class Izhikevich(Neuron):
    """Izhikevich's two-variable neuron: regular-spiking excitatory, fast-spiking inhibitory cells.

    Excitatory cells have ``a=.02, b=.2, c=-65+15 r^2, d=8-6 r^2``; inhibitory cells ``a=.02+.08 r, b=.25-.05 r,
    c=-65, d=2``, with r uniform in [0, 1] for each cell. A synaptic current lasts one time step of 1 ms.

    References
    ----------
    Izhikevich (2003), IEEE Transactions on Neural Networks 14:1569.
    """

    noise_excitatory: float = quantity(0.0, "1", "SD of the input noise of excitatory cells")
    noise_inhibitory: float = quantity(0.0, "1", "SD of the input noise of inhibitory cells")
    noise_spread: float = quantity(0.0, "1", "SD of the logarithm of the input noise over cells")

    name: ClassVar[str] = "izhikevich"
    equations: ClassVar[str] = EQUATIONS
    update: ClassVar[str] = UPDATE
    leak: ClassVar[str] = LEAK
    threshold: ClassVar[str] = "v >= 30"
    reset: ClassVar[str] = RESET

    def step(self) -> str:
        """Return the update; without noise no random numbers are drawn, which would take longer than all the rest."""
        noisy = self.noise_excitatory or self.noise_inhibitory
        return self.update if noisy else self.update.replace(" + noise*randn()", "")

    def per_cell(self, excitatory: NDArray[np.bool_], rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Draw a, b, c, d of every cell and its state of rest, v = -65 and u = b v."""
        r = rng.uniform(size=len(excitatory))
        a = np.where(excitatory, 0.02, 0.02 + 0.08 * r)
        b = np.where(excitatory, 0.2, 0.25 - 0.05 * r)
        c = np.where(excitatory, -65 + 15 * r**2, -65.0)
        d = np.where(excitatory, 8 - 6 * r**2, 2.0)
        noise = np.where(excitatory, self.noise_excitatory, self.noise_inhibitory)
        noise = noise * rng.lognormal(0.0, self.noise_spread, len(r))
        return {"a": a, "b": b, "c": c, "d": d, "noise": noise, "v": np.full(len(r), -65.0), "u": -65.0 * b}
