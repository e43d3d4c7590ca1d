"""Ground-truth recordings that ``brainsim data simulate`` makes: one file each."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from brainsim.description import Described
from brainsim.indicator import Indicator
from brainsim.neuron import Neuron
from brainsim.rule import Rule
from brainsim.rule.static import Static


@dataclass(frozen=True)
class Wiring:
    """Random connections of excitatory and inhibitory cells.

    Parameters
    ----------
    probability
        Probability that a pair is connected.
    excitatory, inhibitory
        Mean weight of a synapse (inhibitory: its size); weights are log-normal.
    spread
        Standard deviation of the logarithm of a weight.
    strongest
        Upper bound of a weight, in units of the mean.
    """

    probability: float = 0.15
    excitatory: float = 1.5
    inhibitory: float = 3.0
    spread: float = 0.6
    strongest: float = 4.0


@dataclass(frozen=True)
class Session:
    """A stretch of recording.

    Parameters
    ----------
    name
        Name of the session.
    frames
        Length in frames.
    stimulus
        Channels that are stimulated, in order; each `gap_s` after the one before. Empty for no stimulus.
    plastic
        Whether synapses learn.
    """

    name: str
    frames: int
    stimulus: tuple[str, ...] = ()
    plastic: bool = False

    @property
    def label(self) -> str:
        """Name of the stimulus of its trials, for example ``aud_air``."""
        return "_".join(self.stimulus)


@dataclass(frozen=True)
class Afferents:
    """Fibres that carry a stimulus: Poisson bursts onto the cells of one ensemble.

    Parameters
    ----------
    channels
        Stimuli, ``{name: share of the excitatory cells that respond}``.
    fibres
        Fibres of each channel.
    targets
        Share of its ensemble that a fibre reaches.
    rate_hz, burst_s
        Rate of a fibre during a burst and how long a burst lasts.
    weight
        Weight of a fibre onto a responsive cell.
    onto_inhibitory
        Share of the inhibitory cells that receive a channel too.
    gap_s
        Time between two paired stimuli.
    interval_s
        Shortest time between two trials.
    jitter_s
        The time between two trials is longer by up to this.
    trial_frames
        Frames of a trial from onset.
    """

    channels: dict[str, float] = field(default_factory=dict)
    fibres: int = 60
    targets: float = 0.2
    rate_hz: float = 25.0
    burst_s: float = 0.5
    weight: float = 3.0
    onto_inhibitory: float = 0.3
    gap_s: float = 0.2
    interval_s: float = 2.9
    jitter_s: float = 0.3
    trial_frames: int = 29


@dataclass(frozen=True)
class Preset(Described, ABC):
    """A simulated experiment: which network, which stimuli, for how long, seen through which indicator.

    Attributes
    ----------
    neurons, inhibitory
        Cells, and how many of them are inhibitory.
    frame_rate_hz
        Frames per second.
    pause_s
        Time between two sessions.
    """

    name: ClassVar[str] = ""
    neurons: int = 60
    inhibitory: int = 12
    frame_rate_hz: float = 10.0
    pause_s: float = 10.0

    @abstractmethod
    def neuron(self) -> Neuron:
        """Return the model of every cell."""

    def rule(self) -> Rule:
        """Return how synapses learn in plastic sessions."""
        return Static()

    def wiring(self) -> Wiring:
        """Return how cells are connected."""
        return Wiring()

    def afferents(self) -> Afferents:
        """Return the fibres that carry the stimuli."""
        return Afferents()

    @abstractmethod
    def sessions(self) -> tuple[Session, ...]:
        """Return the sessions in order."""

    def indicator(self) -> Indicator:
        """Return the forward model of fluorescence."""
        return Indicator()
