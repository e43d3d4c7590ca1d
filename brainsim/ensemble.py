"""Which cells respond to which stimulus, by a stated test, and the groups of cells that follow from it.

A cell responds where its activity after onset is higher than before, trial by trial: one-sided sign-flip test of the
mean difference (Fisher 1935, The Design of Experiments), then the false discovery rate over cells (Benjamini &
Hochberg 1995, Journal of the Royal Statistical Society B 57:289).

    d_k = response of trial k - baseline of trial k
    p   = share of random signs s with  sum_k s_k d_k >= sum_k d_k
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from brainsim.error import InputError, UnknownName
from brainsim.grouping import PAIRING, Group, design, members
from brainsim.missing import Floats, mean
from brainsim.response import Responses, trial_responses

Mask = NDArray[np.bool_]
LEVEL = 0.05
FEWEST_TRIALS = 6
FLIPS = 10_000
BLANKS = ("blank", "baseline", "none", "spontaneous")
REFERENCES = ("onset", "blank", "others")


def responsive(
    dataset: xr.Dataset,
    *,
    phase: Sequence[str] | NDArray[np.str_] | None = None,
    source: str = "auto",
    window: float | None = None,
    reference: str = "auto",
    blank: str | None = None,
    keep_shared: bool = False,
    level: float = LEVEL,
    seed: int = 0,
) -> xr.Dataset:
    """Find the cells that respond to each stimulus.

    Parameters
    ----------
    dataset
        A recording with trials: a continuous one with their table, or one that is cut into trials.
    phase
        Part of the experiment that each trial belongs to, (trial,); empty where it belongs to none. As
        :func:`brainsim.grouping.design` finds it.
    source
        ``"spikes"`` or ``"calcium"`` per frame, ``"events"`` (spike times), or ``"auto"``: the first of these it holds.
    window
        Length of the window on either side of the onset [s]; by default 1 s, or half the shortest time between onsets.
    reference
        What a response is held against. ``"onset"``: the window before the onset of the same trial (paired test);
        ``"blank"``: trials of the stimulus `blank`; ``"others"``: trials of all other stimuli, so that a cell counts
        where it prefers the stimulus (Mann-Whitney U test, both). ``"auto"``: the first of these that there is.
    blank
        Name of the blank stimulus; by default one that is called blank, baseline, none or spontaneous.
    keep_shared
        Do not take the signal that all cells share off first (see :mod:`brainsim.response`).
    level
        False discovery rate.
    seed
        Seed of the random signs.

    Returns
    -------
    Dataset
        On (stimulus, neuron), or (stimulus, phase, neuron): `responsive`, `q_value`, `p_value` and `effect` (mean
        response minus what it is held against, in the unit of the recording); `trials` on (stimulus,) or (stimulus,
        phase). Where there are fewer than 6 trials, `q_value` is NaN (unknown) and `responsive` false. The attributes
        say which test was made, on what, in which window, and what is doubtful (`notices`).

    Raises
    ------
    InputError
        If no stimulus has enough trials, or there is nothing to hold a response against.
    """
    if phase is not None:
        dataset = dataset.assign_coords(phase=("trial", np.asarray(phase).astype(str)))
    trials = trial_responses(dataset, source, window, keep_shared=keep_shared)
    against, blank = _reference(trials, reference, blank)
    stimuli = [name for name in dict.fromkeys(trials.stimulus.tolist()) if against != "blank" or name != blank]
    cells = {(name, part): rows for name in stimuli for part, rows in _rows(trials, name).items()}
    parts = list(dict.fromkeys(part for _, part in cells))
    shape = (len(stimuli), len(parts), trials.response.shape[1])
    p, q, effect = (np.full(shape, np.nan) for _ in range(3))
    count = np.zeros(shape[:2], int)
    for (name, part), rows in cells.items():
        at = stimuli.index(name), parts.index(part)
        count[at] = rows.sum()
        if count[at] >= FEWEST_TRIALS:
            p[at], effect[at] = _test(trials, rows, against, blank, np.random.default_rng(seed))
            known = np.isfinite(p[at])
            q[at][known] = stats.false_discovery_control(p[at][known])
    if not np.isfinite(q).any():
        raise InputError(
            f"no stimulus has {FEWEST_TRIALS} trials", where="field 'stimulus'", remedy="record more of each"
        )
    notices = [*trials.notices, *_doubts(trials, against, count, shape[2], level)]
    result = _dataset(dataset, (stimuli, parts), {"p_value": p, "q_value": q, "effect": effect}, count, level)
    result["effect"].attrs["units"] = trials.unit
    result.attrs.update(
        test="one-sided sign-flip test of paired differences"
        if against == "onset"
        else "one-sided Mann-Whitney U test",
        reference={"onset": "window before onset", "blank": f"trials of {blank}"}.get(against, "trials of all others"),
        variable=trials.variable,
        window_s=trials.window_s,
        shared_signal="kept" if keep_shared or trials.variable == "events" or against != "onset" else "taken off",
        level=level,
        seed=seed,
        notices="\n".join(notices),
    )
    return result if phase is not None else result.isel(phase=0, drop=True)


def groups(
    dataset: xr.Dataset,
    conditioned: str | None = None,
    unconditioned: str | None = None,
    *,
    conditioned_after: str | None = None,
    definitions: Sequence[Group] = PAIRING,
    **options: Any,
) -> dict[str, NDArray[np.bool_]]:
    """Return the groups of cells of a pairing experiment.

    Parameters
    ----------
    dataset
        A recording with trials of both stimuli alone, before and after trials of both together.
    conditioned, unconditioned
        Names of the stimulus whose meaning changes and of the one it is paired with; by default ``aud`` and ``air``
        where the recording has them.
    conditioned_after
        Name of the conditioned stimulus after pairing, where it has another one there; before and after are then told
        by the names of the stimuli, not by time.
    definitions
        The table of groups.
    options
        Passed on to :func:`responsive`.

    Returns
    -------
    dict
        Members of each group, (neuron,), by name: ``aud``, ``air``, ``audair``, ``nonair`` in the original experiment.

    Raises
    ------
    InputError
        If the recording has no such stimuli, was not made before and after pairing, or has too few trials.
    """
    setting = design(dataset, conditioned, unconditioned, conditioned_after)
    labelled = dataset.assign_coords(stimulus=("trial", setting.stimulus))
    return members(responsive(labelled, phase=setting.phase, **options), setting, definitions)


def _reference(trials: Responses, reference: str, blank: str | None) -> tuple[str, str]:
    """Return what responses are held against, and the name of the blank stimulus (empty where there is none)."""
    if reference not in ("auto", *REFERENCES):
        raise UnknownName("reference", reference, REFERENCES)
    names = dict.fromkeys(trials.stimulus.tolist())
    blank = blank or next((name for name in names if name.lower() in BLANKS), "")
    possible = {"onset": trials.baseline is not None, "blank": blank in names, "others": len(names) > 1}
    chosen = next((each for each in REFERENCES if possible[each]), "onset") if reference == "auto" else reference
    if not possible[chosen]:
        lacks = {
            "onset": "trials begin at onset, with nothing before it",
            "blank": f"there is no stimulus {blank or 'that is blank'}",
            "others": "there is no other stimulus",
        }[chosen]
        raise InputError(lacks, where="field 'stimulus'", remedy=f"choose another reference: {', '.join(REFERENCES)}")
    return chosen, blank


def _rows(trials: Responses, stimulus: str) -> dict[str, Mask]:
    """Return which trials of a stimulus belong to each part of the experiment."""
    mine = trials.stimulus == stimulus
    if "phase" not in trials.table:
        return {"": mine}
    phase = trials.table["phase"].values
    return {part: mine & (phase == part) for part in dict.fromkeys(phase.tolist()) if part}


def _test(trials: Responses, rows: Mask, against: str, blank: str, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return p value and effect of each cell, NaN where too few trials are known."""
    if against == "onset" and trials.baseline is not None:
        difference = trials.response[rows] - trials.baseline[rows]
        p, effect = sign_flip(difference, rng), mean(difference, 0)
        enough = np.isfinite(difference).sum(0) >= FEWEST_TRIALS
    else:
        other = trials.stimulus == blank if against == "blank" else trials.stimulus != trials.stimulus[rows][0]
        ours, theirs = trials.response[rows], trials.response[other]
        p = stats.mannwhitneyu(ours, theirs, alternative="greater", axis=0, nan_policy="omit").pvalue
        effect = mean(ours, 0) - mean(theirs, 0)
        enough = np.minimum(np.isfinite(ours).sum(0), np.isfinite(theirs).sum(0)) >= FEWEST_TRIALS
    return np.where(enough, p, np.nan), np.where(enough, effect, np.nan)


