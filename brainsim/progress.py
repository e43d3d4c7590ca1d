"""Progress of long work, told by libraries and shown by whoever called them."""

from typing import Protocol


class Progress(Protocol):
    """Called as ``progress(done, total, note)`` whenever a step of long work is finished."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Tell that `done` of `total` steps are finished; `note` is a few words on the latest."""


def silent(done: int, total: int, note: str = "") -> None:
    """Show nothing (the default everywhere in the library)."""
