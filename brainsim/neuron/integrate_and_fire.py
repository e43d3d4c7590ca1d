"""Leaky integrate-and-fire neuron with a hard threshold (Brunel 2000; Gerstner et al. 2014, chapters 1 and 6)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from brainsim.description import quantity
from brainsim.neuron import Neuron

# Potentials are counted from rest. A spike adds w mV to the potential of its target, spread over tau_syn.
EQUATIONS = """
v : volt
adaptation : volt
t_spike : second
drive : volt (constant)
I_syn : 1
I_ext : 1
"""
UPDATE = """
kept = exp(-dt/tau_m)
level = drive + I_ext*mV - adaptation
moved = level + (v - level)*kept + noise*sqrt(1 - kept**2)*randn() + I_syn*mV*(1 - exp(-dt/tau_syn))
awake = int(t - t_spike >= dead_time)
v = awake*moved + (1 - awake)*v_reset
adaptation *= exp(-dt/tau_adaptation)
"""
LEAK = "I_syn *= exp(-dt/tau_syn)"
RESET = """
v = v_reset
t_spike = t
adaptation += jump
"""


@dataclass(frozen=True)
class IntegrateAndFire(Neuron):
    """Leaky integrate-and-fire neuron with a hard threshold, absolute refractoriness and white noise.

    Without a threshold the noise alone would make the potential vary with the standard deviation `noise`. With `jump`
    above 0 every spike adds to a slow current that makes the next one harder (spike-frequency adaptation).

    References
    ----------
    Brunel (2000), Journal of Computational Neuroscience 8:183.
    Gerstner, Kistler, Naud & Paninski (2014), Neuronal Dynamics, chapters 1 and 6.
    """

    mean_drive: float = quantity(15.0, "mV", "steady potential above rest that constant input would reach")
    drive_spread: float = quantity(0.0, "mV", "SD of that potential over cells")
    inhibitory_drive: float = quantity(0.0, "mV", "how much more of it inhibitory cells receive")
    noise: float = quantity(4.0, "mV", "SD of the potential that white noise causes")
    v_threshold: float = quantity(20.0, "mV", "threshold above rest")
    v_reset: float = quantity(10.0, "mV", "potential above rest after a spike")
    tau_m: float = quantity(20.0, "ms", "membrane time constant")
    tau_syn: float = quantity(2.0, "ms", "time constant of the synaptic current")
    dead_time: float = quantity(2.0, "ms", "absolute refractory period")
    jump: float = quantity(0.0, "mV", "adaptation that a spike adds")
    tau_adaptation: float = quantity(500.0, "ms", "time constant of adaptation")

    name: ClassVar[str] = "integrate-and-fire"
    equations: ClassVar[str] = EQUATIONS
    update: ClassVar[str] = UPDATE
    leak: ClassVar[str] = LEAK
    threshold: ClassVar[str] = "v > v_threshold"
    reset: ClassVar[str] = RESET

    def per_cell(self, excitatory: NDArray[np.bool_], rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Draw the constant input of every cell [V], and where its potential begins [V]."""
        spread = self.drive_spread * rng.standard_normal(len(excitatory))
        drive = 1e-3 * (self.mean_drive + np.where(excitatory, 0.0, self.inhibitory_drive) + spread)
        begin = 1e-3 * self.v_threshold * rng.uniform(size=len(excitatory))
        return {"drive": drive, "v": begin, "t_spike": np.full(len(excitatory), -1.0)}
