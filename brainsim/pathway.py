"""The synapses between groups that the original study looked at, as data."""

from dataclasses import astuple, dataclass

from brainsim.grouping import BOTH, Design


@dataclass(frozen=True)
class Pathway:
    """The synapses from one group to another.

    Parameters
    ----------
    name
        For tables.
    pre, post
        Groups, or ``E`` or ``I`` for all cells of a type.
    reference
        The pathway that its growth is relative to.
    """

    name: str
    pre: str
    post: str
    reference: str


PATHWAYS = (
    Pathway("{conditioned}->" + BOTH, "{conditioned}", BOTH, "intra-E"),
    Pathway("intra-" + BOTH, BOTH, BOTH, "intra-E"),
    Pathway("intra-{conditioned}", "{conditioned}", "{conditioned}", "intra-E"),
    Pathway("intra-non{unconditioned}", "non{unconditioned}", "non{unconditioned}", "intra-E"),
    Pathway("intra-E", "E", "E", "intra-E"),
    Pathway("I->" + BOTH, "I", BOTH, "I->E"),
    Pathway("I->{conditioned}", "I", "{conditioned}", "I->E"),
    Pathway("I->non{unconditioned}", "I", "non{unconditioned}", "I->E"),
    Pathway("I->E", "I", "E", "I->E"),
)
REGRESSIONS = (("I->" + BOTH, "intra-" + BOTH), ("I->" + BOTH, "{conditioned}->" + BOTH))


def pathways(setting: Design) -> list[Pathway]:
    """Return the pathways of the original study between the groups of two stimuli."""
    return [Pathway(*(setting.named(text) for text in astuple(way))) for way in PATHWAYS]


def regressions(setting: Design) -> list[tuple[str, str]]:
    """Return the pathways (y, x) whose increases the original study regressed on each other."""
    return [(setting.named(y), setting.named(x)) for y, x in REGRESSIONS]
