"""Nearest-neighbour multiplicative spike-timing-dependent plasticity, as the original study of brainsim used it."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.description import quantity
from brainsim.rule import Rule

# Cells that fire now are paired with the cells that fired at the last time at which any cell fired (`paired`).
# direction: +1 for E->E and I->E, -1 (signs reversed) for E->I, 0 (no change) for I->I.
SYNAPSE = "direction : 1 (constant)"
TRACE = """
t_last : second
t_latest : second
paired : boolean
"""
ON_PRE = """
t_latest_post = t
w *= 1 + plastic*direction*A_minus*exp(-(t - t_last_post)/tau_minus)*int(paired_post)
"""
ON_POST = """
w *= 1 + plastic*direction*A_plus*exp(-(t - t_last_pre)/tau_plus)*int(paired_pre)
"""
ON_SPIKE = "t_last = t"
EACH_STEP = "paired = t_last == t_latest"


@dataclass(frozen=True)
class NearestStdp(Rule):
    """Nearest-neighbour STDP with signs by cell type: pre before post strengthens, post before pre weakens.

    A synapse changes by the factor 1 + F, with F = A_plus exp(-dt/tau_plus) when the presynaptic cell fired at the
    network's last firing time and the postsynaptic cell fires now, and F = A_minus exp(-dt/tau_minus) the other way
    round. For E->I the signs of F are reversed; I->I does not change. No weight can change its sign.

    References
    ----------
    Gao, Wang, Chen & Zhong (2021), course project, section 3.2.
    Izhikevich & Desai (2003), Neural Computation 15:1511 (nearest-neighbour pairing).
    """

    A_plus: float = quantity(0.003, "1", "relative strengthening, pre before post")
    A_minus: float = quantity(-0.0015, "1", "relative weakening, post before pre")
    tau_plus: float = quantity(20.0, "ms", "time constant of strengthening")
    tau_minus: float = quantity(60.0, "ms", "time constant of weakening")

    name: ClassVar[str] = "nearest-stdp"
    synapse: ClassVar[str] = SYNAPSE
    trace: ClassVar[str] = TRACE
    on_pre: ClassVar[str] = ON_PRE
    on_post: ClassVar[str] = ON_POST
    on_spike: ClassVar[str] = ON_SPIKE
    each_step: ClassVar[str] = EACH_STEP
    partner: ClassVar[str] = "paired"
    initial: ClassVar[dict[str, float]] = {"t_last": -1.0, "t_latest": -2.0}
