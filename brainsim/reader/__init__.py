"""Readers: one file each, `guess` tells whether a file is theirs and `read` makes a Dataset of it."""

from abc import ABC, abstractmethod
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
    units
        Unit of ``calcium``: ``"dF/F"``, ``"raw fluorescence"`` or ``"active fraction"``.
    variable
        Which of several traces or matrices in a file to read, by its name.
    rois
        ``"accepted"`` (by default) or ``"all"`` ROIs.
    neuropil
        Share of the neuropil that is taken off; by default the one that the file tells.
    cell_type
        ``"E"`` or ``"I"`` for all neurons, or a table ``neuron,cell_type``; any format takes it.
    """

    sampling_rate: float | None = None
    duration: float | None = None
    neurons: int | None = None
    orientation: str | None = None
    stimuli: Path | None = None
    units: str | None = None
    variable: str | None = None
    rois: str | None = None
    neuropil: float | None = None
    cell_type: str | None = None


@dataclass(frozen=True)
class Reader(Described, ABC):
    """One file format.

    `priority` decides who is asked first when the format is guessed: a reader that recognises a signature (0) before
    one that recognises a shape of text (5). `takes` names the options that this format has a use for; any other is
    refused rather than ignored. `reads_stimuli` is set where :meth:`read` needs ``options.stimuli`` itself; otherwise
    the table is attached afterwards.
    """

    priority: ClassVar[int] = 5
    suffixes: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[tuple[str, ...]] = ("sampling_rate", "stimuli", "units")
    reads_stimuli: ClassVar[bool] = False

    def companion(self, source: Path) -> Path | None:
        """Return the file beside `source` that holds its stimuli by the custom of the format, if there is one."""
        return None

    def files(self, source: Path) -> list[Path]:
        """Return the files that a source consists of, whose checksum is kept: all those in a folder."""
        return sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]

    @abstractmethod
    def guess(self, source: Path) -> bool:
        """Tell whether `source` looks like this format, from its name and its first bytes only."""

    @abstractmethod
    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return the recording as a Dataset that obeys the schema.

        Raises
        ------
        InputError
            Naming file, field and remedy.
        """
