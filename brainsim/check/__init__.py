"""Checks of a recording: one file each, what may be wrong with it beyond the schema."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from brainsim.description import Described
from brainsim.examined import Examined
from brainsim.schema import Finding


@dataclass(frozen=True)
class Check(Described, ABC):
    """One thing that may be wrong with a recording.

    Class attributes
    ----------------
    severity
        The worst it says: ``"error"`` (it must be repaired), ``"warning"`` (results may mislead) or ``"note"``.
    field
        Variable or attribute that it is about.
    needs
        Variables that must be sound; otherwise the check is not made.
    remedy
        What the user can do about it.
    """

    severity: ClassVar[str] = "warning"
    field: ClassVar[str] = "calcium"
    needs: ClassVar[tuple[str, ...]] = ()
    remedy: ClassVar[str] = ""

    def __call__(self, recording: Examined) -> list[Finding]:
        """Return what is wrong; nothing where what it needs is not there."""
        return list(self.find(recording)) if recording.sound(*self.needs) else []

    @abstractmethod
    def find(self, recording: Examined) -> Iterator[Finding]:
        """Give what is wrong."""

    def finding(self, found: str, *, severity: str = "", remedy: str = "", field: str = "") -> Finding:
        """Return a finding of this check."""
        return Finding(severity or self.severity, self.name, field or self.field, found, remedy or self.remedy)
