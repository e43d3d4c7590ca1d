"""Integrate-and-fire neurons under rhythms that overlapping subgroups share."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.neuron import Neuron
from brainsim.neuron.integrate_and_fire import IntegrateAndFire
from brainsim.preset import Oscillations, Preset, Session, Wiring


@dataclass(frozen=True)
class LifOscillation(Preset):
    """A hundred observed of 500 integrate-and-fire neurons with rhythms of 7, 10 and 20 Hz; an hour.

    Each rhythm reaches half of the cells and waxes and wanes over seconds; weights are log-normal with a long tail.

    References
    ----------
    Buzsaki & Draguhn (2004), Science 304:1926.
    Song, Sjostrom, Reigl, Nelson & Chklovskii (2005), PLoS Biology 3:e68.
    """

    name: ClassVar[str] = "lif-oscillation"
    neurons: int = 500
    inhibitory: int = 100
    observed: int = 100
    observed_inhibitory: int = 20
    dt_ms: float = 0.5

    def neuron(self) -> Neuron:
        """Return cells below threshold on average; inhibitory ones are closer to it."""
        return IntegrateAndFire(mean_drive=12.0, drive_spread=0.7, inhibitory_drive=2.0, noise=3.0)

    def wiring(self) -> Wiring:
        """Return log-normal weights: few strong synapses among many weak ones."""
        return Wiring(0.08, excitatory=0.7, inhibitory=2.0, spread=1.0, strongest=6.0, delay_ms=(1.0, 5.0))

    def drive(self) -> Oscillations:
        """Return rhythms of 7, 10 and 20 Hz."""
        return Oscillations(strength=3.0)

    def sessions(self) -> tuple[Session, ...]:
        """Return an hour."""
        return (Session("spontaneous", 36000),)

    def indicator(self) -> None:
        """Return no indicator: spikes are recorded."""
