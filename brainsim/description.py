"""What a neuron model, a plasticity rule or any other catalogued thing looks like: a small frozen dataclass.

Parameters are typed fields made by :func:`quantity`, which keeps their unit and their meaning beside the default;
the Brian2 equations are plain text at the top of the file that describes them. Nothing here imports Brian2.
"""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar


def quantity(default: float, unit: str, meaning: str) -> Any:
    """Make a dataclass field with a unit.

    Parameters
    ----------
    default
        Default value, in `unit`.
    unit
        A unit that Brian2 knows (``"ms"``, ``"Hz"``) or ``"1"``.
    meaning
        What the parameter is, in a few words.
    """
    return field(default=default, metadata={"unit": unit, "meaning": meaning})


@dataclass(frozen=True)
class Described:
    """Base of everything in a catalogue: a `name`, one sentence of documentation, parameters with units."""

    name: ClassVar[str] = ""

    @classmethod
    def summary(cls) -> str:
        """Return the first line of the docstring."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    def parameters(self) -> dict[str, tuple[float, str]]:
        """Return every parameter made by :func:`quantity` as ``{name: (value, unit)}``."""
        return {f.name: (getattr(self, f.name), f.metadata["unit"]) for f in fields(self) if "unit" in f.metadata}
