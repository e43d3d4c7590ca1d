"""No plasticity."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.rule import Rule


@dataclass(frozen=True)
class Static(Rule):
    """Weights stay as they are."""

    name: ClassVar[str] = "static"
