"""Pages of the reference that come from the catalogues: every rule, reader, metric ... with its parameters and sources.

A folder is a catalogue (see `brainsim.catalog`), so that a file dropped into an installed brainsim gets its entry here.
"""

import pkgutil
from dataclasses import fields
from pathlib import Path

import brainsim
from brainsim import catalog

TITLES = {
    "rule": ("Plasticity rules", "``brainsim snn fit --rule NAME``"),
    "neuron": ("Neuron models", "``brainsim snn fit --neuron NAME``"),
    "reader": ("Readers", "``brainsim data read SRC --format NAME``"),
    "statistic": ("Metrics", "every one stands in the report of ``brainsim compare``"),
    "preset": ("Ground-truth presets", "``brainsim data simulate NAME``"),
    "deconvolution": ("Deconvolutions", "``brainsim deconvolve --method NAME``"),
    "peer": ("Peers", "``brainsim bench connectivity --method NAME``"),
    "check": ("Checks", "``brainsim data check REC.nc``"),
    "model": ("Generators", "``brainsim gan train --model NAME``"),
}
NOT_HERE = [[folder] for folder in catalog.FOLDERS]


def page(folder: str) -> str:
    """Return the page of one catalogue."""
    title, use = _title(folder)
    parts = [
        _heading(title, "="),
        f"{use}. One file each in ``brainsim/{folder}``; :doc:`add your own </extend>`. Made from the code.",
    ]
    for name, kind in catalog.entries(folder).items():
        parts += [_heading(name, "-"), *_parameters(kind), f".. autoclass:: {kind.__module__}.{kind.__qualname__}"]
    return "\n\n".join(parts) + "\n"


def index() -> str:
    """Return the page that lists the catalogues."""
    rows = [
        [f":doc:`{title} <{each}>`", len(catalog.names(each)), use]
        for each in catalog.FOLDERS
        for title, use in (_title(each),)
    ]
    return "\n\n".join(
        [
            _heading("What is in the catalogues", "="),
            "Every rule, reader, metric and so on of this installation, with its parameters and its source.",
            _table(["catalogue", "entries", "used by"], rows),
            ".. toctree::\n   :hidden:\n\n   " + "\n   ".join(catalog.FOLDERS),
        ]
    )


def public() -> list[str]:
    """Return the name of every public module but those of the catalogues, which have pages of their own."""
    found = pkgutil.walk_packages(brainsim.__path__, "brainsim.")
    return [each.name for each in found if "._" not in each.name and each.name.split(".")[1:-1] not in NOT_HERE]


def modules() -> str:
    """Return the page that lists every public module."""
    head = _heading("Every module", "=") + "\n\nIn the order of the alphabet; :doc:`/architecture` has the picture.\n\n"
    return (
        head + ".. autosummary::\n   :toctree: ../api\n   :template: module.rst\n\n   " + "\n   ".join(public()) + "\n"
    )


def forget(folder: Path) -> None:
    """Remove the pages that an earlier build made of modules that are there no longer."""
    known = set(public())
    for path in folder.glob("*.rst"):
        if path.stem not in known:
            path.unlink()


def write(folder: Path) -> None:
    """Write every page that has changed."""
    folder.mkdir(exist_ok=True)
    pages = {f"{each}.rst": page(each) for each in catalog.FOLDERS}
    for name, text in {"index.rst": index(), "modules.rst": modules(), **pages}.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _title(folder: str) -> tuple[str, str]:
    """Return the title of a catalogue, and what uses it."""
    return TITLES.get(folder, (f"Catalogue {folder}", f"``brainsim.{folder}``"))


def _parameters(kind: type) -> list[str]:
    """Return the table of the parameters that have a unit."""
    rows = [
        [f"``{f.name}``", f"{f.default:g}", f.metadata["unit"], f.metadata["meaning"]]
        for f in fields(kind)
        if "unit" in f.metadata
    ]
    return [_table(["parameter", "default", "unit", "meaning"], rows)] if rows else []


def _heading(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}"


def _table(head: list[str], rows: list[list[object]]) -> str:
    lines = [f"   {'*' if place == 0 else ' '} - {cell}" for row in [head, *rows] for place, cell in enumerate(row)]
    return ".. list-table::\n   :header-rows: 1\n\n" + "\n".join(lines)
