"""A folder is a catalogue: dropping a file in registers what it describes.

Every module in ``brainsim/neuron``, ``rule``, ``reader``, ``statistic``, ``preset``, ``deconvolution``, ``peer``,
``check`` and ``model`` defines one subclass of that folder's base class; this module finds them by name.
"""

import inspect
import pkgutil
from functools import cache
from importlib import import_module
from typing import Any

from brainsim.description import Described
from brainsim.error import UnknownName

FOLDERS = ("neuron", "rule", "reader", "statistic", "preset", "deconvolution", "peer", "check", "model")


@cache
def entries(folder: str) -> dict[str, type[Any]]:
    """Return every class registered in a folder, by its `name`.

    Parameters
    ----------
    folder
        One of :data:`FOLDERS`.

    Raises
    ------
    UnknownName
        If there is no such folder.

    Examples
    --------
    >>> sorted(entries("rule"))
    ['ml', 'nearest-stdp', 'static']
    """
    if folder not in FOLDERS:
        raise UnknownName("catalogue", folder, FOLDERS)
    package = import_module(f"brainsim.{folder}")
    found: dict[str, type[Any]] = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = import_module(f"brainsim.{folder}.{info.name}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Described) and kind.__module__ == module.__name__ and kind.name:
                found[kind.name] = kind
    return dict(sorted(found.items()))


def names(folder: str) -> list[str]:
    """Return the names in a catalogue, sorted.

    Parameters
    ----------
    folder
        One of :data:`FOLDERS`.

    Examples
    --------
    >>> names("neuron")
    ['integrate-and-fire', 'izhikevich', 'izhikevich-thalamic', 'lif']
    """
    return list(entries(folder))


def get(folder: str, name: str) -> type[Any]:
    """Return the class called `name`.

    Parameters
    ----------
    folder
        One of :data:`FOLDERS`.
    name
        One of those that :func:`names` returns.

    Raises
    ------
    UnknownName
        With the nearest right name as remedy.

    Examples
    --------
    >>> get("rule", "ml").summary()
    'Maximum likelihood of the recorded spikes under a network of escape-noise neurons.'
    >>> get("rule", "mll")
    Traceback (most recent call last):
    brainsim.error.UnknownName: ...
    """
    known = entries(folder)
    if name not in known:
        raise UnknownName(folder, name, known)
    return known[name]
