"""The pairing experiment in a network whose synapses do not learn: what a method must call unchanged."""

from dataclasses import dataclass, replace
from typing import ClassVar

from brainsim.preset import Session
from brainsim.preset.pairing import Pairing


@dataclass(frozen=True)
class PairingStatic(Pairing):
    """The pairing experiment at full size, the same cells, wiring and stimuli, but no synapse learns: a control."""

    name: ClassVar[str] = "pairing-static"

    def sessions(self) -> tuple[Session, ...]:
        """Return the 14 sessions, none of them plastic."""
        return tuple(replace(session, plastic=False) for session in super().sessions())
