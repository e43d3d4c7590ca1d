"""The command `brainsim`: the tree of commands is the list of files in this folder."""

import difflib
import pkgutil
from importlib import import_module

import click

from brainsim import __version__

GROUPS = {
    "data": "Read, describe, list and simulate recordings.",
    "snn": "Fit a spiking network to a recording and let it run.",
    "bench": "Hold our methods and their peers against known truth, on the same data.",
    "cells": "Tell excitatory from inhibitory cells.",
    "study": "Whole studies: every stage and one report.",
    "gan": "Train a generator of recordings and sample from it.",
}


class Tree(click.Group):
    """A group whose commands are files, imported when called: ``snn_fit.py`` is ``brainsim snn fit``."""

    def _modules(self) -> dict[str, str]:
        prefix = f"{self.name}_" if self.name in GROUPS else ""
        found = [m.name for m in pkgutil.iter_modules([__file__.rsplit("/", 1)[0]]) if m.name not in ("main", "option")]
        return {
            name[len(prefix) :].replace("_", "-"): name
            for name in found
            if name.startswith(prefix) and (prefix or name.split("_")[0] not in GROUPS)
        }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every command and group, sorted."""
        return sorted([*self._modules(), *self.commands])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        module = self._modules().get(cmd_name)
        if module is None:
            return None
        command: click.Command = import_module(f".{module}", __package__).command
        command.name = cmd_name
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest right one."""
        name = args[0]
        if self.get_command(ctx, name) is None:
            known = self.list_commands(ctx)
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            hint = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(known)}."
            ctx.fail(f"No command '{name}'. {hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=Tree, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="brainsim")
def brainsim() -> None:
    """From a calcium recording to spikes, a fitted spiking network, a generative model and an honest comparison.

    Start with: brainsim demo
    """


for _name, _help in GROUPS.items():
    brainsim.add_command(Tree(name=_name, help=_help))
