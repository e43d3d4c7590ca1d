"""What the cells of the tutorials print reaches the page as it was printed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

Outputs = list[dict[str, Any]]
QUIET = "c.IPKernelApp.log_level = 'ERROR'\n"  # no word on TCP: kernels of a build stay on this machine


def prepare(home: Path) -> None:
    """Start kernels with settings of our own, and hand whole streams to myst-nb.

    Parameters
    ----------
    home
        Folder of IPython while tutorials run.
    """
    from myst_nb.core import render

    profile = home / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(QUIET, encoding="utf-8")
    os.environ["IPYTHONDIR"] = str(home)
    if render.coalesce_streams.__module__ != __name__:
        render.coalesce_streams = whole(render.coalesce_streams)


def whole(merge: Callable[[Outputs], Outputs]) -> Callable[[Outputs], Outputs]:
    """Return `merge` for outputs that come in pieces, of which it would end each with a line break.

    ``%%bash`` gives what a command prints in pieces of at most a hundred characters.
    """

    def merged(outputs: Outputs) -> Outputs:
        return merge(joined(outputs))

    merged.__module__ = __name__
    return merged


def joined(outputs: Outputs) -> Outputs:
    """Return the outputs of a cell with all pieces of a stream in one, at the place of its first."""
    streams: dict[str, dict[str, Any]] = {}
    found = []
    for each in outputs:
        name = each["name"] if each["output_type"] == "stream" else ""
        if name in streams:
            streams[name]["text"] += each["text"]
            continue
        found.append(type(each)(each))
        if name:
            streams[name] = found[-1]
    return found
