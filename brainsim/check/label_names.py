"""Whether labels mean what they say."""

from collections import defaultdict
from collections.abc import Iterator
from typing import ClassVar

from brainsim.check import Check
from brainsim.examined import Examined
from brainsim.schema import Finding

NOTHING = ("", "nan", "none", "null", "na", "n/a")


class LabelNames(Check):
    """Labels of trials that are empty, or that differ only in blanks or in capital letters."""

    name: ClassVar[str] = "label names"
    field: ClassVar[str] = "stimulus"
    remedy: ClassVar[str] = "correct the labels and read the recording again"

    def find(self, recording: Examined) -> Iterator[Finding]:
        """Compare the names with each other."""
        for field in ("stimulus", "session"):
            if not recording.sound(field):
                continue
            labels = recording.dataset[field].values.astype(str).tolist()
            empty = [at for at, label in enumerate(labels) if label.strip().lower() in NOTHING]
            if empty:
                found = f"{len(empty)} of {len(labels)} trials have no label (the first: trial {empty[0]})"
                yield self.finding(found, field=field)
            alike = defaultdict(set)
            for label in labels:
                alike[" ".join(label.split()).casefold()].add(label)
            twice = [" and ".join(map(repr, sorted(names))) for names in alike.values() if len(names) > 1]
            if twice:
                yield self.finding(f"names that may be the same: {'; '.join(twice[:5])}", field=field)
