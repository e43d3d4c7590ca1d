"""Readers: one file each, `guess` tells whether a file is theirs and `read` makes a Dataset of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import xarray as xr

from brainsim.description import Described


@dataclass(frozen=True)
class ReadOptions:
    """What a file may not tell about itself; `None` where the user did not say.

    Parameters
    ----------
    sampling_rate
        Frames per second [Hz].
    duration
        Length of an event-form recording [s].
    neurons
        Number of neurons of an event-form recording (neurons without spikes are kept).
    orientation
        ``"neuron-time"`` or ``"time-neuron"``.
    stimuli
        A stimulus table, or a file with one label per trial.
    """

    sampling_rate: float | None = None
    duration: float | None = None
    neurons: int | None = None
    orientation: str | None = None
    stimuli: Path | None = None


@dataclass(frozen=True)
class Reader(Described):
    """One file format.

    `priority` decides who is asked first when the format is guessed: a reader that recognises a signature (0) before
    one that recognises a shape of text (5).
    """

    priority: ClassVar[int] = 5
    suffixes: ClassVar[tuple[str, ...]] = ()

    def guess(self, source: Path) -> bool:
        """Tell whether `source` looks like this format, from its name and its first bytes only."""
        raise NotImplementedError

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return the recording as a Dataset that obeys the schema.

        Raises
        ------
        InputError
            Naming file, field and remedy.
        """
        raise NotImplementedError
