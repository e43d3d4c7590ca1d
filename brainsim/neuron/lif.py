"""Leaky integrate-and-fire neuron with escape noise (Gerstner et al. 2014, chapter 9; Pillow et al. 2008)."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.description import quantity
from brainsim.neuron import Neuron

# I_syn is the membrane potential above rest that synapses have caused, in units of the escape noise; it leaks with tau.
# Spikes escape at the rate exp(bias + I_syn + I_ext) per time step; `ceiling` keeps a runaway network finite.
EQUATIONS = """
leak = exp(-dt/tau_m)                              : 1 (shared)
rho = exp(clip(bias + I_syn + I_ext, -50, ceiling)) : 1
spikes : 1
bias : 1 (constant)
ceiling : 1 (constant)
I_syn : 1
I_ext : 1
"""
UPDATE = "spikes = poisson(rho)"
LEAK = "I_syn *= leak"


@dataclass(frozen=True)
class Lif(Neuron):
    """Leaky integrate-and-fire neuron whose spikes escape with a probability that grows with its potential.

    The membrane potential is the sum of exponentially decaying postsynaptic potentials; a spike's own reset and
    refractoriness are its synapse onto itself. The same equations are fitted by the rule ``ml`` and run freely by
    ``brainsim snn sample``.

    References
    ----------
    Gerstner, Kistler, Naud & Paninski (2014), Neuronal Dynamics, chapter 9.
    Pillow et al. (2008), Nature 454:995.
    """

    tau_m: float = quantity(10.0, "ms", "membrane time constant")

    name: ClassVar[str] = "lif"
    equations: ClassVar[str] = EQUATIONS
    update: ClassVar[str] = UPDATE
    leak: ClassVar[str] = LEAK
    threshold: ClassVar[str] = "spikes > 0"
