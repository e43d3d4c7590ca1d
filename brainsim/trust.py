"""Can a fit be trusted? The fitted network runs freely and is held against the recording; see docs/inference.md."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim import freerun
from brainsim.encoding import Encoded, encode
from brainsim.folds import blocked_folds
from brainsim.gradient import response_window
from brainsim.hidden import share_hidden
from brainsim.trait import Missing, Train, Trials, distances, mean_known

MOST_NEURONS = 300
LONGEST_S = 600.0
RUNS = 3
FIRST_BOX_S, SPIKES_PER_BOX = 0.1, 10.0
MUCH_HIDDEN = 0.5
FEWEST_SPIKES = 50
FACTOR = 1.5
SLACK = {"rate": 0.1, "cv": 0.1, "correlation": 0.02, "psth": 0.1}
NAMES = {"rate": "rates", "cv": "CV of intervals", "correlation": "correlations", "psth": "responses to stimuli"}
FAR_OFF = 2.0

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def trust_report(dataset: xr.Dataset, fit: xr.Dataset, seed: int = 0, target: str = "cpp") -> xr.Dataset:
    """Let the network of a fit run freely through the held-out blocks of time and hold it against the recording.

    Parameters
    ----------
    dataset
        The recording that was fitted.
    fit
        The fit of the rule ``ml``.
    seed
        Seed of the free run.
    target
        ``"cpp"`` or ``"numpy"``.

    Returns
    -------
    Dataset
        The fit with the attribute `trust` (a sentence), attributes `trust_*` and `rate_*`, `cv_*` of each neuron.
    """
    n = fit.sizes["neuron"]
    if n > MOST_NEURONS:
        return fit.assign_attrs(
            trust=f"not checked: {n} neurons are more than {MOST_NEURONS}, a free run would be slow"
        )
    events = fit.attrs["input"] == "events"
    encoded = encode(dataset, "events" if events else "spikes", fit.attrs["bin_s"])
    held, controls, blocked = _blocks(fit)
    missing, spikes = Missing(encoded.gaps, encoded.bins), encoded.spikes
    recorded = spikes.source_of_each(), spikes.step.astype(np.int64), spikes.amplitude.astype(float)
    real = Train.of(recorded, held, missing)
    seeds = np.random.default_rng([seed, 2]).integers(2**31 - 1, size=RUNS)
    free = [Train.of(freerun.spikes(fit, int(each), target, held), held, missing) for each in seeds]
    windows, trials = _windows(encoded, events), _trials(dataset, encoded, real)
    runs = [distances(each, real, windows, events, trials) for each in free]
    apart = {k: _over(np.median, [run[k] for run in runs]) for k in runs[0]}
    floors = [distances(*pair, windows, events, trials) for pair in _controls(recorded, real, controls, missing)]
    floor = {k: _over(np.max, [each[k] for each in floors]) for k in apart}
    result = fit.assign_attrs({f"trust_{k}": v for k, v in apart.items()})
    result.attrs |= {f"trust_{k}_floor": v for k, v in floor.items()}
    for name, trains in (("recorded", [real]), ("simulated", free)):
        result[f"rate_{name}"] = ("neuron", np.mean([each.rate() for each in trains], axis=0) / encoded.bin_s)
        if events:
            result[f"cv_{name}"] = ("neuron", np.mean([each.variation() for each in trains], axis=0))
        for k, width in windows.items():
            result.attrs[f"trust_{k}_{name}"] = mean_known(np.concatenate([t.correlation(width) for t in trains]))
    result.attrs |= {
        "trust_rate_ratio": float(sum(each.count.sum() for each in free) / RUNS / (real.count.sum() or np.nan)),
        "trust_share_hidden": share_hidden(fit, encoded, real),
        "trust_seconds": float(len(held) * encoded.bin_s),
    }
    judged = [k for k in SLACK if np.isfinite(apart.get(k, np.nan)) and np.isfinite(floor[k])]
    failed = [k for k in judged if apart[k] > FACTOR * floor[k] + SLACK[k]]
    result.attrs |= {"trust_checks": len(judged), "trust_checks_passed": len(judged) - len(failed)}
    result.attrs["trust"] = _sentence(result, failed, float(real.count.sum()), blocked)
    return result


def _blocks(fit: xr.Dataset) -> tuple[Index, list[Index], bool]:
    """Return the held-out bins, sets of fitted bins as long as they, and whether anything was held out."""
    bins, width = int(fit.attrs["bins"]), float(fit.attrs["bin_s"])
    held = blocked_folds(bins, fit.attrs["tau_s"] / width).held(bins)
    most = int(LONGEST_S / RUNS / width)
    if not held.any():
        return np.arange(bins)[:most], [], False
    edge = np.flatnonzero(np.diff(np.concatenate([[0], held.astype(np.int8), [0]])))
    runs, sets = edge.reshape(-1, 2), []
    for k in range(1, 5):
        shifted = np.concatenate([np.arange(a, b) - k * (b - a) for a, b in runs])
        shifted = np.unique(shifted[shifted >= 0])
        sets.append(shifted[~held[shifted]][:most])
    return np.flatnonzero(held)[:most], sets, True


def _controls(
    recorded: tuple[Index, Index, Array], real: Train, controls: list[Index], missing: Missing
) -> list[tuple[Train, Train]]:
    """Return pairs of recorded trains: fitted against held-out blocks, or the two halves where nothing is held out."""
    if controls:
        return [(Train.of(recorded, chosen, missing), real) for chosen in controls]
    half = len(real.chosen) // 2
    first, second = (Train.of(recorded, part, missing) for part in (real.chosen[:half], real.chosen[half:]))
    return [(first, second)]


def _windows(encoded: Encoded, events: bool) -> dict[str, int]:
    """Return the windows of the correlations in bins: 20 ms and 1 s for spike times, else a frame."""
    if not events:
        return {"correlation": 1}
    return {"correlation": max(1, round(0.02 / encoded.bin_s)), "correlation_slow": max(1, round(1 / encoded.bin_s))}


def _trials(dataset: xr.Dataset, encoded: Encoded, real: Train) -> Trials | None:
    """Return when stimuli came, in boxes so wide that a neuron fires 10 spikes in one; None where there were none."""
    inside = np.flatnonzero(encoded.onset >= 0)
    if "stimulus" not in dataset.coords or not len(inside):
        return None
    order = inside[np.argsort(encoded.onset[inside], kind="stable")]
    names, number = np.unique(dataset["stimulus"].values.astype(str)[order], return_inverse=True)
    seen = np.isin(encoded.onset[order], real.chosen).sum() / len(names)
    rate = mean_known(real.rate()) * max(seen, 1.0)
    window = max(1, int(response_window(dataset) / encoded.bin_s))
    box = max(1.0, FIRST_BOX_S / encoded.bin_s, SPIKES_PER_BOX / max(rate, 1e-9))
    box = int(min(np.ceil(box), window))
    return Trials(encoded.onset[order], number.astype(np.int64), box, window // box)


def _over(pick: Callable[[Array], Any], values: list[float]) -> float:
    """Return what `pick` makes of the finite values; NaN where there are none."""
    known = np.array([v for v in values if np.isfinite(v)])
    return float(pick(known)) if len(known) else float("nan")


def _sentence(fit: xr.Dataset, failed: list[str], spikes: float, blocked: bool) -> str:
    """Say in one sentence whether the fit can be trusted."""
    attrs, checks = fit.attrs, fit.attrs["trust_checks"]
    where = "" if blocked else " (no time was held out: held against the whole recording)"
    if spikes < FEWEST_SPIKES or not checks:
        return f"cannot be told: {spikes:.0f} spikes in {attrs['trust_seconds']:.3g} s of held-out time are too few"
    hidden = attrs["trust_share_hidden"]
    much = hidden > MUCH_HIDDEN
    note = f"; {hidden:.0%} of the variance of the drive is left to hidden input" if much else ""
    if not failed:
        note += ": trust it with care" if much else ""
        return f"the free network runs like the recording on {checks} of {checks} checks{where}{note}"
    ratio = attrs["trust_rate_ratio"]
    wild = not 1 / FAR_OFF < ratio < FAR_OFF
    said = f"fires {ratio:.2g} times as often as the recording" if wild else "does not run like the recording"
    far = [f"{NAMES[k]} {_times(attrs[f'trust_{k}'], attrs[f'trust_{k}_floor'])}" for k in failed]
    said += f" ({', '.join(far)} times as far off as blocks of the recording are from each other)"
    grave = wild or "rate" in failed or 2 * len(failed) >= checks
    end = "do not trust its connections" if grave else "trust it with care"
    return f"the free network {said}, {checks - len(failed)} of {checks} checks passed: {end}{where}{note}"


def _times(distance: float, floor: float) -> str:
    """Return how many times the floor a distance is, in few digits."""
    times = distance / max(floor, 1e-3)
    return f"{times:.0f}" if times >= 10 else f"{times:.1f}"
