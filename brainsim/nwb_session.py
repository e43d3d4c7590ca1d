"""What NWB demands beside the data: the session and the imaging plane; what is not known of them says so."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import xarray as xr

from brainsim import __version__
from brainsim.schema import number

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def session(dataset: xr.Dataset) -> Any:
    """Return an NWBFile that says where the Dataset came from."""
    from pynwb import NWBFile

    source, model = dataset.attrs.get("source", ""), dataset.attrs.get("model", "")
    start, notes = _start(dataset.attrs.get("session_start_time"))
    return NWBFile(
        session_description=f"{source} data{f' ({model})' if model else ''}, written by brainsim {__version__}",
        identifier=str(uuid4()),
        session_start_time=start,
        notes=notes,
    )


def _start(told: Any) -> tuple[datetime, str | None]:
    """Return when the session began; NWB demands it, so 1970 stands for unknown."""
    try:
        start = datetime.fromisoformat(str(told))
    except ValueError:
        return EPOCH, "When the session began is not known: 1970-01-01 stands for it."
    return (start if start.tzinfo else start.replace(tzinfo=UTC)), None


def imaging_plane(nwb: Any, dataset: xr.Dataset) -> Any:
    """Return the imaging plane that the standard demands; what is not known of it says so."""
    from pynwb.ophys import OpticalChannel

    device = nwb.create_device(name="device", description=str(dataset.attrs.get("source", "unknown")))
    channel = OpticalChannel(name="channel", description="not known", emission_lambda=float("nan"))
    return nwb.create_imaging_plane(
        name="ImagingPlane", optical_channel=channel, device=device, description="not known", indicator="unknown",
        excitation_lambda=float("nan"), location="unknown", imaging_rate=rate_of(dataset),
    )  # fmt: skip


def rate_of(dataset: xr.Dataset) -> float | None:
    """Return frames per second [Hz], None where a recording of one frame does not tell."""
    rate = number(dataset, "sampling_rate_hz")
    return rate if rate > 0 else None