def sign_flip(difference: Floats, rng: np.random.Generator) -> Floats:
    """Return the p value of a mean above 0 in each column, if the sign of every difference is a matter of chance.

    Parameters
    ----------
    difference
        Shape (trial, column); NaN counts as 0.
    rng
        Draws the signs: 10,000 times, or twice as often as the smallest rank of the false discovery rate asks for.
    """
    values = np.nan_to_num(difference)
    observed, n = values.sum(0) - 1e-9 * np.abs(values).sum(0), len(values)
    draws = max(FLIPS, int(2 * values.shape[1] / LEVEL))
    at_least = np.ones(values.shape[1])
    for first in range(0, draws, FLIPS):
        signs = rng.choice((-1.0, 1.0), (min(FLIPS, draws - first), n))
        at_least += (signs @ values >= observed).sum(0)
    p: Floats = at_least / (draws + 1)
    return p


def _doubts(trials: Responses, against: str, count: NDArray[np.int64], cells: int, level: float) -> list[str]:
    """Say what a reader must know about the test."""
    found = []
    few = int(((count > 0) & (count < FEWEST_TRIALS)).sum())
    if few:
        found.append(f"{few} stimuli have fewer than {FEWEST_TRIALS} trials: unknown who responds")
    enough = count[count >= FEWEST_TRIALS]
    if against == "onset" and len(enough) and 0.5 ** enough.min() > level / cells:
        needed = int(np.ceil(0.5 ** enough.min() * cells / level))
        found.append(f"with {enough.min()} trials a cell can be found only where at least {needed} of {cells} respond")
    if against == "others":
        found.append("trials begin at onset and there is no blank stimulus: a cell that answers all alike is not found")
    stimulus = trials.stimulus
    if against != "onset" and (stimulus[1:] != stimulus[:-1]).sum() + 1 == len(set(stimulus.tolist())):
        found.append("each stimulus is one stretch of time: slow drift looks like a response here")
    return found


def _dataset(
    dataset: xr.Dataset,
    names: tuple[list[str], list[str]],
    values: dict[str, Floats],
    count: NDArray[np.int64],
    level: float,
) -> xr.Dataset:
    """Wrap the result of every test."""
    dims = ("stimulus", "phase", "neuron")
    result = xr.Dataset({name: (dims, each) for name, each in values.items()})
    result["responsive"] = result["q_value"] < level
    result["trials"] = (dims[:2], count)
    cells: dict[str, Any] = {"neuron": dataset["neuron"].values} if "neuron" in dataset.coords else {}
    return result.assign_coords({"stimulus": names[0], "phase": names[1], **cells})
