"""Blocks of neurons: what does not fit into memory is read, changed and written so many neurons at a time."""

from collections.abc import Iterator

import xarray as xr

BLOCK_BYTES = 64 * 2**20
NUMBER_BYTES = 8


def neuron_blocks(trace: xr.DataArray, step: int = 1, block_bytes: int = BLOCK_BYTES) -> Iterator[slice]:
    """Give slices of `neuron` that cover a trace, each as large as memory allows.

    Parameters
    ----------
    trace
        Has a dimension `neuron`.
    step
        Blocks hold a multiple of so many neurons (where the memory is enough for that many).
    block_bytes
        Memory of a block as 64-bit numbers.
    """
    neurons = trace.sizes["neuron"]
    each = NUMBER_BYTES * max(1, trace.size // max(neurons, 1))
    most = max(1, block_bytes // each)
    most = max(most - most % step, min(most, step))
    for start in range(0, neurons, most):
        yield slice(start, min(start + most, neurons))


def chunk(trace: xr.DataArray, chunk_bytes: int = BLOCK_BYTES // 8) -> tuple[int, ...]:
    """Return the shape of the chunks of a trace on disk: whole time courses of a few neurons, as they are used.

    Parameters
    ----------
    trace
        Has a dimension `neuron`.
    chunk_bytes
        Memory of a chunk as 64-bit numbers; longer time courses are cut.
    """
    frames = max(1, min(trace.sizes["time"], chunk_bytes // NUMBER_BYTES))
    trials = max(1, min(trace.sizes.get("trial", 1), chunk_bytes // (NUMBER_BYTES * frames)))
    neurons = max(1, min(trace.sizes["neuron"], chunk_bytes // (NUMBER_BYTES * frames * trials)))
    shape = {"time": frames, "trial": trials, "neuron": neurons}
    return tuple(shape[str(dim)] for dim in trace.dims)
