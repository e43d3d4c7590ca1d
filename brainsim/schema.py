"""The one noun: an :class:`xarray.Dataset` that obeys the schema below, checked at the borders only.

Dimensions are named, so that orientation cannot be mistaken. A continuous recording has its trials as a table of
coordinates on `trial` (`onset`, `duration`, `stimulus`, `session`) beside ``calcium (time, neuron)``; a recording cut
into trials has ``calcium (trial, time, neuron)`` with `time` counted from stimulus onset. A jump in `time` of more
than one and a half frames begins a new segment (a new session of the microscope).
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
import xarray as xr

from brainsim.block import neuron_blocks
from brainsim.error import InputError
from brainsim.gap import missing_sentences

SOURCES = ("recorded", "simulated", "generated")
CELL_TYPES = ("E", "I", "unknown")
TRACE_DIMS = (("time", "neuron"), ("trial", "time", "neuron"))
DELTA_F = ("df/f", "δf/f", "dff", "df")
SUBTRACTED = "background-subtracted fluorescence"
RAW = ("raw fluorescence", "fluorescence", "raw", "a.u.", "au")

VARIABLES: dict[str, tuple[tuple[tuple[str, ...], ...], str]] = {
    "calcium": (TRACE_DIMS, "dF/F, raw or background-subtracted fluorescence, active fraction: its `units` say which"),
    "spikes": (TRACE_DIMS, "inferred or binned spikes per frame"),
    "spike_time": ((("spike",),), "time of each spike [s], in order of time"),
    "spike_neuron": ((("spike",),), "index on `neuron` of each spike"),
    "weight": ((("pre", "post"), ("repeat", "pre", "post")), "synaptic weight of a fit"),
    "weight_initial": ((("pre", "post"), ("repeat", "pre", "post")), "weight before learning"),
    "weight_se": ((("pre", "post"),), "standard error of `weight`"),
    "change": ((("pre", "post"),), "weight after less weight before, of two fits"),
    "z": ((("pre", "post"),), "evidence for a connection as a normal score, with its sign"),
    "q_value": ((("pre", "post"),), "Benjamini-Hochberg false discovery rate"),
    "edge_probability": ((("pre", "post"),), "probability that the pair is connected"),
    "delay": ((("pre", "post"),), "synaptic delay [s]"),
    "true_weight": ((("pre", "post"),), "ground truth at the end of a simulation"),
    "true_delay": ((("pre", "post"),), "ground truth of the delay [s], NaN where there is no synapse"),
    "true_weight_before": ((("pre", "post"),), "ground truth before plasticity"),
}
COORDINATES: dict[str, tuple[tuple[str, ...], str]] = {
    "time": (("time",), "[s]; from stimulus onset where there are trials"),
    "neuron": (("neuron",), "name or number of a neuron, unique"),
    "pre": (("pre",), "presynaptic neuron, named as on `neuron`"),
    "post": (("post",), "postsynaptic neuron, named as on `neuron`"),
    "cell_type": (("neuron",), "E, I or unknown"),
    "position": (("neuron", "axis"), "[um], or pixels of the image: its `units` say which"),
    "axis": (("axis",), "name of an axis of `position`: y, x, z"),
    "stimulus": (("trial",), "name of the stimulus of a trial"),
    "session": (("trial",), "name of the session of a trial"),
    "onset": (("trial",), "stimulus onset [s]"),
    "duration": (("trial",), "length of the stimulus [s]"),
}


@dataclass(frozen=True)
class Finding:
    """What a check found: severity ``error``, ``warning`` or ``note``, check, field, what was found, remedy."""

    severity: str
    check: str
    field: str
    found: str
    remedy: str

    def to_dict(self) -> dict[str, str]:
        """Return the finding as plain strings."""
        return asdict(self)


def check(dataset: xr.Dataset) -> list[Finding]:
    """Hold a Dataset against the schema.

    Parameters
    ----------
    dataset
        Any Dataset.

    Returns
    -------
    list of Finding
        Errors first. Empty when the Dataset is in order.
    """
    findings = [finding for each in _CHECKS for finding in each(dataset)]
    return sorted(findings, key=lambda finding: finding.severity)


def validate(dataset: xr.Dataset, where: str = "") -> xr.Dataset:
    """Return the Dataset unchanged, or raise on the first error that :func:`check` finds.

    Raises
    ------
    InputError
        Naming `where` (usually the file), the field and the remedy.
    """
    for finding in check(dataset):
        if finding.severity == "error":
            place = f"{where}, " if where else ""
            raise InputError(finding.found, where=f"{place}field '{finding.field}'", remedy=finding.remedy)
    return dataset


def number(dataset: xr.Dataset, attribute: str) -> float:
    """Return an attribute as a number; NaN where it is missing or is none."""
    try:
        return float(dataset.attrs[attribute])
    except (KeyError, TypeError, ValueError):
        return float("nan")


def _error(check: str, field: str, found: str, remedy: str) -> Finding:
    return Finding("error", check, field, found, remedy)


def _warning(check: str, field: str, found: str, remedy: str) -> Finding:
    return Finding("warning", check, field, found, remedy)


def _check_content(ds: xr.Dataset) -> Iterator[Finding]:
    if not any(name in ds for name in ("calcium", "spikes", "spike_time", "weight", "change")):
        yield _error(
            "content",
            "calcium",
            f"no recording in it (variables: {', '.join(map(str, ds.data_vars)) or 'none'})",
            "a recording holds `calcium`, `spikes` or `spike_time` and `spike_neuron`: see `brainsim data read`",
        )
    for name in ("calcium", "spikes"):
        if name in ds and ds[name].size == 0:
            yield _error("content", name, f"it is empty, shape {dict(ds[name].sizes)}", "check the source file")
    if ("spike_time" in ds) != ("spike_neuron" in ds):
        yield _error("content", "spike_time", "spike times and spike neurons come together", "store both or neither")


def _check_dims(ds: xr.Dataset) -> Iterator[Finding]:
    for name, (allowed, _) in VARIABLES.items():
        if name in ds and tuple(ds[name].dims) not in allowed:
            wanted = " or ".join(str(dims) for dims in allowed)
            yield _error(
                "dimensions",
                name,
                f"dimensions are {tuple(ds[name].dims)}, not {wanted}",
                f"rename or transpose '{name}'",
            )
    for name, (dims, _) in COORDINATES.items():
        if name in ds.variables and tuple(ds[name].dims) != dims:
            yield _error(
                "dimensions",
                name,
                f"dimensions are {tuple(ds[name].dims)}, not {dims}",
                f"rename or transpose '{name}'",
            )


def _check_numbers(ds: xr.Dataset) -> Iterator[Finding]:
    for name in ("calcium", "spikes"):
        if name not in ds or tuple(ds[name].dims) not in TRACE_DIMS or not ds[name].size:
            continue
        if not np.issubdtype(ds[name].dtype, np.number) or np.issubdtype(ds[name].dtype, np.complexfloating):
            yield _error(
                "numbers", name, f"values are {ds[name].dtype}, not real numbers", "read the file with the right format"
            )
            continue
        if any(bool(np.isinf(ds[name].isel(neuron=block)).any()) for block in neuron_blocks(ds[name])):
            yield _error("finite", name, "some values are infinite", "replace them by NaN, which is kept as missing")
        for found in missing_sentences(ds[name]):
            yield _warning("missing", name, found, "kept as missing; every later step leaves them out")


def _check_time(ds: xr.Dataset) -> Iterator[Finding]:
    if "time" not in ds.dims:
        return
    if "time" not in ds.coords:
        yield _error("time", "time", "there is no time coordinate", "give it in seconds, or read with --sampling-rate")
        return
    time = ds["time"].values
    if not np.issubdtype(time.dtype, np.number) or not np.isfinite(time.astype(float)).all():
        yield _error("time", "time", "time is not a finite number everywhere", "give it in seconds")
    elif len(time) > 1 and (np.diff(time) <= 0).any():
        step = np.diff(time)
        found = f"time does not increase at frame {int(np.argmax(step <= 0)) + 1}"
        found += f": {int((step < 0).sum())} frames go back, {int((step == 0).sum())} repeat the one before"
        yield _error("time", "time", found, "sort the frames, or drop the repeated ones")
    if len(time) > 1 and not number(ds, "sampling_rate_hz") > 0:
        yield _error(
            "rate", "sampling_rate_hz", "the sampling rate is missing or not positive", "give it with --sampling-rate"
        )


def _check_spikes(ds: xr.Dataset) -> Iterator[Finding]:
    if "spike_time" not in ds or "spike_neuron" not in ds:
        return
    times, cells = ds["spike_time"].values, ds["spike_neuron"].values
    for name, values in (("spike_time", times), ("spike_neuron", cells)):
        if values.dtype.kind not in "fiu":
            yield _error(
                "numbers", name, f"values are {values.dtype}, not numbers", "read the file with another format"
            )
            return
    if not np.isfinite(times).all():
        yield _error(
            "spike times", "spike_time", f"{int((~np.isfinite(times)).sum())} spike times are not finite", "drop them"
        )
        return
    if len(times) and (times < 0).any():
        yield _error(
            "spike times", "spike_time", f"{int((times < 0).sum())} spikes are before time 0", "shift or drop them"
        )
    if "neuron" not in ds.sizes or (len(cells) and (cells.min() < 0 or cells.max() >= ds.sizes["neuron"])):
        yield _error(
            "spike neurons",
            "spike_neuron",
            "some spikes belong to no neuron",
            "give --neurons at least the largest index + 1",
        )
    duration = number(ds, "duration_s")
    if len(times) and times.max() > duration:
        yield _error(
            "spike times",
            "spike_time",
            f"{int((times > duration).sum())} spikes come after the end at {duration:g} s",
            "give the right --duration",
        )


def _check_labels(ds: xr.Dataset) -> Iterator[Finding]:
    if "neuron" in ds.coords and len(set(ds["neuron"].values.tolist())) < ds.sizes["neuron"]:
        yield _error("names", "neuron", "some neurons share a name", "give every neuron its own")
    for field in ("neuron", "stimulus", "session"):
        if field in ds.coords and any("\x00" in str(name) for name in ds[field].values.tolist()):
            yield _error("names", field, "a name holds a NUL character, which no file keeps", "rename it")
    if "cell_type" in ds.coords and not set(ds["cell_type"].values.tolist()) <= set(CELL_TYPES):
        yield _error("cell types", "cell_type", f"cell types must be among {', '.join(CELL_TYPES)}", "rename them")
    if any("trial" in ds[n].dims for n in ("calcium", "spikes") if n in ds) and "stimulus" not in ds.coords:
        yield _warning("labels", "stimulus", "the trials have no stimulus", "attach one label per trial with --stimuli")
    if "stimulus" in ds.coords:
        blocks, kinds = (
            1 + int((ds["stimulus"].values[1:] != ds["stimulus"].values[:-1]).sum()),
            len(set(ds["stimulus"].values.tolist())),
        )
        if 1 < kinds == blocks < ds.sizes["trial"]:
            yield _warning(
                "stimulus blocks",
                "stimulus",
                "each stimulus is one contiguous block of trials",
                "slow drift looks like stimulus coding here: decoding is tested on held-out blocks of time",
            )
    source = ds.attrs.get("source")
    if source not in SOURCES:
        yield _error(
            "source", "source", f"the attribute `source` is {source!r}", f"set it to one of {', '.join(SOURCES)}"
        )


_CHECKS: tuple[Callable[[xr.Dataset], Iterator[Finding]], ...] = (
    _check_content,
    _check_dims,
    _check_numbers,
    _check_time,
    _check_spikes,
    _check_labels,
)
