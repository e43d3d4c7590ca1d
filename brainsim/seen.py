"""Which trials of the recording a source was trained on, as it says itself, and what that means for its numbers.

`brainsim gan train` keeps trials back and writes into every generated recording

    training_trials   "0,1,3,..."   index of each trial it was trained on, in the recording cut into trials
    training_split    name of the way they were chosen: interleaved, blocks, none
"""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError


@dataclass(frozen=True, eq=False)
class Seen:
    """What a source has seen.

    Parameters
    ----------
    training
        Which trials of the recording it was trained on, shape (trial,); None where it does not say, or says all.
    known
        Whether it says so.
    warning
        What a reader must know; empty where it has kept trials back.
    """

    training: NDArray[np.bool_] | None
    known: bool
    warning: str = ""

    def take(self, kept: NDArray[np.bool_]) -> "Seen":
        """Return the same of some of the trials of the recording, by mask."""
        return self if self.training is None else replace(self, training=self.training[kept])

    def of_block(self, block: NDArray[np.bool_], matters: bool) -> str:
        """Return what it has seen of the trials that a decoder is tested on; empty where it has seen none of them.

        Parameters
        ----------
        block
            Trials of the test, shape (trial,).
        matters
            Whether the source was trained at all, so that not to know is a reason for doubt.
        """
        if not self.known:
            return "it may have been trained on the trials of this test" if matters else ""
        count = int(block.sum()) if self.training is None else int((block & self.training).sum())
        return f"it was trained on {count} of the {int(block.sum())} trials of this test" if count else ""


def seen(source: xr.Dataset, name: str, trials: int) -> Seen:
    """Read what a source says of its training.

    Parameters
    ----------
    source
        A recording.
    name
        What to call it.
    trials
        Trials of the real recording.

    Raises
    ------
    InputError
        If the attribute is no list of trials.
    """
    told = source.attrs.get("training_trials")
    if told is None:
        doubtful = source.attrs.get("source") == "generated"
        why = f"{name}: is said to be trained on unknown trials: it may have seen those that it is held against"
        return Seen(None, False, why if doubtful else "")
    index = _indices(str(told), name)
    if index.max(initial=-1) >= trials:
        return Seen(
            None,
            False,
            f"{name}: says that it was trained on trial {index.max()}, and the recording has {trials}: this is not the "
            "recording that it was trained on, or it was cut otherwise",
        )
    training = np.zeros(trials, bool)
    training[index] = True
    if training.all():
        why = f"{name}: was trained on every trial of the recording, those that it is held against among them"
        return Seen(None, True, f"{why}: its numbers are not those of new trials")
    return Seen(training, True)


def _indices(text: str, name: str) -> NDArray[np.int64]:
    try:
        index = np.array([int(part) for part in text.split(",") if part.strip()], dtype=np.int64)
    except ValueError as error:
        raise InputError(
            "it is no list of trials", where=f"{name}, attribute 'training_trials'", remedy="generate the trials again"
        ) from error
    if index.min(initial=0) < 0 or not len(index):
        raise InputError(
            "it names no trials", where=f"{name}, attribute 'training_trials'", remedy="generate the trials again"
        )
    return index
