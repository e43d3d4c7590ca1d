"""A hundred observed cells of the thousand of Izhikevich's network with axonal delays."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.neuron import Neuron
from brainsim.neuron.izhikevich_thalamic import IzhikevichThalamic
from brainsim.preset import Preset, Session, Wiring


@dataclass(frozen=True)
class IzhikevichSampled(Preset):
    """A hundred observed of 1000 Izhikevich neurons with delays of up to 20 ms; an hour.

    800 excitatory and 200 inhibitory cells with 100 outgoing synapses each. Excitatory delays lie between 1 and 20 ms,
    inhibitory ones are 1 ms; random thalamic kicks keep the network awake. Weights are log-normal and do not learn.

    References
    ----------
    Izhikevich (2006), Neural Computation 18:245.
    """

    name: ClassVar[str] = "izhikevich-sampled"
    neurons: int = 1000
    inhibitory: int = 200
    observed: int = 100
    observed_inhibitory: int = 20

    def neuron(self) -> Neuron:
        """Return regular-spiking excitatory and fast-spiking inhibitory cells."""
        return IzhikevichThalamic(kick_rate=2.0)

    def wiring(self) -> Wiring:
        """Return a hundred synapses of every cell."""
        return Wiring(
            excitatory=3.0,
            inhibitory=12.0,
            spread=1.2,
            strongest=5.0,
            synapses=100,
            delay_ms=(1.0, 20.0),
            inhibitory_delay_ms=(1.0, 1.0),
        )

    def sessions(self) -> tuple[Session, ...]:
        """Return an hour."""
        return (Session("spontaneous", 36000),)

    def indicator(self) -> None:
        """Return no indicator: spikes are recorded."""
