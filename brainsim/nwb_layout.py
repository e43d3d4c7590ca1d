"""Where each variable of a Dataset stands in an NWB file.

calcium, spikes    RoiResponseSeries (time, ROI) in /processing/ophys; trials one after another
neuron             a row of the PlaneSegmentation, or of Units where there are spike times only
spike times        Units
trial              a row of /intervals/trials
anything else      tables of /processing/brainsim, one for each dimension: a matrix (pre, post) is a column of `pre`
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim import __version__, schema
from brainsim.nwb_column import about, checked, kind, named, no_masks, stored
from brainsim.nwb_session import imaging_plane, rate_of
from brainsim.reader._nwb_index import INDEX, SPIKES
from brainsim.trial import trial_frames

TRACES = ("calcium", "spikes")
PLANE = "/processing/ophys/ImageSegmentation/PlaneSegmentation"
ROOMS = {"calcium": ("Fluorescence", "Fluorescence"), "spikes": ("Fluorescence", "Deconvolved")}
TAKEN = (
    "id", "colnames", "description", "image_mask", "pixel_mask", "voxel_mask", "start_time", "stop_time", "tags",
    "timeseries", "spike_times", "obs_intervals", "electrodes", "electrode_group", "waveform_mean", "waveform_sd",
    "waveforms",
)  # fmt: skip
ABOUT = {
    "pre": "presynaptic neurons; matrices are (pre, post)",
    "post": "postsynaptic neurons",
    "neuron": "neurons",
    "trial": "trials",
    "repeat": "random initialisations of an online rule",
}


@dataclass
class Layout:
    """Puts every variable somewhere, and remembers where."""

    dataset: xr.Dataset
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    order: str | None = None
    extra: dict[str, list[Any]] = field(default_factory=dict)

    def fill(self, nwb: Any) -> None:
        """Put everything into an NWBFile."""
        for name, variable in self.dataset.variables.items():
            if variable.ndim == 0 or variable.size == 0:
                self._note(str(name), values=np.ravel(variable.values).tolist())
        traces = [name for name in TRACES if name in self.dataset and name not in self.entries]
        traces = [name for name in traces if self.dataset[name].dims == self.dataset[traces[0]].dims]
        if traces:
            self._add_traces(nwb, traces)
        if "spike_time" in self.dataset and "spike_time" not in self.entries:
            self._add_units(nwb, with_columns=not traces)
        if self.dataset.sizes.get("trial", 0) and ("onset" in self.dataset or self._cut(traces)):
            self._add_trials(nwb, traces)
        self._add_tables(nwb)
        attrs = {str(name): checked(name, value) for name, value in self.dataset.attrs.items()}
        index = {"attrs": attrs, "order": self.order, "variables": self.entries}
        meaning = f"brainsim {__version__}: where each variable of its Dataset lies, and what it says of itself"
        nwb.add_scratch(json.dumps(index), name=INDEX, description=meaning)

    def _cut(self, traces: list[str]) -> bool:
        return bool(traces) and "trial" in self.dataset[traces[0]].dims

    def _note(self, name: str, **where: Any) -> None:
        """Write down where a variable is and what it is."""
        variable = self.dataset[name]
        self.entries[name] = {
            "dims": list(map(str, variable.dims)),
            "shape": list(variable.shape),
            "dtype": kind(name, variable),
            "attrs": {str(key): checked(f"{name}.{key}", value) for key, value in variable.attrs.items()},
            "coordinate": name in self.dataset.coords,
            **where,
        }

    def _add_traces(self, nwb: Any, traces: list[str]) -> None:
        """Add the table of neurons, and the traces (time, ROI)."""
        from pynwb.ophys import DfOverF, Fluorescence, ImageSegmentation, PlaneSegmentation, RoiResponseSeries

        neurons, plane = self.dataset.sizes["neuron"], imaging_plane(nwb, self.dataset)
        module = nwb.create_processing_module("ophys", "calcium imaging")
        table = PlaneSegmentation(
            name="PlaneSegmentation", description="the neurons; their masks are not part of the recording",
            imaging_plane=plane, id=self._identity(neurons),
            columns=[*no_masks(neurons), *self._columns("neuron", PLANE)],
        )  # fmt: skip
        module.add(ImageSegmentation(plane_segmentations=[table], name="ImageSegmentation"))
        stamps: Any = stored(self._timestamps(traces[0]))
        for name in traces:
            variable = self.dataset[name]
            unit = str(variable.attrs.get("units", self.dataset.attrs.get("units", "")) or "n.a.")
            holder, room = (
                ("DfOverF", "DfOverF") if unit.lower() in schema.DELTA_F and name == "calcium" else ROOMS[name]
            )
            series = RoiResponseSeries(
                name=name, data=stored(variable.values.reshape(-1, neurons)), unit=unit, timestamps=stamps,
                rois=table.create_roi_table_region(region=list(range(neurons)), description="all neurons"),
                description=schema.VARIABLES[name][1],
            )  # fmt: skip
            module.add((DfOverF if holder == "DfOverF" else Fluorescence)(name=room, roi_response_series=[series]))
            self._note(name, at=f"/processing/ophys/{room}/{name}/data")
            if stamps is not series and "time" not in self.entries and not self._cut(traces):
                self._note("time", at=f"/processing/ophys/{room}/{name}/timestamps")
            stamps = series

    def _timestamps(self, name: str) -> NDArray[np.float64]:
        """Return the time of each row; trials without an onset, or that overlap, are laid one after another."""
        time = np.asarray(self.dataset["time"].values, float)
        return (self._starts()[:, None] + time).ravel() if "trial" in self.dataset[name].dims else time

    def _starts(self) -> NDArray[np.float64]:
        """Return when each trial starts [s]."""
        time, rate = self.dataset["time"].values, rate_of(self.dataset) or 1.0
        length = float(time[-1] - time[0]) + 1 / rate
        if "onset" in self.dataset and "onset" not in self.entries:
            onset = np.asarray(self.dataset["onset"].values, float)
            if (np.diff(onset) >= length - 0.5 / rate).all():
                return onset
        return np.asarray(np.arange(self.dataset.sizes["trial"]) * length, float)

    def _add_units(self, nwb: Any, with_columns: bool) -> None:
        """Add spike times, neuron by neuron."""
        from hdmf.common import VectorData, VectorIndex
        from pynwb.misc import Units

        time = np.asarray(self.dataset["spike_time"].values, float)
        cell = self.dataset["spike_neuron"].values.astype(np.int64)
        neurons = self.dataset.sizes["neuron"]
        sort = np.lexsort((time, cell))
        spikes = VectorData(name="spike_times", description="spike times [s]", data=stored(time[sort]))
        ends = np.cumsum(np.bincount(cell, minlength=neurons))
        index = VectorIndex(name="spike_times_index", data=ends, target=spikes)
        columns = list(self._columns("neuron", "/units")) if with_columns else []
        nwb.units = Units(
            name="units", description="spike times of the neurons", id=self._identity(neurons),
            columns=[spikes, index, *columns],
        )  # fmt: skip
        self._note("spike_time", at=SPIKES)
        self._note("spike_neuron", at=f"{SPIKES}_index")
        if (np.lexsort((cell, time)) != np.arange(len(time))).any():
            self.extra["spike"] = [
                VectorData(name="row_in_units", description="place of each spike", data=np.argsort(sort))
            ]
            self.order = f"/processing/{INDEX}/spike/row_in_units"

    def _add_trials(self, nwb: Any, traces: list[str]) -> None:
        """Add the table of trials."""
        from hdmf.common import VectorData
        from pynwb.epoch import TimeIntervals

        cut, dataset = self._cut(traces), self.dataset
        start = self._starts() if cut else np.asarray(dataset["onset"].values, float)
        if "onset" in dataset and (start == dataset["onset"].values).all():
            self._note("onset", at="/intervals/trials/start_time")
        length = self._trial_length() if "duration" not in dataset else np.asarray(dataset["duration"].values, float)
        columns = [
            VectorData(name="start_time", description="onset of the stimulus [s]", data=start),
            VectorData(name="stop_time", description="end of the stimulus, or of the trial [s]", data=start + length),
            *self._columns("trial", "/intervals/trials"),
        ]
        meaning = "trials; the traces hold one after another" if cut else "stimuli"
        nwb.trials = TimeIntervals(name="trials", description=meaning, id=list(range(len(start))), columns=columns)

    def _add_tables(self, nwb: Any) -> None:
        """Add a table for each dimension of what has no standard place."""
        from hdmf.common import DynamicTable

        left = [str(self.dataset[n].dims[0]) for n in self.dataset.variables if str(n) not in self.entries]
        dims = list(dict.fromkeys([*left, *self.extra]))
        if not dims:
            return
        module = nwb.create_processing_module(INDEX, "what the Dataset holds beside: one table for each dimension")
        for dim in dims:
            name, meaning = named(dim), ABOUT.get(dim, f"the dimension {dim}")
            columns = [*self._columns(dim, f"/processing/{INDEX}/{name}"), *self.extra.get(dim, [])]
            rows = list(range(self.dataset.sizes[dim]))
            module.add(DynamicTable(name=name, description=meaning, id=rows, columns=columns))

    def _columns(self, dim: str, table: str) -> Iterator[Any]:
        """Give a column for each variable that begins with a dimension and has no place yet."""
        from hdmf.common import VectorData

        used: set[str] = set()
        for name in map(str, self.dataset.variables):
            variable = self.dataset[name]
            if name in self.entries or variable.dims[0] != dim:
                continue
            column = named(name)
            while column in used or column in TAKEN:
                column += "_"
            used.add(column)
            self._note(name, at=f"{table}/{column}")
            yield VectorData(name=column, description=about(name, variable), data=stored(variable.values))

    def _identity(self, neurons: int) -> list[int]:
        """Return the numbers of the neurons: their names where these are numbers."""
        names = self.dataset["neuron"].values if "neuron" in self.dataset.coords else np.arange(neurons)
        return [int(n) for n in names] if names.dtype.kind in "iu" and (names >= 0).all() else list(range(neurons))

    def _trial_length(self) -> float:
        """Return how long a trial is [s]."""
        return trial_frames(self.dataset) / (rate_of(self.dataset) or 1.0)
