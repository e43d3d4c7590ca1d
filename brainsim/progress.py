"""Progress of long work, told by libraries and shown by whoever called them."""

import time
from typing import Protocol


class Progress(Protocol):
    """Called as ``progress(done, total, note)`` whenever a step of long work is finished."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Tell that `done` of `total` steps are finished; `note` is a few words on the latest."""


def silent(done: int, total: int, note: str = "") -> None:
    """Show nothing (the default everywhere in the library)."""


class Pace:
    """Shards done, their rate and the time left, as the note of a progress.

    Parameters
    ----------
    progress
        Who is told.
    total
        Shards.
    note
        What they are.
    done
        Shards that were there before.
    """

    def __init__(self, progress: Progress, total: int, note: str = "", done: int = 0) -> None:
        self._progress, self._total, self._note, self._done = progress, total, note, done
        self._before, self._begin = done, time.monotonic()
        if done:
            progress(done, total, f"{note}: {done} of {total} were there")

    def step(self) -> None:
        """Tell that one more is done."""
        self._done += 1
        rate = (self._done - self._before) / max(time.monotonic() - self._begin, 1e-9)
        left = (self._total - self._done) / rate
        pace = f"{rate:.2g} shards/s" if rate < 100 else f"{rate:.0f} shards/s"
        told = f"{self._note}: {self._done} of {self._total}, {pace}, {left:.0f} s left"
        self._progress(self._done, self._total, told if self._total > 1 else self._note)
