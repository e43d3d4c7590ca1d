"""Every error that brainsim raises on purpose.

    BrainsimError
    ├── InputError        a file or a Dataset does not hold what it should
    ├── OutputError       a result cannot be written (it exists, the disk is full, no permission)
    ├── UnknownName       no such neuron, rule, reader, preset ...: names the nearest right one
    ├── ToolError         a compiler, make or a header is missing, or a build failed
    └── FitError          a fit or a training cannot go on (diverged, nothing to learn from)

Each carries *what* went wrong, *where* (file, field) and the *remedy*; the command line prints the three as one
sentence and ends with exit code 1.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class BrainsimError(Exception):
    """A failure with its place and its remedy.

    Parameters
    ----------
    what
        What is wrong, without a final full stop.
    where
        File and field, for example ``"rec.nc, field 'time'"``.
    remedy
        What the user can do about it.

    Examples
    --------
    >>> raise InputError("time runs backwards", where="rec.nc, field 'time'", remedy="sort the frames")
    Traceback (most recent call last):
    brainsim.error.InputError: rec.nc, field 'time': time runs backwards; sort the frames
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = _plain(what), _plain(where), _plain(remedy)
        super().__init__(f"{self.where and self.where + ': '}{self.what}{self.remedy and '; ' + self.remedy}")

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.where, self.remedy)


def _plain(text: str) -> str:
    """Replace what would move the cursor or break the line: names in an error may come from a hostile file."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _rebuild(kind: type[BrainsimError], what: str, where: str, remedy: str) -> BrainsimError:
    """Make the error again on the other side of a process boundary."""
    error = kind.__new__(kind)
    BrainsimError.__init__(error, what, where=where, remedy=remedy)
    return error


class InputError(BrainsimError):
    """A file or a Dataset does not hold what it should."""


class OutputError(BrainsimError):
    """A result cannot be written."""


class ToolError(BrainsimError):
    """A compiler, make or a header is missing, or a build failed."""


class FitError(BrainsimError):
    """A fit or a training cannot go on."""


class UnknownName(BrainsimError):
    """A name that is not in a catalogue; the nearest right one is in the remedy."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=1, cutoff=0.4)
        hint = f"did you mean '{near[0]}'? " if near else ""
        super().__init__(f"no {kind} is called '{name}'", remedy=f"{hint}known: {', '.join(names) or 'none'}")
