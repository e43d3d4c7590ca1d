"""Deconvolution of a recording that does not fit into memory: from disk to disk, block by block of neurons."""

from pathlib import Path

import numpy as np
import xarray as xr

from brainsim import schema
from brainsim.atomic import drafted
from brainsim.block import neuron_blocks
from brainsim.calcium import ESTIMATES, described, informed
from brainsim.calcium_task import TASK_BYTES, gathered, written_apart
from brainsim.cluster import Pool, opened
from brainsim.deconvolution import Deconvolution
from brainsim.error import InputError
from brainsim.fluorescence import FROM_RAW, no_baseline
from brainsim.inferred import by_note, unit_of
from brainsim.progress import Progress, silent
from brainsim.store import check_target, naming, open_recording, validate_but_traces
from brainsim.zarr_store import TRACES, ZarrDraft


def deconvolve_file(
    source: str | Path,
    target: str | Path,
    method: Deconvolution | None = None,
    workers: int = 1,
    progress: Progress = silent,
    *,
    scheduler: str = "",
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
    method, workers, progress, scheduler
        As there; workers read and write their blocks themselves.
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
    with drafted(target) as draft, ZarrDraft(draft) as written, opened(workers, scheduler) as pool:
        _write(recording, Path(source), written, method, pool, progress)
    return open_recording(target, validate=False, lazy=True)


def _write(
    recording: xr.Dataset, source: Path, written: ZarrDraft, method: Deconvolution, pool: Pool, progress: Progress
) -> None:
    """Deconvolve block by block, then write what was learned of all neurons."""
    calcium = recording["calcium"]
    rest = recording.drop_vars([name for name in (*TRACES, *ESTIMATES) if name in recording.variables])
    validate_but_traces(rest.assign(calcium=calcium), str(source))
    written.add("calcium", calcium)
    written.add("spikes", calcium, np.float64, {"units": unit_of(method), "method": method.name})
    blocks = list(neuron_blocks(calcium, written.step("calcium"), TASK_BYTES))
    with naming(recording, str(source)):
        keys = written_apart(source, written.path, method, blocks, pool, progress)
        estimates, notes, general = gathered(pool.shards, keys)
        if FROM_RAW in general and not any(estimates):
            raise no_baseline()
    written.finish(described(rest, estimates, method, [*general, *by_note(notes)]))
