"""The original experiment, simulated small: the recording that is installed with brainsim."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.preset.pairing import Pairing


@dataclass(frozen=True)
class PairingSmall(Pairing):
    """The pairing experiment with 50 neurons and 14 sessions of 600 frames: the bundled recording."""

    name: ClassVar[str] = "pairing-small"
    neurons: int = 50
    inhibitory: int = 10
    frames: int = 600
