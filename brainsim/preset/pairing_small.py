"""The original experiment, simulated small: the recording that is installed with brainsim."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.preset.pairing import Pairing


@dataclass(frozen=True)
class PairingSmall(Pairing):
    """The pairing experiment with 60 neurons and 14 sessions of 400 frames: the bundled recording."""

    name: ClassVar[str] = "pairing-small"
    neurons: int = 60
    inhibitory: int = 12
    frames: int = 400
