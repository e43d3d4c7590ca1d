"""A recording, a fit or generated trials as NWB 2, which reads back as the same data."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import xarray as xr

from brainsim import schema
from brainsim.nwb_layout import Layout
from brainsim.nwb_session import session
from brainsim.store import check_target, drafted

SUFFIX = ".nwb"


def write_nwb(dataset: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a Dataset as NWB 2, atomically.

    Parameters
    ----------
    dataset
        A recording, a fit or any other Dataset that obeys the schema.
    path
        Target, ending in .nwb.
    overwrite
        Replace an existing target.

    Returns
    -------
    Path
        The target. ``brainsim data read`` gives the same Dataset back.

    Raises
    ------
    InputError
        If the Dataset breaks the schema, or holds a type that NWB does not know.
    OutputError
        If the target exists or cannot be written.

    References
    ----------
    Rübel et al., The Neurodata Without Borders ecosystem for neurophysiological data science, eLife 11 (2022).
    """
    from pynwb import NWBHDF5IO

    path = check_target(path, overwrite=overwrite, suffixes=(SUFFIX,))
    schema.validate(dataset, str(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # regular timestamps are kept: only so they read back bit for bit
        file = session(dataset)
        Layout(dataset).fill(file)
        with drafted(path) as draft, _as_failed_writing(), NWBHDF5IO(str(draft), "w") as io:
            io.write(file)
    return path


@contextmanager
def _as_failed_writing() -> Iterator[None]:
    """Bring out the failure of the disk that hdmf wraps into another."""
    try:
        yield
    except Exception as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise
