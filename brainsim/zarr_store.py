"""Recordings as Zarr: a checksum in every chunk, and every chunk is written, so that a missing one is a damage too.

Traces are written block by block of neurons, and read when they are used: neither has to fit into memory.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from brainsim.block import chunk, neuron_blocks
from brainsim.error import InputError

TRACES = ("calcium", "spikes")


def is_zarr(path: Path) -> bool:
    """Tell whether it is a folder that Zarr wrote, whatever its name."""
    return path.is_dir() and any((path / name).is_file() for name in ("zarr.json", ".zgroup"))


def read_zarr(path: Path, *, lazy: bool) -> xr.Dataset:
    """Return what is in a Zarr folder.

    Parameters
    ----------
    path
        The folder.
    lazy
        Leave the traces on disk until they are used.

    Raises
    ------
    InputError
        If chunks are missing, which Zarr would take for fill values, or it is an NWB file.
    """
    import zarr

    group = zarr.open_group(path, mode="r")
    if group.attrs.get("neurodata_type") == "NWBFile":
        raise InputError(
            "it is NWB stored as Zarr, which brainsim does not read",
            where=f"{path}, field 'file'",
            remedy="write it as HDF5 with hdmf-zarr and pynwb: "
            f"NWBHDF5IO('{path.name.split('.')[0]}.nwb', 'w').export(src_io=NWBZarrIO('{path.name}', 'r'))",
        )
    for name, array in group.arrays():
        if array.nchunks_initialized < array.nchunks:
            raise InputError(
                f"{array.nchunks - array.nchunks_initialized} of its {array.nchunks} chunks are missing",
                where=f"{path}, field '{name}'",
                remedy="copy the folder again; what is missing on purpose is written with write_empty_chunks=True",
            )
    one_index = group.metadata.consolidated_metadata is not None
    dataset: xr.Dataset = xr.open_dataset(path, engine="zarr", chunks=None, cache=False, consolidated=one_index)
    if not lazy:
        return dataset.load()
    held = [name for name in TRACES if name in dataset and "neuron" in dataset[name].dims]
    return dataset.drop_vars(held).load().assign({name: dataset[name] for name in held})


def write_zarr(dataset: xr.Dataset, draft: Path) -> None:
    """Write a Dataset; traces that are not in memory are read in blocks.

    Parameters
    ----------
    dataset
        A Dataset that obeys the schema.
    draft
        A path where nothing is yet.
    """
    traces = {name: dataset[name] for name in TRACES if name in dataset}
    with ZarrDraft(draft) as target:
        for name, trace in traces.items():
            target.add(name, trace)
            for block in neuron_blocks(trace, step=target.step(name)):
                target.write(name, block, trace.isel(neuron=block))
        target.finish(dataset.drop_vars(list(traces)))


class ZarrDraft:
    """A Zarr folder that is being written, trace by trace and block by block.

    Parameters
    ----------
    path
        A path where nothing is yet.
    """

    def __init__(self, path: Path) -> None:
        import zarr

        self.path = path
        self._config = zarr.config.set({"array.write_empty_chunks": True})
        self._arrays: dict[str, Any] = {}

    def __enter__(self) -> "ZarrDraft":
        import zarr

        self._config.__enter__()
        self._group = zarr.open_group(self.path, mode="w", zarr_format=2)
        return self

    def __exit__(self, *failure: object) -> None:
        self._config.__exit__(*failure)

    def add(self, name: str, like: xr.DataArray, dtype: Any = None, attrs: Mapping[Any, Any] | None = None) -> None:
        """Make room for a trace.

        Parameters
        ----------
        name
            Its name.
        like
            Has its shape and dimensions; its values are not looked at.
        dtype, attrs
            Type and attributes; by default those of `like`.
        """
        dtype = np.dtype(dtype or like.dtype).newbyteorder("=")
        told = _plain(like.attrs if attrs is None else attrs)
        self._arrays[name] = self._group.create_array(
            name,
            shape=like.shape,
            chunks=chunk(like),
            dtype=dtype,
            fill_value=np.nan if dtype.kind == "f" else None,
            filters=_checksum(),
            attributes={"_ARRAY_DIMENSIONS": list(map(str, like.dims)), **told},
        )

    def step(self, name: str) -> int:
        """Return how many neurons a chunk holds."""
        array = self._arrays[name]
        return int(array.chunks[array.attrs["_ARRAY_DIMENSIONS"].index("neuron")])

    def write(self, name: str, block: slice, values: xr.DataArray) -> None:
        """Write the trace of a block of neurons; `values` has the dimensions that it was made room for with."""
        write_block(self.path, name, block, values)

    def finish(self, rest: xr.Dataset) -> None:
        """Write everything that is no trace, and the index of all."""
        numeric = [name for name, held in rest.variables.items() if np.issubdtype(held.dtype, np.number) and held.ndim]
        encoding = {name: {"filters": _checksum()} for name in numeric}
        rest.drop_encoding().to_zarr(self.path, mode="a", zarr_format=2, consolidated=True, encoding=encoding)


def write_block(path: Path, name: str, block: slice, values: xr.DataArray) -> None:
    """Write the trace of a block of neurons to a draft that another process made; chunks belong to one block each."""
    import zarr

    with zarr.config.set({"array.write_empty_chunks": True}):
        array: Any = zarr.open_group(path, mode="r+")[name]
        where = tuple(block if dim == "neuron" else slice(None) for dim in array.attrs["_ARRAY_DIMENSIONS"])
        array[where] = values.values


def _checksum() -> list[Any]:
    from numcodecs import CRC32

    return [CRC32()]


def _plain(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Return attributes that JSON can hold."""
    return {str(name): value.tolist() if hasattr(value, "tolist") else value for name, value in attrs.items()}
