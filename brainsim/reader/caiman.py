"""Results of CaImAn in HDF5.

The trace of a component is ``C + YrA``: its model and what the model leaves.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader import Reader, ReadOptions
from brainsim.reader._clock import agree
from brainsim.reader._hdf5 import child, opened, peek, read
from brainsim.reader._roi import Rois, traces

MISSING = b"NoneType"
TRACES = {"C+YrA": "background-subtracted fluorescence", "C": "background-subtracted fluorescence", "F_dff": "dF/F"}
COLUMNS = {"SNR_comp": "snr", "r_values": "r", "cnn_preds": "probability", "neurons_sn": "noise", "bl": "baseline"}


@dataclass(frozen=True)
class Caiman(Reader):
    """HDF5 of CaImAn (CNMF, CNMF-E, OnACID): the trace C + YrA of each accepted component.

    `variable` ``"F_dff"`` reads its dF/F, ``"C"`` its denoised trace. Without `idx_components` every component is
    read. The deconvolved `S` is left: ``brainsim deconvolve`` makes its own.

    References
    ----------
    Giovannucci, Friedrich, Gunn, Kalfon, Brown, Koay, Taxidis, Najafi, Gauthier, Zhou, Khakh, Tank, Chklovskii,
    Pnevmatikakis, CaImAn an open source tool for scalable calcium imaging data analysis, eLife 8 (2019).
    """

    name: ClassVar[str] = "caiman"
    priority: ClassVar[int] = 0
    suffixes: ClassVar[tuple[str, ...]] = (".hdf5", ".h5")
    takes: ClassVar[tuple[str, ...]] = ("sampling_rate", "stimuli", "units", "rois", "variable")

    def guess(self, source: Path) -> bool:
        """Tell whether it is an HDF5 file with estimates and parameters."""
        return {"estimates", "params"} <= set(peek(source))

    def read(self, source: Path, options: ReadOptions) -> xr.Dataset:
        """Return ``calcium (time, neuron)``, with centres and qualities of the components.

        Raises
        ------
        InputError
            If the file is damaged, traces are missing or of different shape, no component is accepted, or the frame
            rate is not told.
        """
        with opened(source) as file:
            estimates = child(file, "estimates")
            if not isinstance(estimates, h5py.Group):
                raise InputError("it is missing", where=f"{source}, field 'estimates'", remedy="give a file of CaImAn")
            values, units = _values(estimates, options.variable or "C+YrA", source)
            rate, decay = _rate(file, options.sampling_rate, source), _decay(file)
            rois = _rois(estimates, len(values))
            notices = [] if rois.accepted is not None else ["the components were not evaluated: all are read"]
        kept = rois.kept(options, f"{source}, field 'estimates/idx_components'")
        time = np.arange(values.shape[1]) / rate
        coords = rois.coordinates(kept, options)
        dataset = traces(values[kept].T, time, rate, options.units or units, coords)
        dataset.attrs["notices"] = "\n".join([*rois.notice(kept), *notices])
        if decay is not None:
            dataset.attrs["indicator_decay_s"] = decay
        return dataset


def _optional(group: Any, name: str) -> NDArray[np.float64] | None:
    """Return a field as numbers, also those that CaImAn writes as text; `None` where it is missing."""
    found = child(group, name)
    if not isinstance(found, h5py.Dataset) or (found.shape == () and np.asarray(found[()]).item() == MISSING):
        return None
    if found.dtype.kind not in "SO":
        return read(group, name).astype(float)
    try:
        return np.array([float(value) for value in read(group, name, "text")])
    except ValueError:
        return None


def _values(estimates: Any, variable: str, source: Path) -> tuple[NDArray[np.float64], str]:
    """Return the traces, shape (component, time), and their unit."""
    if variable not in TRACES:
        raise InputError(
            f"there are no traces '{variable[:40]}'",
            where="option '--variable', field 'variable'",
            remedy=f"choose among {', '.join(TRACES)}",
        )
    found: dict[str, NDArray[np.float64]] = {}
    for name in variable.split("+"):
        values = _optional(estimates, name)
        where = f"{source}, field 'estimates/{name}'"
        if values is None or values.ndim != 2 or not values.size:
            told = "it is missing" if values is None else f"its shape is {values.shape}, not (component, time)"
            other = " or choose another --variable" if variable != "C" else ""
            raise InputError(told, where=where, remedy=f"run CaImAn to its end,{other}".rstrip(","))
        if found and values.shape != next(iter(found.values())).shape:
            raise InputError(
                f"its shape is {values.shape}, that of C {found['C'].shape}", where=where, remedy="copy the file again"
            )
        found[name] = values
    return np.sum(list(found.values()), axis=0), TRACES[variable]


def _decay(file: Any) -> float | None:
    """Return the decay of the indicator [s], where CaImAn was told it."""
    data = child(file, "params/data")
    told = _optional(data, "decay_time") if data is not None else None
    return float(told.item()) if told is not None and told.size == 1 and 0 < float(told.item()) < np.inf else None


def _rate(file: Any, given: float | None, source: Path) -> float:
    """Return the frame rate [Hz]."""
    data = child(file, "params/data")
    told = _optional(data, "fr") if data is not None else None
    where = f"{source}, field 'params/data/fr'"
    if told is None or told.size != 1 or not 0 < float(told.item()) < np.inf:
        if given is None:
            raise InputError("the frame rate is not told", where=where, remedy="give --sampling-rate")
        return given
    agree(float(told.item()), given, where)
    return float(told.item())


def _rois(estimates: Any, n: int) -> Rois:
    """Return what CaImAn says of each component."""
    columns = {}
    for field, name in COLUMNS.items():
        values = _optional(estimates, field)
        if values is not None and values.shape == (n,):
            columns[name] = values
    kept = _optional(estimates, "idx_components")
    accepted = None
    if kept is not None:
        accepted = np.zeros(n, bool)
        accepted[kept[(kept >= 0) & (kept < n)].astype(int)] = True
    centre = _optional(estimates, "center")
    position = centre if centre is not None and centre.ndim == 2 and len(centre) == n else _centres(estimates, n)
    return Rois(
        np.arange(n),
        accepted,
        position,
        ("y", "x", "z")[: position.shape[1]] if position is not None else (),
        columns=columns,
    )


def _centres(estimates: Any, n: int) -> NDArray[np.float64] | None:
    """Return the centre of mass (y, x) of each footprint: columns of A, pixels in Fortran order."""
    from scipy.sparse import csc_array

    parts = [_optional(estimates, f"A/{name}") for name in ("data", "indices", "indptr", "shape")]
    dims = _optional(estimates, "dims")
    if dims is None or dims.size != 2 or not all(part is not None and np.isfinite(part).all() for part in parts):
        return None
    data, indices, indptr, shape = (np.asarray(part) for part in parts)
    pixels, components = (int(size) for size in shape)
    if components != n or pixels != int(np.prod(dims)) or (len(indices) and indices.max() >= pixels):
        return None
    footprint = csc_array((data, indices.astype(np.int64), indptr.astype(np.int64)), shape=(pixels, n))
    y, x = np.unravel_index(np.arange(pixels), dims.astype(int), order="F")
    mass = np.asarray(footprint.sum(axis=0)).ravel()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([footprint.T @ y / mass, footprint.T @ x / mass], axis=1)
