"""A dense balanced network of leaky integrate-and-fire neurons, all of them observed."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.neuron import Neuron
from brainsim.neuron.integrate_and_fire import IntegrateAndFire
from brainsim.preset import Preset, Session, Wiring


@dataclass(frozen=True)
class LifDense(Preset):
    """Dense balanced network of 100 integrate-and-fire neurons, all observed for 50 s.

    80 excitatory and 20 inhibitory cells, a fifth of all pairs connected, inhibition five times as strong, one delay of
    1.5 ms, white noise, in the regime of asynchronous irregular firing.

    References
    ----------
    Brunel (2000), Journal of Computational Neuroscience 8:183.
    """

    name: ClassVar[str] = "lif-dense"
    neurons: int = 100
    inhibitory: int = 20
    dt_ms: float = 0.5

    def neuron(self) -> Neuron:
        """Return cells near threshold."""
        return IntegrateAndFire(mean_drive=14.5, noise=6.0)

    def wiring(self) -> Wiring:
        """Return random connections with weights that hardly differ."""
        return Wiring(probability=0.2, excitatory=0.8, inhibitory=4.0, spread=0.1, delay_ms=(1.5, 1.5))

    def sessions(self) -> tuple[Session, ...]:
        """Return 50 s."""
        return (Session("spontaneous", 500),)

    def indicator(self) -> None:
        """Return no indicator: spikes are recorded."""
