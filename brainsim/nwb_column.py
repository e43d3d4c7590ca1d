"""Columns of NWB tables: what values, names and attributes of a Dataset become."""

import re
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim import schema
from brainsim.error import InputError
from brainsim.reader._nwb_index import TEXT, encoded

SMALL = 1024


def stored(values: NDArray[Any]) -> Any:
    """Return what hdmf writes: text as a list, numbers in native order, compressed and with a checksum."""
    from hdmf.backends.hdf5 import H5DataIO

    if values.dtype.kind not in "fiub":
        return values.astype(str).tolist()
    native = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
    if native.size < SMALL:
        return native
    return H5DataIO(data=native, compression="gzip", compression_opts=4, shuffle=True, fletcher32=True)


def no_masks(neurons: int) -> list[Any]:
    """Return the column of masks that pynwb demands, without a pixel for any neuron."""
    from hdmf.common import VectorData, VectorIndex

    nothing = np.zeros(0, [("x", "<u4"), ("y", "<u4"), ("weight", "<f4")])
    mask = VectorData(name="pixel_mask", description="not part of the recording: no pixels", data=nothing)
    return [mask, VectorIndex(name="pixel_mask_index", data=np.zeros(neurons, np.uint8), target=mask)]


def about(name: str, variable: xr.DataArray) -> str:
    """Say what a column is."""
    known = schema.VARIABLES.get(name, schema.COORDINATES.get(name))
    shape = f" ({', '.join(map(str, variable.dims))})" if variable.ndim > 1 else ""
    unit = f" [{variable.attrs['units']}]" if variable.attrs.get("units") else ""
    return f"{known[1] if known else name}{unit}{shape}"


def named(name: str) -> str:
    """Return a name that HDF5 and NWB take."""
    return re.sub(r"[/:.]", "_", name) or "_"


def kind(name: str, variable: xr.DataArray) -> str:
    """Return the type that the index names."""
    if variable.dtype.kind in "fiub":
        return variable.dtype.str
    values = np.ravel(variable.values).tolist()
    if all(isinstance(value, str) for value in values):
        odd = next((value for value in values if "\0" in value or _is_broken(value)), None)
        if odd is None:
            return TEXT
        raise InputError(
            f"the text {odd!r} does not survive in HDF5", where=f"field '{name}'", remedy="rename it: no NUL in it"
        )
    raise InputError(
        f"NWB does not hold values of the type {variable.dtype}", where=f"field '{name}'", remedy="drop it"
    )


def _is_broken(text: str) -> bool:
    """Tell whether a text holds half of a character."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def checked(name: object, value: Any) -> Any:
    """Return an attribute as JSON holds it."""
    try:
        return encoded(value)
    except TypeError as error:
        raise InputError(str(error), where=f"attribute '{name}'", remedy="drop it, or make it text") from error
