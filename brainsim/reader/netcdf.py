"""Recordings that brainsim wrote as netCDF."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import xarray as xr

from brainsim import store
from brainsim.reader import Reader, ReadOptions


@dataclass(frozen=True)
class NetCDF(Reader):
    """A brainsim recording in a netCDF 4 file: passes through as it is."""

    name: ClassVar[str] = "netcdf"
    priority: ClassVar[int] = 0
    suffixes: ClassVar[tuple[str, ...]] = (".nc",)
    takes: ClassVar[tuple[str, ...]] = ("stimuli",)

    def guess(self, source: Path) -> bool:
        """Tell whether it is a file that ends in .nc and is no text."""
        if source.suffix.lower() not in self.suffixes or not source.is_file():
            return False
        with source.open("rb") as file:
            return file.read(4) in (b"\x89HDF", b"CDF\x01", b"CDF\x02", b"CDF\x05")

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return the recording; whether it obeys the schema is checked afterwards.

        Raises
        ------
        InputError
            If it is damaged, empty, or another kind of file.
        """
        return store.open_recording(source, validate=False)
