"""Deconvolution as tasks: a block of neurons is read, deconvolved and kept by whoever has time."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from brainsim.block import neuron_blocks
from brainsim.cluster import Pool, Task, run
from brainsim.deconvolution import Deconvolution
from brainsim.error import InputError
from brainsim.fluorescence import FROM_RAW, no_baseline
from brainsim.inferred import Inferred, finite, infer, unit_of
from brainsim.progress import Progress
from brainsim.shard_store import Arrays, Shards, digest
from brainsim.store import open_recording
from brainsim.zarr_store import write_block

TASK_BYTES = 16 * 2**20


def infer_apart(dataset: xr.Dataset, method: Deconvolution, pool: Pool, progress: Progress) -> Inferred:
    """Deconvolve a recording in memory: :func:`brainsim.inferred.infer`, its blocks of neurons by the workers.

    Parameters
    ----------
    dataset
        A recording.
    method
        The method.
    pool
        Who does it.
    progress
        Called after each block.

    Raises
    ------
    InputError
        As there.
    """
    trace, blocks = dataset["calcium"], list(neuron_blocks(dataset["calcium"], block_bytes=TASK_BYTES))
    parts = [_keep(pool.shards, dataset, block) for block in blocks]
    keys = run(pool, [Task(deconvolved, (part, method)) for part in parts], progress, "neurons")
    found = [pool.shards.get(key) for key in keys]
    axis = trace.get_axis_num("neuron")
    spikes = trace.copy(data=np.concatenate([each["spikes"][...] for each in found], axis=axis)).drop_attrs()
    calcium, _ = finite(trace)
    names = trace["neuron"].values if "neuron" in trace.coords else np.arange(trace.sizes["neuron"])
    estimates, notes, general = gathered(pool.shards, keys)
    if FROM_RAW in general and not any(estimates):
        raise no_baseline()
    named = [(str(name), said) for name, (_, said) in zip(names, notes, strict=True)]
    return Inferred(calcium, spikes.assign_attrs(units=unit_of(method), method=method.name), estimates, named, general)


def _keep(shards: Shards, dataset: xr.Dataset, block: slice) -> str:
    """Keep what a task needs of a block of neurons; return its key."""
    trace = dataset["calcium"].isel(neuron=block)
    told = {"dims": list(map(str, trace.dims)), "attrs": dict(trace.attrs), "of_all": dict(dataset.attrs)}
    arrays = {"calcium": trace.values, "time": dataset["time"].values, "told": _written(told)}
    key = digest(arrays)
    shards.put(key, arrays)
    return key


def deconvolved(shards: Shards, part: str, method: Deconvolution) -> Arrays:
    """Deconvolve a block of neurons that lies in the store."""
    held = {name: values[...] for name, values in shards.get(part).items()}
    told = _read(held["told"])
    trace = xr.DataArray(held["calcium"], dims=told["dims"], attrs=told["attrs"])
    dataset = xr.Dataset({"calcium": trace}, {"time": held["time"]}, told["of_all"])
    found = infer(dataset, method, whole=False)
    return {"spikes": found.spikes.values, "told": _told(found)}


def written_apart(
    source: Path, draft: Path, method: Deconvolution, blocks: Sequence[slice], pool: Pool, progress: Progress
) -> list[str]:
    """Deconvolve a recording from Zarr to Zarr: each worker reads and writes blocks of its own.

    Returns
    -------
    list
        Keys of what was learned of each block: :func:`gathered`.
    """
    place = (str(source.resolve()), str(draft.resolve()))
    tasks = [Task(rewritten, (*place, block.start, block.stop, method)) for block in blocks]
    return run(pool, tasks, progress, "neurons")


def rewritten(shards: Shards, source: str, draft: str, first: int, last: int, method: Deconvolution) -> Arrays:
    """Deconvolve a block of neurons of a recording into the draft of another; whole chunks are written."""
    recording = shards.recall(f"recording {source}", lambda: open_recording(source, validate=False, lazy=True))
    found = infer(read_block(recording, slice(first, last)), method, whole=False)
    for name in ("calcium", "spikes"):
        write_block(Path(draft), name, slice(first, last), getattr(found, name))
    return {"told": _told(found)}


def read_block(recording: xr.Dataset, block: slice) -> xr.Dataset:
    """Return the calcium of a block of neurons in memory.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    axes, trace = (
        {name: recording[name] for name in ("time", "neuron") if name in recording.coords},
        recording["calcium"],
    )
    part = xr.Dataset({"calcium": trace.drop_vars(list(trace.coords))}, axes, recording.attrs)
    try:
        return part.isel(neuron=block).load()
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"it cannot be read ({first})", where="field 'calcium'", remedy="it is damaged: copy it again"
        ) from error


def gathered(
    shards: Shards, keys: Sequence[str]
) -> tuple[list[dict[str, float]], list[tuple[str, list[str]]], list[str]]:
    """Return the estimates of each neuron, what was wrong with it, and what was done to all."""
    told = [_read(shards.get(key)["told"][...]) for key in keys]
    notes = [(name, said) for each in told for name, said in each["notes"]]
    return [one for each in told for one in each["estimates"]], notes, told[-1]["general"]


def _told(found: Inferred) -> np.ndarray[Any, Any]:
    return _written({"estimates": found.estimates, "notes": found.notes, "general": found.general})


def _written(facts: dict[str, Any]) -> np.ndarray[Any, Any]:
    plain: Callable[[Any], Any] = lambda value: value.item()  # noqa: E731
    return np.frombuffer(json.dumps(facts, default=plain).encode(), np.uint8)


def _read(text: np.ndarray[Any, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(text.tobytes())
    return facts
