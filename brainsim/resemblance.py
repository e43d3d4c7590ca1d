"""Does the simulated response resemble the recorded one? Spike counts beside calcium, with a number.

Both are treated alike: the mean over the window of a trial, minus the mean of the cell over all windows of that length
in the recording, over their standard deviation. A condition (one stimulus) has then one pattern over cells, recorded
and simulated, and its *resemblance* is Spearman's rank correlation of the two. Two controls: cells permuted (no
relation at all), and the recorded pattern of the other conditions (a relation, but the same for every stimulus).

The current that drives a cell is made of its own recording: resemblance says that this current survives the neuron
model and the synapses, not that the network predicts anything.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import rankdata

from brainsim.missing import Floats, deviation, mean
from brainsim.trial import cut_trials, is_cut, segments, trial_frames

PERMUTATIONS = 2000
BOUNDS = (0.025, 0.975)


@dataclass(frozen=True)
class Windows:
    """The windows of a recording in which responses are taken; frames of trials follow each other.

    Attributes
    ----------
    first
        First frame of each trial, (trial,).
    stimulus
        Its stimulus, (trial,).
    every
        First frame of every window that crosses no gap, (window,).
    frames
        Frames per window.
    """

    first: NDArray[np.int64]
    stimulus: NDArray[np.str_]
    every: NDArray[np.int64]
    frames: int

    @classmethod
    def of(cls, dataset: xr.Dataset) -> "Windows | None":
        """Return the windows of a recording; None where no trial has a stimulus."""
        if "stimulus" not in dataset.coords or not ("onset" in dataset.coords or is_cut(dataset)):
            return None
        frames, length = trial_frames(dataset), dataset.sizes["time"]
        if is_cut(dataset):
            first = np.arange(dataset.sizes["trial"]) * length
            return cls(first, dataset["stimulus"].values.astype(str), first, frames)
        number = xr.Dataset({"spikes": (("time", "neuron"), np.arange(length)[:, None])}, attrs=dataset.attrs)
        names = ("time", "onset", "stimulus")
        cut = cut_trials(number.assign_coords({name: dataset[name].variable for name in names}), frames)
        parts = segments(dataset["time"].values, float(dataset.attrs["sampling_rate_hz"]))
        every = np.concatenate([np.arange(part.start, max(part.start, part.stop - frames + 1)) for part in parts])
        return cls(cut["spikes"].values[:, 0, 0], cut["stimulus"].values.astype(str), every, frames)

    @property
    def conditions(self) -> list[str]:
        """Names of the stimuli, in the order of the trials."""
        return list(dict.fromkeys(self.stimulus.tolist()))

    def of_condition(self, values: Floats) -> Floats:
        """Return the mean over the trials of each condition, (condition, neuron), of values on (trial, neuron)."""
        return np.stack([mean(values[self.stimulus == name], 0) for name in self.conditions])

    def means(self, activity: Floats, first: NDArray[np.int64]) -> Floats:
        """Return the mean activity in windows, (window, neuron), of activity on (frame, neuron)."""
        known = np.isfinite(activity)
        if known.all():
            return self._sums(activity, first) / self.frames
        total, n = self._sums(np.where(known, activity, 0.0), first), self._sums(known, first)
        result: Floats = np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)
        return result

    def _sums(self, values: NDArray[Any], first: NDArray[np.int64]) -> Floats:
        sums = np.zeros((len(values) + 1, values.shape[1]))
        np.cumsum(values, axis=0, out=sums[1:])
        return np.asarray(sums[first + self.frames] - sums[first])

    def response(self, activity: Floats) -> Floats:
        """Return how far each cell is from its mean under each condition, in standard deviations over all windows.

        Parameters
        ----------
        activity
            Calcium or spikes, (frame, neuron).

        Returns
        -------
        ndarray
            (condition, neuron); 0 for a cell that never changes, NaN for one that is missing.
        """
        windows = self.means(activity, self.every)
        middle, spread = mean(windows, 0), deviation(windows, 0)
        away = self.of_condition(self.means(activity, self.first)) - middle
        return np.where(spread > 1e-9 * np.abs(middle), away / np.where(spread > 0, spread, 1.0), 0.0 * away)


def resemblance(simulated: Floats, recorded: Floats, conditions: list[str], seed: int) -> xr.Dataset:
    """Hold simulated responses against recorded ones.

    Parameters
    ----------
    simulated
        (repeat, condition, neuron).
    recorded
        (condition, neuron); cells that are missing (NaN) are left out.
    conditions
        Names of the conditions.
    seed
        Seed of the permutations.

    Returns
    -------
    Dataset
        ``simulated_response``, ``recorded_response``; ``resemblance`` (repeat, condition), rank correlation over cells;
        ``resemblance_other`` (condition), mean over repeats, with the recorded patterns of the other conditions;
        ``resemblance_shuffled`` (bound, condition), the central 95 % of the mean over repeats with cells permuted;
        ``resemblance_p`` (condition), one-sided, of the same permutations. Attributes: ``resemblance_mean`` and
        ``resemblance_p_stimuli``, one-sided, with the names of the conditions permuted.
    """
    rng = np.random.default_rng([seed, 2])
    known = np.isfinite(recorded).all(0) & np.isfinite(simulated).all((0, 1))
    ours, theirs = _scores(simulated[..., known]), _scores(recorded[:, known])
    each, average = np.einsum("rcn,cn->rc", ours, theirs), ours.mean(0)
    found = each.mean(0)
    orders = [rng.permutation(len(theirs.T)) for _ in range(PERMUTATIONS)]
    shuffled = np.stack([np.einsum("cn,cn->c", average[:, order], theirs) for order in orders])
    pairs = average @ theirs.T
    others = np.where(np.eye(len(pairs), dtype=bool), np.nan, pairs)
    orders = [rng.permutation(len(pairs)) for _ in range(PERMUTATIONS)]
    renamed = np.array([mean(pairs[np.arange(len(pairs)), order], 0) for order in orders])
    result = xr.Dataset(
        {
            "simulated_response": (("repeat", "condition", "neuron"), simulated, {"units": "SD"}),
            "recorded_response": (("condition", "neuron"), recorded, {"units": "SD"}),
            "resemblance": (("repeat", "condition"), each),
            "resemblance_other": ("condition", mean(others, 1)),
            "resemblance_shuffled": (("bound", "condition"), np.quantile(shuffled, BOUNDS, axis=0)),
            "resemblance_p": ("condition", _p(found, shuffled)),
        },
        coords={"condition": conditions, "bound": list(BOUNDS)},
    )
    overall = mean(found, 0)
    result.attrs.update(resemblance_mean=float(overall), resemblance_p_stimuli=float(_p(overall, renamed)))
    return result


def sentence(fit: xr.Dataset) -> str:
    """Say how much the simulated responses of a fit resemble the recorded ones.

    Parameters
    ----------
    fit
        With the variables that :func:`resemblance` returns; `repeat` may be missing.
    """
    low, high = fit["resemblance_shuffled"].mean("condition").values
    above = int((fit["resemblance_p"] < 0.05).sum())
    attrs, conditions = fit.attrs, fit.sizes["condition"]
    text = (
        f"resemblance of simulated and recorded responses: rank correlation {attrs['resemblance_mean']:.2f} over "
        f"cells, mean of {conditions} stimuli (cells shuffled: {low:.2f} to {high:.2f}; "
        f"{above} of {conditions} above chance)"
    )
    if conditions == 1:
        return text
    other, p = float(fit["resemblance_other"].mean()), attrs["resemblance_p_stimuli"]
    return f"{text}; with the responses to other stimuli {other:.2f} (stimuli shuffled: p = {p:.2g})"


def _scores(values: Floats) -> Floats:
    """Return ranks over the last axis with mean 0 and length 1, so that a product is Spearman's correlation."""
    ranks = rankdata(values, axis=-1)
    ranks -= ranks.mean(-1, keepdims=True)
    length = np.linalg.norm(ranks, axis=-1, keepdims=True)
    scores: Floats = np.divide(ranks, length, out=np.full(ranks.shape, np.nan), where=length > 0)
    return scores


def _p(found: Floats, shuffled: Floats) -> Floats:
    """Return how often chance reaches what was found (to rounding), the found one counted too; NaN where it is NaN."""
    reached = (shuffled >= found - 1e-12).sum(0)
    return np.asarray(np.where(np.isfinite(found), (1 + reached) / (1 + len(shuffled)), np.nan))
