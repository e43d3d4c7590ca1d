"""Whether a cell responds: the test, and what a response is held against.

d_k = response of trial k - baseline of trial k
p   = share of random signs s with  sum_k s_k d_k >= sum_k d_k
"""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from brainsim.error import InputError, UnknownName
from brainsim.missing import Floats, mean
from brainsim.response import Responses

Mask = NDArray[np.bool_]
LEVEL = 0.05
FEWEST_TRIALS = {"onset": 6, "blank": 4, "others": 4}
FLIPS = 10_000
AT_ONCE = 20_000_000  # numbers in memory
BLANKS = ("blank", "baseline", "none", "spontaneous")
REFERENCES = ("onset", "blank", "others")


def reference_of(trials: Responses, reference: str, blank: str | None) -> tuple[str, str]:
    """Return what responses are held against, and the name of the blank stimulus (empty where there is none)."""
    if reference not in ("auto", *REFERENCES):
        raise UnknownName("reference", reference, REFERENCES)
    names = dict.fromkeys(trials.stimulus.tolist())
    blank = blank or str(next((name for name in names if name.lower() in BLANKS), ""))
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


def rows_of(trials: Responses, stimulus: str) -> dict[str, Mask]:
    """Return which trials of a stimulus belong to each part of the experiment."""
    mine = trials.stimulus == stimulus
    if "phase" not in trials.table:
        return {"": mine}
    phase = trials.table["phase"].values
    return {part: mine & (phase == part) for part in dict.fromkeys(phase.tolist()) if part}


def test(trials: Responses, rows: Mask, against: str, blank: str, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return p value and effect of each cell, NaN where too few trials are known."""
    if against == "onset" and trials.baseline is not None:
        difference = trials.response[rows] - trials.baseline[rows]
        p, effect = sign_flip(difference, rng), mean(difference, 0)
        enough = np.isfinite(difference).sum(0) >= FEWEST_TRIALS[against]
    else:
        other = trials.stimulus == blank if against == "blank" else trials.stimulus != trials.stimulus[rows][0]
        ours, theirs = trials.response[rows], trials.response[other]
        p = stats.mannwhitneyu(ours, theirs, alternative="greater", axis=0, nan_policy="omit").pvalue
        effect = mean(ours, 0) - mean(theirs, 0)
        enough = np.minimum(np.isfinite(ours).sum(0), np.isfinite(theirs).sum(0)) >= FEWEST_TRIALS[against]
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
    step = max(1, min(FLIPS, AT_ONCE // max(values.shape[1], 1)))
    for first in range(0, draws, step):
        signs = rng.choice((-1.0, 1.0), (min(step, draws - first), n))
        at_least += (signs @ values >= observed).sum(0)
    p: Floats = at_least / (draws + 1)
    return p


def doubts(trials: Responses, against: str, count: NDArray[np.int64], cells: int, level: float) -> list[str]:
    """Say what a reader must know about the test."""
    found = []
    fewest = FEWEST_TRIALS[against]
    few = int(((count > 0) & (count < fewest)).sum())
    if few:
        found.append(f"{few} stimuli have fewer than {fewest} trials: unknown who responds")
    enough = count[count >= fewest]
    if against == "onset" and len(enough) and 0.5 ** enough.min() > level / cells:
        needed = int(np.ceil(0.5 ** enough.min() * cells / level))
        found.append(f"with {enough.min()} trials a cell can be found only where at least {needed} of {cells} respond")
    if against == "others":
        found.append("trials begin at onset and there is no blank stimulus: a cell that answers all alike is not found")
    stimulus = trials.stimulus
    if against != "onset" and (stimulus[1:] != stimulus[:-1]).sum() + 1 == len(set(stimulus.tolist())):
        found.append("each stimulus is one stretch of time: slow drift looks like a response here")
    return found
