"""Ground-truth recordings that ``brainsim data simulate`` makes: one file each."""

import math
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
    synapses
        Outgoing synapses of every cell; 0: as many as `probability` gives.
    length_um
        The probability falls with distance d as exp(-d / length); `probability` is that of close neighbours.
    delay_ms
        Shortest and longest delay of a synapse; None: there are no delays, and every pair can learn a synapse.
    inhibitory_delay_ms
        The same for synapses of inhibitory cells; None: as for excitatory ones.
    """

    probability: float = 0.15
    excitatory: float = 1.5
    inhibitory: float = 3.0
    spread: float = 0.6
    strongest: float = 4.0
    synapses: int = 0
    length_um: float = math.inf
    delay_ms: tuple[float, float] | None = None
    inhibitory_delay_ms: tuple[float, float] | None = None


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
class PinkNoise:
    """Slow input of every cell with power 1/f, more alike the closer two cells are.

    Parameters
    ----------
    strength
        Standard deviation, in the unit of the input current of the neuron.
    length_um
        The correlation between two cells falls with distance d as exp(-d / length).
    lowest_hz, highest_hz
        Frequencies that it holds.
    frame_ms
        How finely it is given; between, it is interpolated.
    """

    strength: float
    length_um: float = 300.0
    lowest_hz: float = 0.05
    highest_hz: float = 25.0
    frame_ms: float = 10.0


@dataclass(frozen=True)
class Oscillations:
    """Rhythms that subgroups of cells share, each waxing and waning.

    Parameters
    ----------
    strength
        Standard deviation of a rhythm in a cell of its subgroup, in the unit of the input current of the neuron.
    frequencies_hz
        Frequency of each rhythm.
    share
        Probability that a cell belongs to the subgroup of a rhythm; subgroups overlap.
    waxing_s
        Correlation time of a rhythm's amplitude and phase.
    frame_ms
        How finely it is given; between, it is interpolated.
    """

    strength: float
    frequencies_hz: tuple[float, ...] = (7.0, 10.0, 20.0)
    share: float = 0.5
    waxing_s: float = 2.0
    frame_ms: float = 5.0


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
    dt_ms
        Time step.
    observed, observed_inhibitory
        How many of the cells are recorded, and how many of these are inhibitory; 0 observed: all are.
    """

    name: ClassVar[str] = ""
    neurons: int = 60
    inhibitory: int = 12
    frame_rate_hz: float = 10.0
    pause_s: float = 10.0
    dt_ms: float = 1.0
    observed: int = 0
    observed_inhibitory: int = 0

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

    def drive(self) -> PinkNoise | Oscillations | None:
        """Return the input that cells share, if any."""
        return None

    @abstractmethod
    def sessions(self) -> tuple[Session, ...]:
        """Return the sessions in order."""

    def indicator(self) -> Indicator | None:
        """Return the forward model of fluorescence; None where spikes were recorded."""
        return Indicator()
