"""Plasticity rules: one file each, Brian2 equations as text at the top."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.description import Described


@dataclass(frozen=True)
class Rule(Described):
    """A plasticity rule: the Brian2 equations of a plastic synapse and the parameters that stand in them.

    `learns` says how: ``"online"`` rules change the weights while the network runs on the recorded input (`synapse`,
    `on_pre` and `on_post` are added to the synapses; `trace`, `on_spike`, `each_step` to the neurons); ``"gradient"``
    rules run the network on the recorded spikes and climb the likelihood, one pass after the other. `partner` names a
    boolean of `trace`: what says that `on_post` changes nothing at synapses from cells where it is false.
    """

    neuron: ClassVar[str] = "izhikevich"
    learns: ClassVar[str] = "online"
    synapse: ClassVar[str] = ""
    on_pre: ClassVar[str] = ""
    on_post: ClassVar[str] = ""
    trace: ClassVar[str] = ""
    on_spike: ClassVar[str] = ""
    each_step: ClassVar[str] = ""
    partner: ClassVar[str] = ""
    initial: ClassVar[dict[str, float]] = {}
