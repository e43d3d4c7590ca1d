"""The recordings that are installed with brainsim."""

from importlib.resources import files
from pathlib import Path

import xarray as xr

from brainsim.error import UnknownName
from brainsim.store import open_recording


def paths() -> dict[str, Path]:
    """Return the installed recordings, ``{name: path}``."""
    folder = Path(str(files("brainsim_dataset")))
    return {path.stem: path for path in sorted(folder.glob("*.nc"))}


def load_dataset(name: str = "pairing-small") -> xr.Dataset:
    """Open an installed recording.

    Parameters
    ----------
    name
        One of those that ``brainsim data list`` prints.

    Raises
    ------
    UnknownName
        With the nearest right name.

    Examples
    --------
    >>> recording = load_dataset("pairing-small")
    >>> recording["calcium"].dims, recording.sizes["neuron"], float(recording.attrs["sampling_rate_hz"])
    (('time', 'neuron'), 50, 10.0)
    """
    known = paths()
    if name not in known:
        raise UnknownName("bundled recording", name, known)
    return open_recording(known[name])
