"""A recording, a fit or generated trials as NWB 2, which reads back as the same data."""

import warnings
from pathlib import Path

import xarray as xr

from brainsim import schema
from brainsim.atomic import drafted
from brainsim.nwb_layout import Layout
from brainsim.nwb_session import session
from brainsim.store import check_target

SUFFIX = ".nwb"
BLOCK_BYTES = 1 << 20


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
    path = check_target(path, overwrite=overwrite, suffixes=(SUFFIX,))
    schema.validate(dataset, str(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # regular timestamps are kept: only so they read back bit for bit
        image = _image(dataset, path.name)
    with drafted(path) as draft:
        draft.write_bytes(image)
    return path


def _image(dataset: xr.Dataset, name: str) -> bytes:
    """Return the file, made in memory: where HDF5 itself cannot write, it ends the process."""
    import h5py
    from pynwb import NWBHDF5IO

    nwb = session(dataset)
    Layout(dataset).fill(nwb)
    with h5py.File(name, "w", driver="core", backing_store=False, block_size=BLOCK_BYTES) as memory:
        NWBHDF5IO(mode="w", file=memory).write(nwb)  # pyright: ignore[reportCallIssue] (made by a decorator)
        memory.flush()
        return bytes(memory.id.get_file_image())
