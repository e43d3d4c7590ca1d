"""Integrate-and-fire neurons under slow common input: what correlates is rarely connected."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.neuron import Neuron
from brainsim.neuron.integrate_and_fire import IntegrateAndFire
from brainsim.preset import PinkNoise, Preset, Session, Wiring


@dataclass(frozen=True)
class LifCommonInput(Preset):
    """Twenty observed of 40 integrate-and-fire neurons driven by slow input that neighbours share; an hour.

    The input has power 1/f and is correlated over hundreds of micrometres, as are the connections: correlations on
    slow time scales tell of the input, not of synapses.

    References
    ----------
    Brody (1999), Neural Computation 11:1537.
    """

    name: ClassVar[str] = "lif-common-input"
    neurons: int = 40
    inhibitory: int = 8
    observed: int = 20
    observed_inhibitory: int = 4
    dt_ms: float = 0.5

    def neuron(self) -> Neuron:
        """Return cells below threshold on average."""
        return IntegrateAndFire(mean_drive=11.5, drive_spread=0.5, noise=3.0)

    def wiring(self) -> Wiring:
        """Return connections between neighbours."""
        return Wiring(
            0.4, excitatory=1.5, inhibitory=3.0, spread=0.4, strongest=3.0, length_um=250.0, delay_ms=(1.0, 4.0)
        )

    def drive(self) -> PinkNoise:
        """Return slow noise that neighbours share."""
        return PinkNoise(strength=4.0, length_um=400.0)

    def sessions(self) -> tuple[Session, ...]:
        """Return an hour."""
        return (Session("spontaneous", 36000),)

    def indicator(self) -> None:
        """Return no indicator: spikes are recorded."""
