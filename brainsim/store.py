"""Recordings on disk: netCDF (`.nc`) and Zarr (`.zarr`) by suffix, written beside the target and renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from brainsim import schema
from brainsim.atomic import drafted, first_line, flush
from brainsim.error import InputError, OutputError
from brainsim.zarr_store import TRACES, is_zarr, read_zarr, write_zarr

SUFFIXES = (".nc", ".zarr")


def open_recording(path: str | Path, *, validate: bool = True, lazy: bool = False) -> xr.Dataset:
    """Read a recording, a fit or a result that brainsim wrote.

    Parameters
    ----------
    path
        A ``.nc`` file or a Zarr folder.
    validate
        Hold it against the schema.
    lazy
        Leave the traces of a Zarr folder on disk until they are used.

    Raises
    ------
    InputError
        If it is missing, is not netCDF or Zarr, is damaged, or breaks the schema.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from brainsim.dataset import load_dataset
    >>> with TemporaryDirectory() as folder:
    ...     path = save_recording(load_dataset().isel(time=slice(600)), f"{folder}/rec.nc")
    ...     dict(open_recording(path)["calcium"].sizes)
    {'time': 600, 'neuron': 50}
    """
    path = Path(path)
    if not path.exists():
        raise InputError("there is no such file", where=str(path), remedy="check the path")
    if path.suffix not in SUFFIXES and not is_zarr(path):
        raise InputError(
            f"a recording ends in {' or '.join(SUFFIXES)}",
            where=str(path),
            remedy=f"convert it: brainsim data read {path} --out REC.nc",
        )
    try:
        dataset = _read_netcdf(path) if path.suffix == ".nc" else read_zarr(path, lazy=lazy)
    except InputError:
        raise
    except Exception as error:
        kind = "netCDF" if path.suffix == ".nc" else "Zarr"
        raise InputError(
            f"it cannot be read as {kind} ({first_line(error)})",
            where=f"{path}, field 'file'",
            remedy="it is damaged or of another format: copy it again, or give the original to `brainsim data read`",
        ) from error
    return schema.validate(dataset, str(path)) if validate else dataset


def validate_but_traces(dataset: xr.Dataset, where: str) -> xr.Dataset:
    """Return a Dataset whose traces are on disk; everything but them is held against the schema.

    Raises
    ------
    InputError
        On the first error.
    """
    held = {name: dataset[name] for name in TRACES if name in dataset}
    rest = dataset.drop_vars(list(held))
    short = rest.isel(time=slice(0, 2)) if "time" in rest.dims else rest
    for name, trace in held.items():
        shape = [min(2, trace.sizes[dim]) if dim == "time" else trace.sizes[dim] for dim in trace.dims]
        short = short.assign({name: (trace.dims, np.broadcast_to(0.0, shape))})
    schema.validate(short, where)
    return dataset


def _refuse_links(path: Path) -> None:
    """Refuse a file whose data lie in another one: brainsim writes none, and a hostile one could show any file."""
    import h5py

    with h5py.File(path, "r") as file:
        for name in file:
            hard = isinstance(file.get(name, getlink=True), h5py.HardLink)
            if not hard or (isinstance(file[name], h5py.Dataset) and (file[name].external or file[name].is_virtual)):
                raise InputError(
                    "its data lie in another file: brainsim does not follow them",
                    where=f"{path}, field '{name}'",
                    remedy="write the data into the file itself",
                )


@contextmanager
def naming(dataset: xr.Dataset, otherwise: str) -> Iterator[None]:
    """Name the file of a Dataset in what is wrong with it, or call it `otherwise` where it came from no file.

    Raises
    ------
    InputError
        The one that arose, with its file.
    """
    try:
        yield
    except InputError as error:
        file = dataset.encoding.get("source", otherwise)
        raise InputError(error.what, where=f"{file}, {error.where}", remedy=error.remedy) from error


def save_recording(dataset: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a Dataset atomically: the old file or the new one is there, never half of one.

    Parameters
    ----------
    dataset
        A Dataset that obeys the schema.
    path
        Target; the suffix ``.nc`` or ``.zarr`` says the format.
    overwrite
        Replace an existing target.

    Raises
    ------
    OutputError
        If the target exists, the suffix is unknown, it cannot be written, or the Dataset holds what cannot be stored.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from brainsim.dataset import load_dataset
    >>> recording = load_dataset().isel(time=slice(600))
    >>> with TemporaryDirectory() as folder:
    ...     path = save_recording(recording, f"{folder}/rec.nc")
    ...     save_recording(recording, path)
    Traceback (most recent call last):
    brainsim.error.OutputError: ...
    """
    path = check_target(path, overwrite=overwrite)
    schema.validate(dataset, str(path))
    try:
        with drafted(path) as draft:
            if path.suffix == ".zarr":
                write_zarr(dataset, draft)
            else:
                draft.write_bytes(netcdf(dataset))
    except (TypeError, ValueError) as error:
        raise OutputError(
            f"it holds what {'Zarr' if path.suffix == '.zarr' else 'netCDF'} cannot store ({first_line(error)})",
            where=str(path),
            remedy="attributes and names are plain text and numbers: change or remove what is none",
        ) from error
    return path


