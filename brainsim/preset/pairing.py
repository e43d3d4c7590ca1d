"""The original experiment, simulated at its full size: 259 neurons, 14 sessions of 1200 frames."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.neuron import Neuron
from brainsim.neuron.izhikevich import Izhikevich
from brainsim.preset import Afferents, Preset, Session, Wiring
from brainsim.rule import Rule
from brainsim.rule.nearest_stdp import NearestStdp

SINGLE = (("vis",), ("aud",), ("air",))
PAIRS = (("vis", "aud"), ("aud", "vis"), ("vis", "air"), ("air", "vis"), ("aud", "air"), ("air", "aud"))


@dataclass(frozen=True)
class Pairing(Preset):
    """The pairing experiment: light, sound and airpuff alone, paired (synapses learn), and alone again.

    14 sessions: baseline, vis, aud, air, the six ordered pairs with 200 ms between the two, then vis, aud, air and
    baseline again. STDP is on in the six paired sessions only, so `true_weight_before` and `true_weight` are known.

    References
    ----------
    Gao, Wang, Chen & Zhong (2021), course project.
    """

    name: ClassVar[str] = "pairing"
    neurons: int = 259
    inhibitory: int = 52
    frames: int = 1200

    def neuron(self) -> Neuron:
        """Return Izhikevich cells with noisy input."""
        return Izhikevich(noise_excitatory=3.5, noise_inhibitory=2.4, noise_spread=0.12)

    def rule(self) -> Rule:
        """Return the rule of the original study, nearly twice as fast: a paired session lasts two minutes."""
        return NearestStdp(A_plus=0.005, A_minus=-0.0025)

    def wiring(self) -> Wiring:
        """Return few strong synapses per cell, so that two minutes of a session can tell them."""
        return Wiring(probability=5.0 / self.neurons, excitatory=4.0, inhibitory=6.0, spread=0.4, strongest=2.5)

    def afferents(self) -> Afferents:
        """Return light, sound and airpuff, each onto its ensemble."""
        return Afferents(channels={"vis": 0.25, "aud": 0.25, "air": 0.35})

    def sessions(self) -> tuple[Session, ...]:
        """Return the 14 sessions."""
        alone = [Session("_".join(s), self.frames, s) for s in SINGLE]
        again = [Session(f"{s.name}_again", s.frames, s.stimulus) for s in alone]
        paired = [Session("_".join(p), self.frames, p, plastic=True) for p in PAIRS]
        return (Session("baseline", self.frames), *alone, *paired, *again, Session("baseline_again", self.frames))
