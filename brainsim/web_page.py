"""A page of a report from a template: one file, escaped, without anything that is fetched."""

import platform
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import jinja2

from brainsim import __version__

PACKAGES = ("brian2", "numpy", "scipy", "scikit-learn", "xarray", "networkx", "matplotlib")


def filled(template: str, *, commands: Iterable[str] = (), **values: Any) -> str:
    """Return a page; every text that comes from a file is escaped.

    Parameters
    ----------
    template
        A template of brainsim that extends ``page.html``.
    commands
        Commands that made the files, for the provenance.
    values
        What the template shows.
    """
    loader = jinja2.PackageLoader("brainsim", "")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["number"] = number
    versions = {"brainsim": __version__, "Python": platform.python_version(), **{p: version(p) for p in PACKAGES}}
    return environment.get_template(template).render(versions=versions, commands=tuple(commands), **values)


def number(value: float | None) -> str:
    """Return a number with three digits, or a dash."""
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.3g}"
