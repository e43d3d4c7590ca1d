"""Deconvolution of a recording that does not fit into memory: from disk to disk, block by block of neurons."""

from pathlib import Path

import numpy as np
import xarray as xr

from brainsim import schema
from brainsim.atomic import drafted
from brainsim.block import neuron_blocks
from brainsim.calcium import ESTIMATES, by_note, described, infer, informed
from brainsim.deconvolution import Deconvolution
from brainsim.error import InputError
from brainsim.fluorescence import FROM_RAW, no_baseline
from brainsim.progress import Progress, silent
from brainsim.store import check_target, naming, open_recording
from brainsim.zarr_store import TRACES, ZarrDraft


def deconvolve_file(
    source: str | Path,
    target: str | Path,
    method: Deconvolution | None = None,
    workers: int = 1,
    progress: Progress = silent,
    *,
    overwrite: bool = False,
) -> xr.Dataset:
    """Deconvolve a recording on disk into a Zarr folder: :func:`brainsim.calcium.deconvolve`, bit for bit.

    Memory holds a block of neurons (some 100 MiB of trace), whatever the length of the recording, if it is a Zarr
    folder; a netCDF file is read as a whole.

    Parameters
    ----------
    source
        The recording, ``.zarr`` or ``.nc``.
    target
        A ``.zarr`` folder; it is there when all went well.
    method, workers, progress
        As there.
    overwrite
        Replace an existing target.

    Returns
    -------
    Dataset
        What was written, its traces on disk.

    Raises
    ------
    InputError
        As there; or if the recording is damaged.
    OutputError
        If the target exists or cannot be written.
    """
    target = check_target(target, overwrite=overwrite, suffixes=(".zarr",))
    recording = open_recording(source, validate=False, lazy=True)
    if "calcium" not in recording or "neuron" not in recording["calcium"].dims:
        schema.validate(recording, str(source))
        raise InputError(
            "there is no calcium to deconvolve",
            where=f"{source}, field 'calcium'",
            remedy="an event-form recording holds its spikes already",
        )
    method = informed(method, recording)
    with drafted(target) as draft, ZarrDraft(draft) as written:
        _write(recording, Path(source), written, method, workers, progress)
    return open_recording(target, validate=False, lazy=True)


def _write(
    recording: xr.Dataset, source: Path, written: ZarrDraft, method: Deconvolution, workers: int, progress: Progress
) -> None:
    """Deconvolve block by block, then write what was learned of all neurons."""
    calcium, neurons = recording["calcium"], recording.sizes["neuron"]
    rest = recording.drop_vars([name for name in (*TRACES, *ESTIMATES) if name in recording.variables])
    _check(rest, calcium, source)
    axes = xr.Dataset(coords={name: rest[name] for name in ("time", "neuron") if name in rest}, attrs=rest.attrs)
    written.add("calcium", calcium)
    estimates, notes, general = [], [], []
    for block in neuron_blocks(calcium, step=written.step("calcium")):

        def show(done: int, total: int, note: str = "", start: int = block.start) -> None:
            progress(start + done, neurons, note)

        part = _read(axes.assign(calcium=calcium), block, source)
        with naming(recording, str(source)):
            found = infer(part, method, workers, show, whole=False)
        if not block.start:
            written.add("spikes", calcium, found.spikes.dtype, found.spikes.attrs)
        written.write("calcium", block, found.calcium)
        written.write("spikes", block, found.spikes)
        estimates += found.estimates
        notes += found.notes
        general = found.general
    if FROM_RAW in general and not any(estimates):
        with naming(recording, str(source)):
            raise no_baseline()
    written.finish(described(rest, estimates, method, [*general, *by_note(notes)]))


def _check(rest: xr.Dataset, calcium: xr.DataArray, source: Path) -> None:
    """Hold everything but the traces, which are looked at block by block, against the schema."""
    first = rest.isel(time=slice(0, 2)) if "time" in rest.dims else rest
    shape = [min(2, calcium.sizes[dim]) if dim == "time" else calcium.sizes[dim] for dim in calcium.dims]
    schema.validate(first.assign(calcium=(calcium.dims, np.broadcast_to(0.0, shape))), str(source))


def _read(recording: xr.Dataset, block: slice, source: Path) -> xr.Dataset:
    """Return a block of neurons in memory."""
    try:
        return recording.isel(neuron=block).load()
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"it cannot be read ({first})", where=f"{source}, field 'calcium'", remedy="it is damaged: copy it again"
        ) from error
