"""What each cell did in each trial: its activity after stimulus onset, and just before it.

response  r = mean of x over [onset, onset + window)
baseline  b = mean of x over [onset - window, onset)
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.missing import Floats, mean
from brainsim.shared_signal import FEWEST_CELLS, without_shared
from brainsim.trial import cut_trials, is_cut, segments

WINDOW_S = 1.0
SOURCES = ("spikes", "calcium", "events")


@dataclass(frozen=True, eq=False)
class Responses:
    """Trials of a recording.

    Attributes
    ----------
    response
        Mean activity after onset, (trial, neuron).
    baseline
        Mean activity just before onset, (trial, neuron); None where trials begin at onset.
    table
        What the recording says of each trial (`stimulus`, and `session`, `onset`, ... where known), on `trial`.
    variable, unit
        What was averaged.
    window_s
        Length of the window [s].
    shared_taken_off
        Whether the signal that all cells share was taken off (:mod:`brainsim.shared_signal`).
    notices
        What a reader must know.
    """

    response: Floats
    baseline: Floats | None
    table: xr.Dataset
    variable: str
    unit: str
    window_s: float
    shared_taken_off: bool
    notices: tuple[str, ...]

    @property
    def stimulus(self) -> NDArray[np.str_]:
        """Stimulus of each trial, (trial,)."""
        return np.asarray(self.table["stimulus"].values.astype(str))


def trial_responses(
    dataset: xr.Dataset, source: str = "auto", window: float | None = None, *, keep_shared: bool = False
) -> Responses:
    """Return what each cell did in each trial.

    Parameters
    ----------
    dataset
        A recording with trials, continuous or cut.
    source
        ``"spikes"`` or ``"calcium"`` per frame, ``"events"`` (spike times), or ``"auto"``: the first of these it holds.
    window
        Length of the window on either side of the onset [s]; by default 1 s, or half the shortest time between onsets.
    keep_shared
        Do not take the shared signal off (it never is from spike times, or where trials begin at onset).

    Raises
    ------
    InputError
        If there are no trials with a stimulus, nothing of that kind, or no trial with both windows in the recording.
    """
    variable = _variable(dataset, source)
    if "stimulus" not in dataset.coords or not dataset.sizes.get("trial", 0):
        raise InputError(
            "its trials have no stimulus", where="field 'stimulus'", remedy="attach one: data read ... --stimuli FILE"
        )
    if variable == "events":
        return _of_events(dataset, *_window(dataset, window, 0.0))
    width, notices = _window(dataset, window, 1 / float(dataset.attrs.get("sampling_rate_hz", 1.0)))
    enough = dataset.sizes["neuron"] >= FEWEST_CELLS
    if not keep_shared and not enough:
        notices += (f"no shared signal was taken off: fewer than {FEWEST_CELLS} cells",)
    of = _of_cut if is_cut(dataset, variable) else _of_frames
    return of(dataset, variable, width, notices, enough and not keep_shared)


def _variable(dataset: xr.Dataset, source: str) -> str:
    held = [name for name in SOURCES if ("spike_time" if name == "events" else name) in dataset]
    if source == "auto" and held:
        return held[0]
    if source not in held:
        what = f"it holds no {'activity' if source == 'auto' else source}"
        raise InputError(
            what, where=f"field '{source}'", remedy=f"it holds: {', '.join(held) or 'nothing of the kind'}"
        )
    return source


def _window(dataset: xr.Dataset, window: float | None, shortest: float) -> tuple[float, tuple[str, ...]]:
    """Return the length of the window [s], at least `shortest`, and a notice where it had to be shortened."""
    if window is not None:
        if not window > 0:
            raise InputError(f"the window is {window:g} s", where="field 'window'", remedy="give a positive length")
        return max(window, shortest), ()
    gaps = np.diff(np.unique(dataset["onset"].values)) if "onset" in dataset.coords else np.array([])
    if not len(gaps) or gaps.min() / 2 >= WINDOW_S:
        return WINDOW_S, ()
    width = max(float(gaps.min()) / 2, shortest)
    return width, (f"the windows last {width:.3g} s: two trials begin {gaps.min():.3g} s from each other",)


def _of_frames(dataset: xr.Dataset, variable: str, width: float, notices: tuple[str, ...], take_off: bool) -> Responses:
    """Return the responses of a continuous trace."""
    rate = float(dataset.attrs["sampling_rate_hz"])
    frames = max(1, round(width * rate))
    trace = dataset[variable].transpose("time", "neuron").values.astype(float)
    if take_off:
        onset = np.searchsorted(dataset["time"].values, dataset["onset"].values - 0.5 / rate)
        driven = (onset[:, None] + np.arange(2 * frames)).ravel()
        quiet = np.ones(len(trace), bool)
        quiet[driven[driven < len(trace)]] = False
        trace = without_shared(trace, quiet)
    early = xr.Dataset({variable: (("time", "neuron"), trace)}, dataset.coords, dataset.attrs)
    cut = cut_trials(early.assign_coords(onset=dataset["onset"] - frames / rate), 2 * frames)
    lost = int(cut.attrs["trials_left_out"])
    notices += (f"{lost} of {dataset.sizes['trial']} trials do not fit into the recording",) * bool(lost)
    values = cut[variable].values
    return Responses(
        mean(values[:, frames:], 1),
        mean(values[:, :frames], 1),
        cut.drop_vars([variable, "time"]).assign_coords(onset=cut["onset"] + frames / rate),
        variable,
        str(dataset[variable].attrs.get("units", "")),
        frames / rate,
        take_off,
        notices,
    )


def _of_cut(dataset: xr.Dataset, variable: str, width: float, notices: tuple[str, ...], take_off: bool) -> Responses:
    """Return the responses of trials that were cut already."""
    step = 0.5 / float(dataset.attrs.get("sampling_rate_hz", 1.0))
    time = dataset["time"].values if "time" in dataset.coords else np.arange(dataset.sizes["time"]) * 2 * step
    trace = dataset[variable].transpose("trial", "time", "neuron").values.astype(float)
    before, after = (time < -step) & (time >= -width - step), (time >= -step) & (time < width - step)
    take_off &= bool(before.any())
    if take_off:
        quiet = np.tile(time < -step, len(trace))
        trace = without_shared(trace.reshape(len(quiet), -1), quiet).reshape(trace.shape)
    baseline = mean(trace[:, before], 1) if before.any() else None
    unit = str(dataset[variable].attrs.get("units", ""))
    return Responses(
        mean(trace[:, after], 1),
        baseline,
        _table(dataset),
        variable,
        unit,
        float(after.sum() * 2 * step),
        take_off,
        notices,
    )


def _of_events(dataset: xr.Dataset, width: float, notices: tuple[str, ...]) -> Responses:
    """Return the rates of spike times [Hz]."""
    if "onset" not in dataset.coords:
        raise InputError("spike times need onsets", where="field 'onset'", remedy="attach them with --stimuli FILE")
    onset, times = dataset["onset"].values.astype(float), dataset["spike_time"].values
    fits = np.zeros(len(onset), bool)
    for begin, end in _stretches(dataset):
        fits |= (onset - width >= begin - 1e-9) & (onset + width <= end + 1e-9)
    if not fits.any():
        raise InputError(
            f"no trial has {width:g} s before and after its onset", where="field 'onset'", remedy="shorten --window"
        )
    edges = np.searchsorted(times, onset[fits, None] + np.array([-width, 0.0, width]))
    cells, n = dataset["spike_neuron"].values.astype(int), dataset.sizes["neuron"]
    counts = np.array([[np.bincount(cells[a:b], minlength=n) for a, b in pairwise(e)] for e in edges])
    lost = int((~fits).sum())
    notices += (f"{lost} of {len(onset)} trials do not fit into the recording",) * bool(lost)
    table = _table(dataset).isel(trial=fits)
    return Responses(counts[:, 1] / width, counts[:, 0] / width, table, "events", "Hz", width, False, notices)


def _table(dataset: xr.Dataset) -> xr.Dataset:
    """Return what the recording says of each trial."""
    return xr.Dataset(coords={name: value for name, value in dataset.coords.items() if value.dims == ("trial",)})


def _stretches(dataset: xr.Dataset) -> list[tuple[float, float]]:
    """Return begin and end [s] of the stretches that were recorded."""
    if "time" in dataset.coords and not is_cut(dataset) and "sampling_rate_hz" in dataset.attrs:
        time, rate = dataset["time"].values, float(dataset.attrs["sampling_rate_hz"])
        return [(float(time[part][0]), float(time[part][-1]) + 1 / rate) for part in segments(time, rate)]
    last = float(dataset["spike_time"].values[-1]) if dataset["spike_time"].size else 0.0
    return [(0.0, float(dataset.attrs.get("duration_s", last)))]
