"""Which cells respond to which stimulus, by a stated test, and the groups of cells that follow from it.

A cell responds where its activity after onset is higher than before, trial by trial: one-sided sign-flip test of the
mean difference (Fisher 1935, The Design of Experiments), then the false discovery rate over cells (Benjamini &
Hochberg 1995, Journal of the Royal Statistical Society B 57:289).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from brainsim.error import InputError
from brainsim.grouping import PAIRING, Design, Group, Mask, design, members
from brainsim.missing import Floats
from brainsim.response import trial_responses
from brainsim.significance import FEWEST_TRIALS, LEVEL, doubts, reference_of, rows_of, test


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
        Do not take the signal that all cells share off first (see :mod:`brainsim.shared_signal`).
    level
        False discovery rate.
    seed
        Seed of the random signs.

    Returns
    -------
    Dataset
        On (stimulus, neuron), or (stimulus, phase, neuron): `responsive`, `q_value`, `p_value` and `effect` (mean
        response minus what it is held against, in the unit of the recording); `trials` on (stimulus,) or (stimulus,
        phase). Where there are fewer than 6 trials (4 in unpaired tests), `q_value` is NaN (unknown) and `responsive`
        false. The attributes say which test was made, on what, in which window, and what is doubtful (`notices`).

    Raises
    ------
    InputError
        If no stimulus has enough trials, or there is nothing to hold a response against.

    Examples
    --------
    >>> from brainsim.dataset import load_dataset
    >>> found = responsive(load_dataset().drop_dims(["spike", "pre", "post"]))
    >>> found["responsive"].dims, int(found["responsive"].sel(stimulus="air").sum())
    (('stimulus', 'neuron'), 19)
    """
    if phase is not None:
        dataset = dataset.assign_coords(phase=("trial", np.asarray(phase).astype(str)))
    trials = trial_responses(dataset, source, window, keep_shared=keep_shared)
    against, blank = reference_of(trials, reference, blank)
    stimuli = [name for name in dict.fromkeys(trials.stimulus.tolist()) if against != "blank" or name != blank]
    cells = {(name, part): rows for name in stimuli for part, rows in rows_of(trials, name).items()}
    parts = list(dict.fromkeys(part for _, part in cells))
    shape = (len(stimuli), len(parts), trials.response.shape[1])
    p, q, effect = (np.full(shape, np.nan) for _ in range(3))
    count = np.zeros(shape[:2], int)
    for (name, part), rows in cells.items():
        at = stimuli.index(name), parts.index(part)
        count[at] = rows.sum()
        if count[at] >= FEWEST_TRIALS[against]:
            p[at], effect[at] = test(trials, rows, against, blank, np.random.default_rng(seed))
            known = np.isfinite(p[at])
            q[at][known] = stats.false_discovery_control(p[at][known])
    if not np.isfinite(q).any():
        what = f"no stimulus has {FEWEST_TRIALS[against]} trials"
        other = "record more of each" if against != "onset" else "hold stimuli against each other: --reference others"
        raise InputError(what, where="field 'stimulus'", remedy=other)
    notices = [*trials.notices, *doubts(trials, against, count, shape[2], level)]
    result = _dataset(dataset, (stimuli, parts), {"p_value": p, "q_value": q, "effect": effect}, count, level)
    result["effect"].attrs["units"] = trials.unit
    result.attrs.update(
        test=f"one-sided {'sign-flip test of paired differences' if against == 'onset' else 'Mann-Whitney U test'}",
        reference={"onset": "window before onset", "blank": f"trials of {blank}"}.get(against, "trials of all others"),
        variable=trials.variable,
        window_s=trials.window_s,
        shared_signal="taken off" if trials.shared_taken_off else "kept",
        level=level,
        seed=seed,
        notices="\n".join(notices),
    )
    return result if phase is not None else result.isel(phase=0, drop=True)


def responsive_by_phase(dataset: xr.Dataset, setting: Design, **options: Any) -> xr.Dataset:
    """Find the cells that respond to each stimulus before, during and after pairing.

    Parameters
    ----------
    dataset
        A recording with trials.
    setting
        As :func:`brainsim.grouping.design` finds it.
    options
        Passed on to :func:`responsive`.
    """
    return responsive(dataset.assign_coords(stimulus=("trial", setting.stimulus)), phase=setting.phase, **options)


def groups(
    dataset: xr.Dataset,
    conditioned: str | None = None,
    unconditioned: str | None = None,
    *,
    conditioned_after: str | None = None,
    definitions: Sequence[Group] = PAIRING,
    **options: Any,
) -> dict[str, Mask]:
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
    return members(responsive_by_phase(dataset, setting, **options), setting, definitions)


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
