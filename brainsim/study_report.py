"""The report of a study of a pairing experiment: what changed, by which route, and which answers are right."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainsim import store, web_page
from brainsim.folder import DPI
from brainsim.ledger import Facts

NAME = "report.html"
CSS_DPI = 110  # a figure of 7 inches fills the page
TELLS, HINTS = 0.9, 0.7
ROUTES = {
    "change_inferred": "two fits, inferred spikes",
    "change_events": "two fits, spike times",
}
CAPTIONS = {
    "response/responses.png": "Mean responses of each cell to each stimulus, recorded and of the network that the "
    "recording drives; right, their rank correlation over cells for each stimulus, against cells that are shuffled.",
    "groups/fraction_change.png": "Fraction change of the weights between groups of cells by the original rule: mean "
    "and standard error over random initial weights; ticks are single initialisations.",
    "groups/normalised_increase.png": "The same, relative to the change of all connections between excitatory cells, "
    "or from inhibitory onto excitatory cells.",
    "groups/regressions.png": "Regressions over initialisations, with 95 % bands: about random initial weights on one "
    "recording, not about animals.",
    "change_inferred.png": "By which share connections between groups grew from before to after, by two fits to the "
    "spikes that were inferred from fluorescence; framed where the false discovery rate is below 0.05.",
    "change_events.png": "By two fits to the spike times, which a calcium recording does not hold: the best that could "
    "be known.",
    "graph/graph.png": "The connections that were found in the whole recording.",
    "graph/weights.png": "Weights of the fit to the whole recording.",
}


@dataclass(frozen=True)
class Tile:
    """A number that stands out, and what to compare it with."""

    name: str
    value: str
    beside: str


@dataclass(frozen=True)
class Figure:
    """A PNG in base64, what it shows, and how wide it is on the page [px]."""

    image: str
    caption: str
    width: int


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    title: str
    sentences: list[str]
    pictures: list[Figure]
    table: list[list[str]]


def write(folder: Path, facts: dict[str, Facts], provenance: Facts, commands: list[str]) -> Path:
    """Write ``report.html`` from the facts and figures of all stages.

    Parameters
    ----------
    folder
        Of the study.
    facts
        Of each stage, as :func:`brainsim.study.run` collects them.
    provenance
        What the page says of where all came from.
    commands
        Commands that do the same.
    """
    page = web_page.filled(
        "study.html",
        title="Which connections changed?",
        lead=_lead(facts["groups"]),
        good=any(facts[name].get("auc_more", 0) >= TELLS for name in ROUTES if name in facts),
        summary=list(summary(facts)),
        tiles=list(_tiles(facts)),
        warnings=_warnings(facts),
        sections=list(_sections(folder, facts)),
        facts=provenance,
        commands=commands,
    )
    store.write_text(folder / NAME, page)
    return folder / NAME


def _lead(groups: Facts) -> str:
    return (
        f"{groups['conditioned']} was paired with {groups['unconditioned']}. Two routes are asked which connections "
        "changed: the original one, a network with random weights that learns by spike timing while the recording "
        "drives it; and two fits by maximum likelihood, to the sessions before and after."
    )


def summary(facts: dict[str, Facts]) -> Iterator[str]:
    """Say in a few sentences what was found, and, where the truth is known, which answers are right."""
    response = facts["response"]
    low, high = response["resemblance_shuffled_low"], response["resemblance_shuffled_high"]
    found = response["resemblance_mean"]
    word = "resemble" if found > high else "do not resemble"
    chance = f"cells shuffled: {low:.2f} to {high:.2f}"
    yield f"Simulated responses {word} the recorded ones: rank correlation {found:.2f} ({chance})."
    for name, words in ROUTES.items():
        if name in facts and "auc_grew" in facts[name]:
            yield _right(words, facts[name], "")
    known = next((facts[name] for name in ROUTES if name in facts and "auc_grew_learned" in facts[name]), None)
    if known:
        yield _right("the original rule", known, "_learned")
        yield (
            "In which direction each pair of cell types learns is built into the original rule: it says much the same "
            "of a recording in which no connection changed (preset pairing-static)."
        )
    else:
        yield (
            "The truth is not known here, so no route can be called right; that both agree is no proof, for both see "
            "the same activity."
        )


def _right(words: str, facts: Facts, suffix: str) -> str:
    """Say whether one route tells what grew: between cell types, which any rule of this kind gives, and within E."""
    grew, more, rank = (facts.get(f"{name}{suffix}") for name in ("auc_grew", "auc_more", "rank"))
    first = f"{words[0].upper()}{words[1:]}: AUC {_shown(grew)} for which groups' weights grew"
    first += f" (groups drawn at random within cell types: {_shown(facts['auc_grew_types'])})" if not suffix else ""
    if more is None:
        return f"{first}."
    verb = "tells" if more >= TELLS else "hints at" if more >= HINTS else "does not tell"
    return (
        f"{first}; among excitatory groups, it {verb} which grew more than others (AUC {_shown(more)}, "
        f"rank correlation {_shown(rank)})."
    )


def _tiles(facts: dict[str, Facts]) -> Iterator[Tile]:
    for name, words in ROUTES.items():
        if name in facts and "auc_grew" in facts[name]:
            each = facts[name]
            yield Tile(
                words, _shown(each["auc_grew"]), f"AUC of what grew · random groups {_shown(each['auc_grew_shuffled'])}"
            )
    for name in ROUTES:
        if name in facts and "auc_grew_learned" in facts[name]:
            yield Tile("original rule", _shown(facts[name]["auc_grew_learned"]), "AUC of what grew · chance 0.50")
            break
    yield Tile("responses alike", _shown(facts["response"]["resemblance_mean"]), "rank correlation · chance 0.00")
    if "agreement" in facts["cells"]:
        each = facts["cells"]["agreement"]
        yield Tile("cell types right", _shown(each["accuracy"]), f"majority {_shown(each['majority_share'])}")


def _warnings(facts: dict[str, Facts]) -> list[str]:
    found = [str(each) for each in facts["groups"].get("notices", [])]
    for name in ROUTES:
        found += str(facts.get(name, {}).get("notices", "")).splitlines()
    trust = facts["fit"].get("trust", "")
    doubtful = [f"fit of the whole recording: {trust}"] if "trust it" in trust or "do not trust" in trust else []
    return list(dict.fromkeys([*found, *doubtful]))


def _sections(folder: Path, facts: dict[str, Facts]) -> Iterator[Section]:
    rate = facts["stdp"]["simulated_rate_hz"]
    yield Section(
        "Does the simulated response resemble the recorded one?",
        [f"The network that learns fires at {rate:.1f} Hz (model time, ten times slower than the recording)."],
        _figures(folder, "response/responses.png"),
        [],
    )
    names = ("groups/fraction_change.png", "groups/normalised_increase.png", "groups/regressions.png")
    yield Section("What changed by the original rule", [], _figures(folder, *names), _table(facts["groups"]["groups"]))
    for name, words in ROUTES.items():
        if name in facts:
            yield Section(f"What changed by {words}", facts[name]["prose"], _figures(folder, f"{name}.png"), [])
    yield Section(
        "The network of the whole recording",
        [_network(facts)],
        _figures(folder, "graph/graph.png", "graph/weights.png"),
        [],
    )


def _network(facts: dict[str, Facts]) -> str:
    fit, graph = facts["fit"], facts["graph"]
    right = f", {fit['connections_right']} of them right" if "connections_right" in fit else ""
    types = ", ".join(f"{n} {kind}" for kind, n in facts["cells"]["cell_types"].items())
    return (
        f"{fit['connections']} connections with probability above 0.5{right}; {graph['edges']} at a false discovery "
        f"rate of 0.05, in {graph['ensembles']} ensembles. Cell types by the fit: {types}."
    )


def _table(rows: list[Facts]) -> list[list[str]]:
    """Return the table of pathways: what the rule says, and the truth where it is known."""
    columns = {
        "pathway": "pathway",
        "synapses": "synapses",
        "fraction_change": "fraction change",
        "sem_repeats": "s.e. over repeats",
        "p_random_groups": "p, random groups",
        "true_fraction_change": "true change",
    }
    there = {key: name for key, name in columns.items() if rows and key in rows[0]}
    return [list(there.values()), *[[_cell(key, row[key]) for key in there] for row in rows]]


def _cell(key: str, value: Any) -> str:
    if value is None:
        return "–"
    if "change" in key or key.startswith("sem"):
        return f"{100 * float(value):.2f} %"
    return str(value).replace("->", " → ") if isinstance(value, str | int) else f"{value:.3g}"


def _figures(folder: Path, *names: str) -> list[Figure]:
    return [_figure((folder / name).read_bytes(), CAPTIONS[name]) for name in names if (folder / name).is_file()]


def _figure(content: bytes, caption: str) -> Figure:
    pixels = int.from_bytes(content[16:20], "big")  # of the header of a PNG
    return Figure(base64.b64encode(content).decode(), caption, round(pixels * CSS_DPI / DPI))


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
