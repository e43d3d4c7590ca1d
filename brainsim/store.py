"""Recordings on disk: netCDF (`.nc`) and Zarr (`.zarr`) by suffix, written beside the target and renamed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import xarray as xr

from brainsim import schema
from brainsim.error import InputError, OutputError

SUFFIXES = (".nc", ".zarr")


def open_recording(path: str | Path, *, validate: bool = True) -> xr.Dataset:
    """Read a recording, a fit or a result that brainsim wrote.

    Parameters
    ----------
    path
        A ``.nc`` file or a ``.zarr`` folder.
    validate
        Hold it against the schema.

    Raises
    ------
    InputError
        If it is missing, is not netCDF or Zarr, is damaged, or breaks the schema.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("there is no such file", where=str(path), remedy="check the path")
    if path.suffix not in SUFFIXES:
        raise InputError(
            f"a recording ends in {' or '.join(SUFFIXES)}",
            where=str(path),
            remedy=f"convert it: brainsim data read {path} --out REC.nc",
        )
    try:
        dataset = _read_zarr(path) if path.suffix == ".zarr" else _read_netcdf(path)
    except InputError:
        raise
    except Exception as error:
        kind = "netCDF" if path.suffix == ".nc" else "Zarr"
        raise InputError(
            f"it cannot be read as {kind} ({_first_line(error)})",
            where=f"{path}, field 'file'",
            remedy="it is damaged or of another format: copy it again, or give the original to `brainsim data read`",
        ) from error
    return schema.validate(dataset, str(path)) if validate else dataset


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
        If the target exists, the suffix is unknown, or it cannot be written.
    """
    path = check_target(path, overwrite=overwrite)
    schema.validate(dataset, str(path))
    with drafted(path) as draft:
        if path.suffix == ".zarr":
            _write_zarr(dataset, draft)
        else:
            dataset.to_netcdf(draft, engine="h5netcdf", encoding=_encoding(dataset))
    return path


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; what was written is flushed and takes the place of `path` at the end.

    Raises
    ------
    OutputError
        If it cannot be written; `path` is as it was.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=".brainsim-", dir=path.parent) as folder:
            draft = Path(folder) / path.name
            yield draft
            if draft.is_file():
                _flush(draft)
            replace(draft, path)
    except (OSError, RuntimeError) as error:
        raise OutputError(
            f"it cannot be written ({_first_line(error)})",
            where=str(path),
            remedy="check the free space and the permissions",
        ) from error


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


def replace(draft: Path, path: Path) -> None:
    """Put a finished draft in the place of `path`; a folder that was there is moved away first and removed last."""
    if path.is_dir():
        old = draft.with_name("old")
        os.rename(path, old)
        os.rename(draft, path)
        shutil.rmtree(old)
    else:
        os.replace(draft, path)


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
        _flush(draft)
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OutputError(
            f"it cannot be written ({_first_line(error)})",
            where=str(path),
            remedy="check the free space and the permissions",
        ) from error


def _flush(path: Path) -> None:
    """Wait until a file is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0][:200]


def _encoding(dataset: xr.Dataset) -> dict[Any, dict[str, Any]]:
    """Compress and checksum every numeric array that HDF5 can chunk."""
    return {
        name: {"zlib": True, "complevel": 4, "shuffle": True, "fletcher32": True}
        for name, variable in dataset.variables.items()
        if variable.ndim and variable.size and np.issubdtype(variable.dtype, np.number)
    }


def _write_zarr(dataset: xr.Dataset, draft: Path) -> None:
    """Write every chunk, the empty ones too, so that a missing chunk is a damage that can be told."""
    import zarr

    with zarr.config.set({"array.write_empty_chunks": True}):
        dataset.to_zarr(draft, mode="w", zarr_format=2, consolidated=True)


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
    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        return dataset.load()


def _read_zarr(path: Path) -> xr.Dataset:
    import zarr

    group = zarr.open_group(path, mode="r")
    for name, array in group.arrays():
        if array.nchunks_initialized < array.nchunks:
            raise InputError(
                f"{array.nchunks - array.nchunks_initialized} of its {array.nchunks} chunks are missing",
                where=f"{path}, field '{name}'",
                remedy="copy the folder again",
            )
    with xr.open_zarr(path, chunks=None) as dataset:
        return cast(xr.Dataset, dataset.load())
