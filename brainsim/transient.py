"""What the fluorescence of a cell tells about its type: numbers in seconds and in units of its own size.

Every trace is brought to 10 Hz (or left at its own rate where that is lower) by averaging over time, so the frame rate
does not show; its baseline, a running 10th percentile, is taken off. No number has the unit of dF/F:

- sigma   noise: median |difference of neighbours| / (0.6745 sqrt 2)
- top     99th percentile above the baseline
- event   from above top/2 (and 4 sigma) until below top/4
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import percentile_filter
from scipy.stats import kurtosis, skew

from brainsim.missing import correlation, mean
from brainsim.resampling import even_runs
from brainsim.trial import cut_trials, is_cut

Floats = NDArray[np.float64]

RATE_HZ = 10.0
SHORTEST_S = 20.0
BASELINE_S, BASELINE_PERCENTILE = 60.0, 10.0
NORMAL_MEDIAN = 0.6744897501960817
BEFORE_S, AFTER_S = 2.0, 4.0
FEW = 30
FLAT = 1e-9
FEATURES = {
    "skewness": "third standardised moment",
    "kurtosis": "log of the fourth standardised moment",
    "signal_to_noise": "log(top / sigma)",
    "peak_ratio": "log(99.9th percentile / top)",
    "active_share": "log share of time above top/2",
    "quiet_share": "share of time within 3 sigma of the baseline",
    "event_rate": "log events per second",
    "event_length": "log mean length of an event [s]",
    "interval_cv": "coefficient of variation of the times between events",
    "rise_time": "log time from half to peak of the median event [s]",
    "decay_time": "log time from peak to half of the median event [s]",
    "slope_skewness": "third standardised moment of the change in 0.1 s: fast up, slow down",
    "autocorrelation_1s": "autocorrelation at 1 s",
    "autocorrelation_5s": "autocorrelation at 5 s",
    "stimulus_locking": "correlation of the mean response in odd and in even trials, over stimuli and time",
}


def features(dataset: xr.Dataset) -> Floats:
    """Return the features of every cell.

    Parameters
    ----------
    dataset
        A recording whose ``calcium`` is dF/F, continuous or cut into trials.

    Returns
    -------
    ndarray
        (neuron, feature) in the order of ``FEATURES``; NaN where a trace cannot tell (too short, no events, no trials).
    """
    rate = float(dataset.attrs["sampling_rate_hz"])
    to = min(RATE_HZ, rate)
    time = dataset["time"].values.astype(float)
    values = dataset["calcium"].transpose("neuron", ..., "time").values.astype(float)
    locked = _stimulus_locking(dataset)
    rows = []
    for cell, each in enumerate(values):
        runs = [run for row in np.atleast_2d(each) for _, run in even_runs(time, row, rate, to)]
        enough = sum(map(len, runs)) >= SHORTEST_S * to and any(np.ptp(run) > FLAT * np.abs(run).max() for run in runs)
        known = _of_runs([run - _baseline(run, to) for run in runs], to) if enough else {}
        known["stimulus_locking"] = float(locked[cell]) if enough else np.nan
        rows.append([known.get(name, np.nan) for name in FEATURES])
    return np.array(rows, dtype=float).reshape(len(values), len(FEATURES))


def _stimulus_locking(dataset: xr.Dataset) -> Floats:
    """Return how alike the mean responses of odd and of even trials are, (neuron,); NaN without repeated trials."""
    if "onset" not in dataset.coords and not is_cut(dataset):
        return np.full(dataset.sizes["neuron"], np.nan)
    trials = cut_trials(dataset.drop_vars("spikes", errors="ignore"))["calcium"].transpose("trial", "time", "neuron")
    names = trials["stimulus"].values if "stimulus" in trials.coords else np.zeros(trials.sizes["trial"])
    halves: list[list[Floats]] = [[], []]
    for name in np.unique(names):
        rows = trials.values[names == name].astype(float)
        if len(rows) > 1:
            for half in (0, 1):
                halves[half].append(mean(rows[half::2], 0))
    if not halves[0]:
        return np.full(dataset.sizes["neuron"], np.nan)
    odd, even = (np.concatenate(half) for half in halves)
    return np.array([correlation(np.stack([odd[:, i], even[:, i]], 1))[0, 1] for i in range(odd.shape[1])])


def _baseline(run: Floats, rate: float) -> Floats:
    """Return the running 10th percentile of the frames in a minute around."""
    step = max(1, round(rate))
    middle = np.minimum(np.arange(0, len(run), step) + step // 2, len(run) - 1)
    means = np.add.reduceat(run, np.arange(0, len(run), step)) / np.diff([*range(0, len(run), step), len(run)])
    window = min(len(means), round(BASELINE_S * rate / step))
    lowest = percentile_filter(means, BASELINE_PERCENTILE, size=max(window, 1), mode="nearest")
    return np.asarray(np.interp(np.arange(len(run)), middle, lowest), np.float64)


def _of_runs(runs: Sequence[Floats], rate: float) -> dict[str, float]:
    """Return the features of one cell that need no trials; of a trace that never changes none."""
    whole, change = np.concatenate(runs), np.concatenate([np.diff(run) for run in runs])
    sigma = float(np.median(np.abs(change - np.median(change)))) / (NORMAL_MEDIAN * np.sqrt(2))
    top, highest = np.percentile(whole, [99, 99.9])
    if not (sigma > 0 and top > 0):
        return {}
    active = float((whole > top / 2).mean())
    return {
        "skewness": float(skew(whole)),
        "kurtosis": float(np.log(kurtosis(whole) + 3)),
        "signal_to_noise": float(np.log(top / sigma)),
        "peak_ratio": float(np.log(highest / top)),
        "active_share": float(np.log(active)),
        "quiet_share": float((whole < np.median(whole) + 3 * sigma).mean()),
        "slope_skewness": float(skew(change)),
        "autocorrelation_1s": _autocorrelation(runs, round(rate)),
        "autocorrelation_5s": _autocorrelation(runs, round(5 * rate)),
        **_of_events(runs, max(top / 2, 4 * sigma), top / 4, rate),
    }


def _autocorrelation(runs: Sequence[Floats], lag: int) -> float:
    """Return the autocorrelation at a lag in frames, NaN where fewer than 30 pairs of frames are so far apart."""
    pairs = [(run[:-lag], run[lag:]) for run in runs if len(run) > lag]
    if sum(len(early) for early, _ in pairs) < FEW:
        return np.nan
    whole = np.concatenate(runs)
    mean, variance = whole.mean(), whole.var()
    return float(np.concatenate([(early - mean) * (late - mean) for early, late in pairs]).mean() / variance)


def _of_events(runs: Sequence[Floats], high: float, low: float, rate: float) -> dict[str, float]:
    """Return rate, length, intervals and shape of the events."""
    seconds = sum(map(len, runs)) / rate
    lengths, intervals, shapes = [], [], []
    before, after = round(BEFORE_S * rate), round(AFTER_S * rate)
    for run in runs:
        starts, ends = events(run, high, low)
        lengths += ((ends - starts) / rate).tolist()
        intervals += (np.diff(starts) / rate).tolist()
        shapes += [run[at - before : at + after] for at in starts if before <= at <= len(run) - after]
    found = {"event_rate": float(np.log((len(lengths) + 0.5) / seconds))}
    if lengths:
        found["event_length"] = float(np.log(np.mean(lengths)))
    if len(intervals) > 2:
        found["interval_cv"] = float(np.std(intervals) / np.mean(intervals))
    return found | (_of_shape(np.median(shapes, axis=0), before, rate) if shapes else {})


def events(run: Floats, high: float, low: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and last frame (exclusive) of each event: from a frame above `high` until one below `low`."""
    state = np.where(run > high, 1, np.where(run < low, 0, -1))
    last = np.maximum.accumulate(np.where(state >= 0, np.arange(len(run)), -1))
    inside = np.where(last >= 0, state[np.maximum(last, 0)], 0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside, [0]]))).reshape(-1, 2)
    return edges[:, 0], edges[:, 1]


def _of_shape(shape: Floats, onset: int, rate: float) -> dict[str, float]:
    """Return rise and decay of the median event, in steps of a frame; at least half of one."""
    peak = onset + int(np.argmax(shape[onset:]))
    half = (shape[peak] + shape[:onset].min()) / 2
    rising, falling = np.flatnonzero(shape[:peak] < half), np.flatnonzero(shape[peak:] < half)
    rise = (peak - rising[-1]) / rate if len(rising) else BEFORE_S
    decay = falling[0] / rate if len(falling) else AFTER_S
    return {"rise_time": float(np.log(max(rise, 0.5 / rate))), "decay_time": float(np.log(max(decay, 0.5 / rate)))}
