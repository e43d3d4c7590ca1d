"""A network with smaller, more frequent bursts seen through a faster indicator at 50 frames per second."""

from dataclasses import dataclass, replace
from typing import ClassVar

from brainsim.indicator import Indicator
from brainsim.neuron.integrate_and_fire import IntegrateAndFire
from brainsim.preset import Wiring
from brainsim.preset.calcium_10hz import Calcium10Hz


@dataclass(frozen=True)
class Calcium50Hz(Calcium10Hz):
    """Sixty cells of a network with smaller, more frequent bursts, under a fast indicator at 50 frames/s for 20 min."""

    name: ClassVar[str] = "calcium-50hz"
    observed: int = 60
    observed_inhibitory: int = 12
    frame_rate_hz: float = 50.0
    minutes: float = 20.0

    def neuron(self) -> IntegrateAndFire:
        """Return cells that adapt more, and recover sooner."""
        return replace(super().neuron(), jump=4.0, tau_adaptation=500.0)

    def wiring(self) -> Wiring:
        """Return stronger excitation, held by stronger inhibition."""
        return replace(super().wiring(), excitatory=2.2, inhibitory=3.5)

    def indicator(self) -> Indicator:
        """Return an indicator whose transients last half as long."""
        return Indicator(rise=0.02, decay=0.3)
