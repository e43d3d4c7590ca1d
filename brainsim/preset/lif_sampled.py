"""A few observed cells of a larger, sparse, slowly firing network of leaky integrate-and-fire neurons."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.neuron import Neuron
from brainsim.neuron.integrate_and_fire import IntegrateAndFire
from brainsim.preset import Preset, Session, Wiring


@dataclass(frozen=True)
class LifSampled(Preset):
    """Twenty observed cells of 300 integrate-and-fire neurons that fire rarely; an hour.

    Six of a hundred pairs are connected. 280 cells stay hidden. Cells differ in their excitability.

    References
    ----------
    Brunel (2000), Journal of Computational Neuroscience 8:183.
    """

    name: ClassVar[str] = "lif-sampled"
    neurons: int = 300
    inhibitory: int = 60
    observed: int = 20
    observed_inhibitory: int = 4
    dt_ms: float = 0.5

    def neuron(self) -> Neuron:
        """Return cells that noise rarely brings to threshold."""
        return IntegrateAndFire(mean_drive=9.3, drive_spread=0.7, noise=4.0)

    def wiring(self) -> Wiring:
        """Return sparse connections with delays of one to three milliseconds."""
        return Wiring(0.06, excitatory=1.5, inhibitory=4.0, spread=0.4, strongest=3.0, delay_ms=(1.0, 3.0))

    def sessions(self) -> tuple[Session, ...]:
        """Return an hour."""
        return (Session("spontaneous", 36000),)

    def indicator(self) -> None:
        """Return no indicator: spikes are recorded."""
