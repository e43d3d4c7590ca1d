"""`brainsim snn graph`."""

from pathlib import Path
from typing import Any

import click

from .option import Command, Echo, out, pairing, seed


@click.command(cls=Command)
@click.argument("fit", type=click.Path(path_type=Path))
@click.option(
    "--recording", type=click.Path(path_type=Path), help="Recording whose trials tell which neuron answers what."
)
@out("Folder for graph.graphml, hubs.csv, ensembles.csv, graph.png, weights.png; with --recording groups.csv.")
@pairing
@seed
@click.pass_obj
def command(
    echo: Echo,
    /,
    fit: Path,
    recording: Path | None,
    out: Path,
    overwrite: bool,
    stimuli: dict[str, str | None],
    test: dict[str, Any],
    seed: int,
) -> None:
    """Turn the weights of FIT into a network: GraphML, hubs, ensembles and figures.

    With --recording, neurons are sorted by what they answer: into the groups of the pairing experiment where two
    stimuli were paired, else by stimulus.
    """
    from brainsim import graph, graph_report
    from brainsim.folder import check_folder
    from brainsim.response_group import response_groups
    from brainsim.store import open_recording

    check_folder(out, graph_report.MARKER, overwrite=overwrite)
    fitted, groups = open_recording(fit), None
    if recording is not None:
        groups = response_groups(open_recording(recording), fitted, stimuli, seed=seed, **test)
    elif any(stimuli.values()):
        raise click.UsageError("stimuli are looked up in a recording: give --recording")
    facts = graph_report.write(out, fitted, groups, overwrite=overwrite)
    found: dict[str, object] = {}
    names, prose = [*graph_report.FILES], graph.sentence(facts)
    if groups is not None:
        names.append(graph_report.TABLE)
        sizes = {name: int(mask.sum()) for name, mask in groups.members.items()}
        prose += f"\ngroups ({groups.how}): " + ", ".join(f"{name} {n}" for name, n in sizes.items())
        found = {"groups": sizes, "groups_found_by": groups.how}
    echo.result(facts | found, prose, [out / name for name in names])
