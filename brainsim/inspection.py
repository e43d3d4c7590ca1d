"""What a recording holds, and what is wrong with it: the schema and every check of the catalogue."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from brainsim import catalog, schema
from brainsim.check import Check
from brainsim.error import InputError
from brainsim.examined import Examined
from brainsim.schema import Finding
from brainsim.store import open_recording

SEVERITIES = ("error", "warning", "note")


def inspect(dataset: xr.Dataset, threshold: str = "note") -> list[Finding]:
    """Hold a recording against the schema and every check in ``brainsim/check``.

    Parameters
    ----------
    dataset
        Any Dataset; where it breaks the schema, checks are made of what can be looked at.
    threshold
        The lowest severity that is returned: ``"error"``, ``"warning"`` or ``"note"``.

    Returns
    -------
    list of Finding
        Errors first, then warnings, then notes. Empty when the recording is in order.

    Examples
    --------
    >>> from brainsim.dataset import load_dataset
    >>> for finding in inspect(load_dataset(), "note"):
    ...     print(finding.severity, "-", finding.check)
    note - gaps
    """
    findings = schema.check(dataset)
    recording = Examined(dataset)
    for kind in catalog.entries("check").values():
        findings += _made(kind(), recording)
    kept = SEVERITIES[: SEVERITIES.index(threshold) + 1]
    return sorted((f for f in findings if f.severity in kept), key=lambda f: SEVERITIES.index(f.severity))


def as_it_is(path: str | Path) -> xr.Dataset:
    """Open a ``.nc`` file or a ``.zarr`` folder, whatever breaks the schema."""
    return open_recording(path, validate=False, lazy=True)


def inspect_file(
    path: str | Path, threshold: str = "note", opened: Callable[[str | Path], xr.Dataset] = as_it_is
) -> list[Finding]:
    """Inspect a file without refusing it; one that cannot be opened is a finding as well.

    Parameters
    ----------
    path
        A recording.
    threshold
        As :func:`inspect` takes it.
    opened
        Opens it; :func:`brainsim.reading.open_any` opens other formats than netCDF and Zarr as well.
    """
    try:
        dataset = opened(path)
    except InputError as error:
        return [Finding("error", "file", "file", error.what, error.remedy)]
    return inspect(dataset, threshold)


def describe(dataset: xr.Dataset, threshold: str = "note") -> dict[str, Any]:
    """Return the facts of a recording as plain numbers and strings.

    Returns
    -------
    dict
        `sizes`, `variables`, `attributes`, `stimuli` (trials of each), `cell_types` (neurons of each),
        `mean_rate_hz` where there are spike times, and `findings` of :func:`inspect`.
    """
    facts: dict[str, Any] = {
        "sizes": {str(k): int(v) for k, v in dataset.sizes.items()},
        "variables": {str(k): list(map(str, v.dims)) for k, v in dataset.data_vars.items()},
        "attributes": {str(k): v.item() if isinstance(v, np.generic) else v for k, v in dataset.attrs.items()},
    }
    for name, key in (("stimulus", "stimuli"), ("cell_type", "cell_types")):
        if name in dataset.coords:
            values, counts = np.unique(dataset[name].values.astype(str), return_counts=True)
            facts[key] = dict(zip(values.tolist(), counts.tolist(), strict=True))
    recording = Examined(dataset)
    if recording.sound("spike_time", "spike_neuron") and dataset.sizes.get("neuron"):
        length = recording.duration or float(np.max(dataset["spike_time"].values))
        if 0 < length < np.inf:
            facts["mean_rate_hz"] = dataset.sizes["spike"] / length / dataset.sizes["neuron"]
    facts["findings"] = [finding.to_dict() for finding in inspect(dataset, threshold)]
    return facts


def _made(check: Check, recording: Examined) -> list[Finding]:
    """Make a check; one that what is in the file makes impossible says so and stops no other."""
    try:
        return check(recording)
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        found = f"the check could not be made ({type(error).__name__}: {reason})"
        return [Finding("error", check.name, check.field, found, "repair what else is wrong with this field first")]
