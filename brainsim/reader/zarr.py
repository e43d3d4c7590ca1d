"""Recordings that brainsim wrote as Zarr."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import xarray as xr

from brainsim import store
from brainsim.reader import Reader, ReadOptions
from brainsim.zarr_store import is_zarr


@dataclass(frozen=True)
class Zarr(Reader):
    """A brainsim recording in a Zarr folder: passes through as it is."""

    name: ClassVar[str] = "zarr"
    priority: ClassVar[int] = 0
    suffixes: ClassVar[tuple[str, ...]] = (".zarr",)
    takes: ClassVar[tuple[str, ...]] = ("stimuli",)

    def guess(self, source: Path) -> bool:
        """Tell whether it is a folder that ends in .zarr, or that Zarr wrote."""
        return source.is_dir() and (source.suffix.lower() in self.suffixes or is_zarr(source))

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return the recording, its traces on disk until they are used; the schema is checked afterwards.

        Raises
        ------
        InputError
            If it is damaged, misses chunks, or is an NWB file.
        """
        return store.open_recording(source, validate=False, lazy=True)
