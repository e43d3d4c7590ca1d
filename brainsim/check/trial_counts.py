"""Whether there are enough trials of each stimulus."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding

ENOUGH = 10
UNEQUAL = 3


class TrialCounts(Check):
    """One stimulus only, stimuli with few trials, or far more trials of one than of another."""

    name: ClassVar[str] = "trial counts"
    field: ClassVar[str] = "stimulus"
    needs: ClassVar[tuple[str, ...]] = ("stimulus",)
    remedy: ClassVar[str] = "record more trials, or join stimuli: decoding and tests of responses are coarse"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Count the trials of each stimulus."""
        kinds, counts = np.unique(recording.dataset["stimulus"].values.astype(str), return_counts=True)
        told = ", ".join(f"'{kinds[i]}' {counts[i]}" for i in np.argsort(counts)[:5])
        if len(kinds) == 1 and counts[0] > 1:
            found = f"all {counts[0]} trials have the same stimulus '{kinds[0]}'"
            yield self.finding(found, remedy="there is nothing to decode: check the labels if there were more stimuli")
        elif counts.min() < 2:
            yield self.finding(f"{(counts < 2).sum()} of {len(kinds)} stimuli have a single trial: {told}")
        elif counts.min() < ENOUGH:
            found = f"{(counts < ENOUGH).sum()} of {len(kinds)} stimuli have fewer than {ENOUGH} trials: {told}"
            yield self.finding(found, severity="note")
        elif counts.max() > UNEQUAL * counts.min():
            found = f"the most frequent stimulus has {counts.max()} trials, the rarest {counts.min()}: {told}"
            yield self.finding(found, severity="note", remedy="accuracies are held against the most frequent stimulus")
