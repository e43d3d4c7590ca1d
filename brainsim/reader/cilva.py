"""Text files of CILVA: fluorescence and one stimulus code per frame."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import xarray as xr

from brainsim.error import InputError
from brainsim.reader import Reader, ReadOptions
from brainsim.reader._stimuli import attach, trials_of_codes
from brainsim.reader._text import looks_like_text, read_table

IMAGING_RATE = 2.1646


@dataclass(frozen=True)
class Cilva(Reader):
    """CILVA text: a .ca2 matrix of neuron x frame and a .stim file with one stimulus code per frame.

    A run of frames with one code other than 0 is a trial. The files do not hold their frame rate; without
    `sampling_rate` the default imaging rate of CILVA is taken, 2.1646 Hz, and a notice says so.

    References
    ----------
    Triplett, Pujic, Sun, Avitan, Goodhill, Model-based decoupling of evoked and spontaneous neural activity in calcium
    imaging data, PLOS Computational Biology 16 (2020).
    """

    name: ClassVar[str] = "cilva"
    priority: ClassVar[int] = 1
    suffixes: ClassVar[tuple[str, ...]] = (".ca2",)
    takes: ClassVar[tuple[str, ...]] = ("sampling_rate", "stimuli", "units")
    reads_stimuli: ClassVar[bool] = True

    def guess(self, source: Path) -> bool:
        """Tell whether it is a text file that ends in .ca2."""
        return looks_like_text(source, self.suffixes)

    def companion(self, source: Path) -> Path | None:
        """Return the .stim file of the same name."""
        beside = source.with_suffix(".stim")
        return beside if beside.is_file() else None

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return ``calcium (time, neuron)`` and, where there are stimuli, the trials.

        Raises
        ------
        InputError
            If a cell is no number, or there is not one code for each frame.
        """
        table = read_table(source)
        values = table.numbers(range(len(table.header or table.rows[0])))
        if table.header:
            raise InputError(
                "the first line holds names, not numbers",
                where=f"{source}, field 'line 1'",
                remedy="read it with --format csv-wide --orientation neuron-time",
            )
        rate = options.sampling_rate or IMAGING_RATE
        notices = list(table.notices)
        if options.sampling_rate is None:
            notices.append(
                f"{source.name} does not hold its frame rate: {IMAGING_RATE} Hz, the default of CILVA, "
                "was taken; give --sampling-rate if it is another"
            )
        calcium = ("time", "neuron"), values.T, {"units": options.units or "dF/F"}
        coords = {"time": np.arange(values.shape[1]) / rate, "neuron": np.arange(values.shape[0])}
        dataset = xr.Dataset({"calcium": calcium}, coords=coords, attrs={"sampling_rate_hz": rate})
        if options.stimuli is not None and read_table(options.stimuli).column("onset_s") is not None:
            dataset = attach(dataset, options.stimuli)
        elif options.stimuli is not None:
            dataset = dataset.assign_coords(trials_of_codes(_codes(options.stimuli, source, values.shape[1]), rate))
        dataset.attrs["notices"] = "\n".join(notices)
        return dataset


def _codes(path: Path, source: Path, frames: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the stimulus code of each frame."""
    table = read_table(path)
    if table.header:
        raise InputError(
            f"'{table.header[0]}' in line 1 is no stimulus code",
            where=f"{path}, field 'stimulus'",
            remedy="give one code per frame, 0 for none",
        )
    codes = table.numbers(range(len(table.rows[0]))).ravel()
    if len(codes) != frames:
        raise InputError(
            f"there are {len(codes)} stimulus codes for the {frames} frames of {source}",
            where=f"{path}, field 'stimulus'",
            remedy="give the .stim file of the same recording",
        )
    if not np.isfinite(codes).all():
        raise InputError(
            f"{int((~np.isfinite(codes)).sum())} codes are missing",
            where=f"{path}, field 'stimulus'",
            remedy="give one code per frame, 0 for none",
        )
    return codes
