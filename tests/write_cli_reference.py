"""Write docs/cli.md from the commands themselves: ``python tests/write_cli_reference.py``; a test compares them."""

from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click

TARGET = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
HEAD = """# Command line

Written by `make docs` from the commands themselves; do not edit.

A recording is a netCDF file (`.nc`) or a Zarr folder (`.zarr`). A result is written beside its target and renamed, so
the old one or the new one is there, never half of one; an existing result is kept unless `--overwrite` is given.
Exit codes: 0 done; 1 the work failed (one sentence on stderr: file, field, remedy); 2 wrong usage.
"""


def contexts(command: click.Command, parent: click.Context | None = None) -> Iterator[click.Context]:
    """Walk the tree: a context for every command, groups before what is in them."""
    settings = {**command.context_settings, "terminal_width": 100, "max_content_width": 100}
    context = click.Context(command, parent=parent, info_name=command.name, **settings)
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from contexts(found, context)


def root() -> click.Command:
    """Return the installed command."""
    (entry,) = entry_points(group="console_scripts", name="brainsim")
    command: click.Command = entry.load()
    return command


def reference() -> str:
    """Return the text of docs/cli.md."""
    parts = [f"## {c.command_path}\n\n```\n{c.get_help().rstrip()}\n```\n" for c in contexts(root())]
    return "\n".join([HEAD, *parts])


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
    print(TARGET)