def netcdf(dataset: xr.Dataset) -> memoryview:
    """Return a Dataset as a netCDF file, made in memory: where HDF5 itself cannot write, it ends the process."""
    truths = {name: int(value) for name, value in dataset.attrs.items() if isinstance(value, bool | np.bool_)}
    return memoryview(dataset.assign_attrs(truths).to_netcdf(engine="h5netcdf", encoding=_encoding(dataset)))


def check_target(path: str | Path, *, overwrite: bool, suffixes: tuple[str, ...] = SUFFIXES) -> Path:
    """Return the target as a path, or refuse it before any work is done.

    Raises
    ------
    OutputError
        If the suffix is not among `suffixes` (an empty tuple allows any), its folder is missing, or it exists.
    """
    path = Path(path)
    if suffixes and path.suffix not in suffixes:
        raise OutputError(
            f"the name must end in {' or '.join(suffixes)}",
            where=str(path),
            remedy=f"for example {path.stem or 'out'}{suffixes[0]}",
        )
    if not path.parent.is_dir():
        raise OutputError("its folder does not exist", where=str(path), remedy=f"make it first: mkdir -p {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise OutputError("its folder cannot be written", where=str(path), remedy="choose another folder")
    if path.exists() and not overwrite:
        raise OutputError(
            "it exists already", where=str(path), remedy="give --overwrite to replace it, or another name"
        )
    return path


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_bytes(content)
        flush(draft)
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OutputError(
            f"it cannot be written ({first_line(error)})",
            where=str(path),
            remedy="check the free space and the permissions",
        ) from error


def _encoding(dataset: xr.Dataset) -> dict[Any, dict[str, Any]]:
    """Compress and checksum every numeric array that HDF5 can chunk."""
    return {
        name: {"zlib": True, "complevel": 4, "shuffle": True, "fletcher32": True}
        for name, variable in dataset.variables.items()
        if variable.ndim and variable.size and np.issubdtype(variable.dtype, np.number)
    }


def _read_netcdf(path: Path) -> xr.Dataset:
    head = path.read_bytes()[:512] if path.stat().st_size < 512 else path.open("rb").read(512)
    if not head:
        raise InputError("the file is empty", where=f"{path}, field 'file'", remedy="copy or download it again")
    if head.lstrip()[:1] == b"<":
        raise InputError(
            "this is a web page, not a recording",
            where=f"{path}, field 'file'",
            remedy="download the file itself, not the page that links to it",
        )
    if head[:4] != b"\x89HDF":
        raise InputError(
            "this is not a netCDF 4 file",
            where=f"{path}, field 'file'",
            remedy="give the original file to `brainsim data read`",
        )
    _refuse_links(path)
    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        return dataset.load()
