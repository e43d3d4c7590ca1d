"""Ground-truth recordings that ``brainsim data simulate`` makes: one file each."""

from dataclasses import dataclass


from brainsim.description import Described


@dataclass(frozen=True)
class Preset(Described):
    """A simulated experiment: what network, what stimuli, for how long."""
