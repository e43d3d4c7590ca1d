"""A bursting network seen through an indicator at 30 frames per second."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.preset.calcium_10hz import Calcium10Hz


@dataclass(frozen=True)
class Calcium30Hz(Calcium10Hz):
    """The bursting network with 80 of its cells observed at 30 frames/s for 20 min."""

    name: ClassVar[str] = "calcium-30hz"
    frame_rate_hz: float = 30.0
    minutes: float = 20.0
