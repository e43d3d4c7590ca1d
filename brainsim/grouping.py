"""The groups of a pairing experiment as data: who belongs where, and which synapses are looked at.

A group is a row of a table: members answer all of one list and none of another. An answer is a stimulus and a part of
the experiment (``"conditioned before"``), or the name of a group further up. With sound as the conditioned and an
airpuff as the unconditioned stimulus the groups are called ``aud``, ``air``, ``audair`` and ``nonair``.
:data:`PAIRING` asks of ``audair`` that it did not answer sound before pairing; :data:`PAIRING_ALL` does not.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError

Mask = NDArray[np.bool_]
USUAL = {"conditioned": "aud", "unconditioned": "air"}
BEFORE, DURING, AFTER = "before", "during", "after"


@dataclass(frozen=True)
class Group:
    """A group of cells.

    Parameters
    ----------
    name
        With ``{conditioned}`` and ``{unconditioned}`` for the names of the stimuli.
    all_of, none_of
        Answers that every member gives, and that none gives.
    meaning
        For tables and captions.
    """

    name: str
    all_of: tuple[str, ...]
    none_of: tuple[str, ...] = ()
    meaning: str = ""


BOTH = "{conditioned}{unconditioned}"


def _table(*not_before: str, meaning: str) -> tuple[Group, ...]:
    return (
        Group("{conditioned}", ("conditioned before",), (), "answer {conditioned} before pairing"),
        Group("{unconditioned}", ("unconditioned before",), (), "answer {unconditioned} before pairing"),
        Group(BOTH, ("{unconditioned}", "conditioned after"), not_before, meaning),
        Group("non{unconditioned}", ("{unconditioned}",), (BOTH,), "{unconditioned}, but not " + BOTH),
    )


PAIRING = _table("conditioned before", meaning="{unconditioned}, and answer {conditioned} after pairing, not before")
PAIRING_ALL = _table(meaning="{unconditioned}, and answer {conditioned} after pairing")


@dataclass(frozen=True, eq=False)
class Design:
    """Who is paired with whom, and which trials come before and after.

    Attributes
    ----------
    conditioned, unconditioned
        Names of the two stimuli.
    stimulus, phase
        Stimulus, and ``before``, ``during``, ``after`` (or nothing) of each trial, (trial,).
    """

    conditioned: str
    unconditioned: str
    stimulus: NDArray[np.str_]
    phase: NDArray[np.str_]

    def named(self, text: str) -> str:
        """Put the names of the stimuli into a text."""
        return text.format(conditioned=self.conditioned, unconditioned=self.unconditioned)


def design(
    dataset: xr.Dataset,
    conditioned: str | None = None,
    unconditioned: str | None = None,
    conditioned_after: str | None = None,
) -> Design:
    """Find out when the two stimuli were paired.

    A trial in which both were given bears both names (``aud_air``, ``air+aud``). What comes before the first of these
    trials in time is before, what comes after the last is after, all between is during.

    Parameters
    ----------
    dataset
        A recording with `stimulus` on `trial`, and `onset` where it is known; else trials are in order of time.
    conditioned, unconditioned
        Names of the stimuli; by default ``aud`` and ``air``, where the recording has them.
    conditioned_after
        Name of the conditioned stimulus after pairing, where it has another one there: names then tell before from
        after, and no paired trials are needed.

    Raises
    ------
    InputError
        If a stimulus is not there, or the two were never paired.
    """
    if "stimulus" not in dataset.coords:
        raise InputError(
            "its trials have no stimulus", where="field 'stimulus'", remedy="attach one: data read ... --stimuli FILE"
        )
    stimulus = dataset["stimulus"].values.astype(str)
    names = {
        role: _present(stimulus, role, given)
        for role, given in (("conditioned", conditioned), ("unconditioned", unconditioned))
    }
    first, second = names["conditioned"], names["unconditioned"]
    if first == second:
        raise InputError(
            f"both stimuli are {first}", where="field 'stimulus'", remedy="name two with --conditioned, --unconditioned"
        )
    if conditioned_after is not None:
        after = stimulus == _present(stimulus, "conditioned-after", conditioned_after)
        phase = np.where(after, AFTER, np.where(np.isin(stimulus, (first, second)), BEFORE, ""))
        return Design(first, second, np.where(after, first, stimulus), phase)
    return Design(first, second, stimulus, _by_time(dataset, stimulus, first, second))


def _present(stimulus: NDArray[np.str_], role: str, given: str | None) -> str:
    """Return the name of the stimulus in a role."""
    name, known = given or USUAL[role], sorted(set(stimulus.tolist()))
    if name not in known:
        what = f"there is no stimulus {name}; it has {', '.join(known)}"
        raise InputError(what, where="field 'stimulus'", remedy=f"name one of them with --{role}")
    return name


def _by_time(dataset: xr.Dataset, stimulus: NDArray[np.str_], first: str, second: str) -> NDArray[np.str_]:
    both = np.array([all(bears(label, name) for name in (first, second)) for label in stimulus])
    if not both.any():
        what = f"{first} and {second} were never paired: no trial bears both names"
        remedy = "name the stimulus that was paired, or give --conditioned-after"
        raise InputError(what, where="field 'stimulus'", remedy=remedy)
    time = dataset["onset"].values.astype(float) if "onset" in dataset.coords else np.arange(len(stimulus), dtype=float)
    begin, end = time[both].min(), time[both].max()
    return np.where(time < begin, BEFORE, np.where(time > end, AFTER, DURING))


def bears(label: str, name: str) -> bool:
    """Tell whether the label of a trial bears a name, alone or beside others."""
    return re.search(rf"(?<![0-9A-Za-z]){re.escape(name)}(?![0-9A-Za-z])", label) is not None


def members(found: xr.Dataset, setting: Design, definitions: Sequence[Group] = PAIRING) -> dict[str, Mask]:
    """Return who belongs to each group.

    Parameters
    ----------
    found
        Responsive cells on (stimulus, phase, neuron), as :func:`brainsim.ensemble.responsive` returns them.
    setting
        Names of the stimuli.
    definitions
        The table of groups.

    Returns
    -------
    dict
        Members of each group, (neuron,).

    Raises
    ------
    InputError
        If a response that is needed is not known.
    """
    groups: dict[str, Mask] = {}
    for row in definitions:
        yes = [_answer(text, found, setting, groups) for text in row.all_of]
        no = [_answer(text, found, setting, groups) for text in row.none_of]
        groups[setting.named(row.name)] = np.logical_and.reduce([*yes, *(~each for each in no)])
    return groups


def _answer(text: str, found: xr.Dataset, setting: Design, groups: Mapping[str, Mask]) -> Mask:
    """Return who gives an answer: a group further up, or a stimulus and a part of the experiment."""
    if setting.named(text) in groups:
        return groups[setting.named(text)]
    role, phase = text.split()
    stimulus = {"conditioned": setting.conditioned, "unconditioned": setting.unconditioned}[role]
    known = stimulus in found["stimulus"].values and phase in found["phase"].values
    cells = found.sel(stimulus=stimulus, phase=phase) if known else None
    if cells is None or not np.isfinite(cells["q_value"].values).any():
        trials = 0 if cells is None else int(cells["trials"])
        what = f"there are {trials} trials of {stimulus} alone {phase} pairing, too few to say who responds"
        raise InputError(what, where="field 'stimulus'", remedy="use a recording with more of them")
    return np.asarray(cells["responsive"].values, bool)
