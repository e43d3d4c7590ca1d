"""Plasticity rules: one file each, Brian2 equations as text at the top."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.description import Described


@dataclass(frozen=True)
class Rule(Described):
    """A plasticity rule: the Brian2 equations of a plastic synapse and the parameters that stand in them."""

    neuron: ClassVar[str] = "izhikevich"
    synapse: ClassVar[str] = ""
    on_pre: ClassVar[str] = ""
    on_post: ClassVar[str] = ""
