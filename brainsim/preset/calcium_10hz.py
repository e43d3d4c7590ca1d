"""A bursting network seen through an indicator at 10 frames per second."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.neuron.integrate_and_fire import IntegrateAndFire
from brainsim.preset import Preset, Session, Wiring


@dataclass(frozen=True)
class Calcium10Hz(Preset):
    """Eighty observed of 300 adapting integrate-and-fire neurons with population bursts, at 10 frames/s for 30 min.

    Recurrent excitation ignites bursts, a slow adaptation current ends them, and between them single cells fire
    sparsely, as in cultures and in quiet cortex.

    References
    ----------
    van Vreeswijk & Hansel (2001), Neural Computation 13:959.
    Stetter, Battaglia, Soriano & Geisel (2012), PLoS Computational Biology 8:e1002653.
    """

    name: ClassVar[str] = "calcium-10hz"
    neurons: int = 300
    inhibitory: int = 60
    observed: int = 80
    observed_inhibitory: int = 16
    frame_rate_hz: float = 10.0
    dt_ms: float = 0.5
    minutes: float = 30.0

    def neuron(self) -> IntegrateAndFire:
        """Return adapting cells."""
        return IntegrateAndFire(
            mean_drive=11.0, drive_spread=1.0, tau_syn=5.0, dead_time=5.0, jump=3.0, tau_adaptation=600.0
        )

    def wiring(self) -> Wiring:
        """Return connections that fall with distance."""
        return Wiring(
            0.25, excitatory=1.8, inhibitory=2.0, spread=0.5, strongest=3.0, length_um=300.0, delay_ms=(1.0, 5.0)
        )

    def sessions(self) -> tuple[Session, ...]:
        """Return one session."""
        return (Session("spontaneous", round(self.minutes * 60 * self.frame_rate_hz)),)
