"""How much of cell types and connections frames of a microscope can tell: a classifier that was told the truth.

No method on real data knows who is connected in other networks of the same kind. This one does: it sees correlograms
of all pairs, learns from labelled networks of a preset which of them belong to an excitatory synapse, to an inhibitory
one or to none, and what all pairs of a neuron say of its type. Each network is judged by what was learned from others.
(How to weigh the pairs of a neuron is learned from sums of other networks, some of them by trees that had seen the
judged one: this can only favour the classifier.) What it cannot tell from a recording, a method that is told nothing
can hardly be expected to tell.

    correlation    sum_t x_i(t) x_j(t + lag) / sqrt(frames)     lags -8 .. 8, of standardised activity x
    four times     as it is; without what the mean of all neurons explains; the same in quiet frames, and in bursts
    partial        of what is left in three neighbouring frames, given all other neurons

It is an estimate of what can be reached, from below: more networks or other features may tell more.

References
----------
Zaytsev, Morrison & Deger (2015), J Comput Neurosci 39:77 (what can be inferred is tested on simulated networks).
Friedman (2001), Ann Stat 29:1189 (boosted trees).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from brainsim import catalog
from brainsim.accuracy import accuracy
from brainsim.binning import bin_spikes
from brainsim.calcium import deconvolve
from brainsim.contest import Method
from brainsim.error import InputError
from brainsim.ground_truth import prepare
from brainsim.indicator import Indicator
from brainsim.progress import Progress, silent
from brainsim.simulate import simulate

Floats = NDArray[Any]  # of 32 bits where they are many
Labels = NDArray[np.int64]
FLUORESCENCE, WIRING, TRUE_SPIKES = "labelled networks", "the same, wiring known", "the same, true spikes"
SIGHTS = (FLUORESCENCE, WIRING, TRUE_SPIKES)
LAGS, BEFORE, NEIGHBOURS = 8, 3, 3  # frames
QUIET, BURST, SMOOTH = 0.6, 0.85, 5  # quantiles of the activity of all neurons, in so many frames
RIDGE = 0.02
FOLDS, EXTREME, MOST = 4, 8, 1.0
TREES: dict[str, Any] = {
    "max_iter": 150, "learning_rate": 0.06, "max_leaf_nodes": 15, "min_samples_leaf": 40, "l2_regularization": 5.0,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Network:
    """A network whose truth is known.

    Attributes
    ----------
    seen
        What is seen of each pair by fluorescence, and in its true spikes: two of (pair, feature), without self-pairs.
    effect
        1 for an excitatory synapse, -1 for an inhibitory one, 0 for none, (pair,).
    excitatory
        True types, (neuron,).
    """

    seen: tuple[Floats, Floats]
    effect: Labels
    excitatory: NDArray[np.bool_]

    @classmethod
    def of(cls, dataset: xr.Dataset, indicator: Indicator) -> "Network":
        """Take what can be seen and the truth out of a simulated recording that was seen through an indicator."""
        apart = ~np.eye(dataset.sizes["neuron"], dtype=bool)
        rate = float(dataset.attrs["sampling_rate_hz"])
        inferred = deconvolve(dataset.drop_vars(["spike_time", "spike_neuron"]))
        unit = np.where(inferred["spike_unit"] > 0, inferred["spike_unit"], 1)
        deconvolved = np.nan_to_num(inferred["spikes"].transpose("time", "neuron").values / unit)
        trace = np.nan_to_num(dataset["calcium"].transpose("time", "neuron").values.astype(float))
        true = bin_spikes(dataset.drop_vars("calcium"), rate)["spikes"].transpose("time", "neuron").values.astype(float)
        linear = filtered(trace, indicator, rate, np.nan_to_num(inferred["noise"].values))
        by_light = np.concatenate([features(deconvolved)[apart], features(linear)[apart]], axis=1)
        weight = np.nan_to_num(dataset["true_weight"].transpose("pre", "post").values)[apart]
        kinds = dataset["cell_type"].values.astype(str) == "E"
        return cls((by_light, features(true)[apart]), np.sign(weight).astype(int), kinds)


def filtered(trace: Floats, indicator: Indicator, rate: float, noise: Floats) -> Floats:
    """Return the activity that a Wiener filter infers which knows the indicator, its saturation included.

    Parameters
    ----------
    trace
        dF/F, (time, neuron).
    indicator
        What the recording was seen through.
    rate
        Frames per second [Hz].
    noise
        Standard deviation of the white noise of each neuron [dF/F], (neuron,).
    """
    linear = trace / np.maximum(1 - trace / indicator.saturation, 0.1)
    size = 2 * len(trace)
    at = np.arange(len(trace)) / rate
    shape = indicator.amplitude * (np.exp(-at / indicator.decay) - np.exp(-at / max(indicator.rise, 1e-6)))
    response = np.fft.rfft(shape, size)[:, None]
    power = np.abs(response) ** 2 + noise**2 * rate / 3  # of spikes at 3 Hz
    held = np.fft.rfft(linear - linear.mean(0), size, axis=0) * np.conj(response) / power
    return np.asarray(np.fft.irfft(held, size, axis=0)[: len(trace)])


def features(activity: Floats) -> Floats:
    """Return what is seen of every pair, (pre, post, feature).

    Parameters
    ----------
    activity
        Of each neuron in each frame, (time, neuron).
    """
    frames, neurons = activity.shape
    mean = activity.mean(1)
    around = np.stack([np.roll(mean, shift) for shift in range(-BEFORE, BEFORE + 1)], axis=1)
    design = np.concatenate([np.ones((frames, 1)), around, around**2], axis=1)
    left = activity - design @ np.linalg.lstsq(design, activity, rcond=None)[0]
    smooth = np.convolve(mean, np.full(SMOOTH, 1 / SMOOTH), "same")
    quiet, burst = smooth < np.quantile(smooth, QUIET), smooth > np.quantile(smooth, BURST)
    whole = correlation(left)
    columns = [correlation(activity), whole, correlation(left * quiet[:, None]), correlation(left * burst[:, None])]
    columns += [partial(left), whole - whole.mean(1, keepdims=True) - whole.mean(0, keepdims=True)]
    rate = np.broadcast_to(np.log(np.abs(activity.mean(0)) + 1e-6)[:, None], (neurons, neurons))
    return np.asarray(np.concatenate([*columns, rate[..., None], rate.T[..., None]], axis=2), np.float32)


def standardised(activity: Floats) -> Floats:
    """Return activity with mean 0 and variance 1; 0 where it never changes."""
    spread = activity.std(0)
    return np.asarray((activity - activity.mean(0)) / np.where(spread > 0, spread, np.inf))


def correlation(activity: Floats) -> Floats:
    """Return correlations of all pairs as normal scores at lags -8 .. 8, (pre, post, lag)."""
    held = standardised(activity)
    found = np.empty((held.shape[1], held.shape[1], 2 * LAGS + 1))
    for lag in range(LAGS + 1):
        found[:, :, LAGS + lag] = held[: len(held) - lag].T @ held[lag:] / np.sqrt(len(held))
        found[:, :, LAGS - lag] = found[:, :, LAGS + lag].T
    return found


def partial(activity: Floats) -> Floats:
    """Return partial correlations in neighbouring frames as normal scores, (pre, post, frame x frame)."""
    neurons = activity.shape[1]
    held = standardised(np.concatenate([np.roll(activity, shift, 0) for shift in range(NEIGHBOURS)], axis=1))
    inverse = np.linalg.inv(held.T @ held / len(held) + RIDGE * np.eye(held.shape[1]))
    size = np.sqrt(np.diag(inverse))
    found = -inverse / np.outer(size, size) * np.sqrt(len(held))
    blocks = found.reshape(NEIGHBOURS, neurons, NEIGHBOURS, neurons)
    return np.asarray(blocks.transpose(1, 3, 0, 2).reshape(neurons, neurons, -1))


def told(networks: Sequence[Network], sight: str, seed: int = 0) -> list[dict[str, float]]:
    """Judge every network by what was learned from the others.

    Parameters
    ----------
    networks
        At least two.
    sight
        One of ``SIGHTS``: what is seen of a network that is judged and of those that are learned from. Where the wiring
        is known, only the type of the neurons is asked for.
    seed
        Of the trees.

    Returns
    -------
    list of dict
        ``ei_accuracy`` of the types and, where the wiring is not known, ``ap`` of the connections.
    """
    pairs = [each.seen[SIGHTS.index(sight) // 2] for each in networks]
    known = [each.effect != 0 if sight == WIRING else np.ones(len(each.effect), bool) for each in networks]
    lean, ap = [np.zeros(len(each.effect)) for each in networks], [np.nan] * len(networks)
    for fold in range(folds := min(FOLDS, len(networks))):
        held = range(fold, len(networks), folds)
        rest = [k for k in range(len(networks)) if k not in held]
        rows = np.concatenate([pairs[k][known[k]] for k in rest])
        labels = np.concatenate([networks[k].effect[known[k]] for k in rest])
        model = HistGradientBoostingClassifier(**TREES, random_state=seed).fit(rows, labels)
        usual = np.array([(labels == each).mean() for each in model.classes_])
        for k in held:
            chance = model.predict_proba(pairs[k][known[k]])
            lean[k][known[k]] = _lean(chance, usual, model.classes_)
            if sight != WIRING:
                ap[k] = float(
                    average_precision_score(networks[k].effect != 0, 1 - chance[:, model.classes_ == 0][:, 0])
                )
    said = [_of_neurons(each, len(network.excitatory)) for each, network in zip(lean, networks, strict=True)]
    right = [_types(said, networks, k) for k in range(len(networks))]
    return [{"ei_accuracy": each, "ap": order} for each, order in zip(right, ap, strict=True)]


def _lean(chance: Floats, usual: Floats, classes: Labels) -> Floats:
    """Return how much more probable what is seen is if the neuron excites than if it inhibits, in nats, (pair,)."""
    ratio = dict(zip(classes.tolist(), (np.maximum(chance, 1e-6) / usual).T, strict=True))
    often = 1.0 if 0 not in ratio else float(1 - usual[classes == 0][0])
    none = (1 - often) * ratio.get(0, np.zeros(len(chance)))
    return np.asarray(np.log(none + often * ratio[1]) - np.log(none + often * ratio[-1]))


def _of_neurons(lean: Floats, neurons: int) -> Floats:
    """Return what all pairs of each neuron say: the sum, the largest, the smallest, and none by itself, (neuron, 4)."""
    rows = np.sort(lean.reshape(neurons, neurons - 1), axis=1)
    parts = rows, rows[:, -EXTREME:], rows[:, :EXTREME], np.clip(rows, -MOST, MOST)
    return np.stack([each.sum(1) for each in parts], axis=1) / 5


def _types(said: Sequence[Floats], networks: Sequence[Network], judged: int) -> float:
    """Return the share of neurons of a network whose type is right, as all others taught it."""
    rest = [k for k in range(len(networks)) if k != judged]
    model = LogisticRegression().fit(
        np.concatenate([said[k] for k in rest]), np.concatenate([networks[k].excitatory for k in rest])
    )
    return float((model.predict(said[judged]) == networks[judged].excitatory).mean())


def compete(
    presets: Sequence[str],
    networks: int,
    seed: int,
    ours: Callable[[int], Method],
    progress: Progress = silent,
) -> list[dict[str, Any]]:
    """Judge networks of presets by our method, which is told nothing, and by what was learned from their like.

    Parameters
    ----------
    presets
        Names of presets with an indicator.
    networks
        How many of each, at least 4.
    seed
        Of the first one.
    ours
        Makes our method with a seed.
    progress
        Called after each network and each sight.

    Returns
    -------
    list of dict
        For each preset and method: medians over networks of ``ei_accuracy`` and ``ap``, quartiles of the former
        (``low``, ``high``), what is right if all neurons are called E (``all_excitatory``), and ``why`` where something
        is missing.

    Raises
    ------
    UnknownName
        If there is no such preset.
    InputError
        If a preset has no indicator, or there are fewer than 4 networks.
    """
    if networks < FOLDS:
        raise InputError(f"{networks} networks", where="--networks", remedy=f"give at least {FOLDS}")
    kinds = {name: catalog.get("preset", name)() for name in presets}
    for name, kind in kinds.items():
        if kind.indicator() is None:
            raise InputError("it is not seen through an indicator", where=f"preset '{name}'", remedy="give calcium-...")
    steps, done, rows = len(kinds) * (networks + len(SIGHTS)), 0, []
    for name, kind in kinds.items():
        made, found, why = [], [], ""
        for each in range(seed, seed + networks):
            dataset = simulate(kind, each)
            case = prepare(name, dataset, "calcium")
            try:
                judged = accuracy(ours(each).infer(case.dataset, 0.001), case.true_weight, case.cell_type)
                found.append({"ei_accuracy": judged.ei_accuracy, "ap": judged.ap})
            except InputError as error:
                why = " ".join(str(error).split())
            made.append(Network.of(dataset, kind.indicator()))
            progress(done := done + 1, steps, f"{name} {each}")
        share = float(np.median([each.excitatory.mean() for each in made]))
        rows.append(_row(name, "brainsim", found, share, why))
        for sight in SIGHTS:
            rows.append(_row(name, sight, told(made, sight, seed), share))
            progress(done := done + 1, steps, f"{name} {sight}")
    return rows


def _row(preset: str, method: str, found: Sequence[dict[str, Any]], share: float, why: str = "") -> dict[str, Any]:
    types, order = (np.array([each[name] for each in found], float) for name in ("ei_accuracy", "ap"))
    low, middle, high = np.quantile(types, [0.25, 0.5, 0.75]).tolist() if len(types) else (None, None, None)
    ap = float(np.median(order)) if len(order) and np.isfinite(order).all() else None
    return {
        "preset": preset,
        "method": method,
        "networks": len(found),
        "ei_accuracy": middle,
        "low": low,
        "high": high,
        "ap": ap,
        "each": types.tolist(),
        "all_excitatory": share,
        "why": why,
    }
