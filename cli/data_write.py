"""``brainsim data write``: a recording, a fit or generated trials -> NWB, CSV, GraphML."""

from pathlib import Path
from typing import Any

import click

from .option import Command, Echo, out, recording

SUFFIXES = (".nwb", ".csv", ".graphml")


@click.command(cls=Command)
@recording
@out("The file: .nwb for everything; .csv for a table (stimuli beside it); .graphml for the network of a fit.")
@click.option(
    "--variable",
    type=click.Choice(["calcium", "spikes", "spike_time"]),
    help="What a .csv holds; by default the first of these that RECORDING has.",
)
@click.pass_obj
def command(echo: Echo, /, recording: Path, out: Path, overwrite: bool, variable: str | None) -> None:
    """Write RECORDING (or a fit) as NWB, CSV or GraphML, by the suffix of --out.

    NWB holds everything and reads back as the same Dataset. CSV holds one variable: wide for traces, long for spike
    times, trial x neuron for trial tables; stimuli go beside it into FILE_stimuli.csv or FILE_tag.csv. GraphML holds
    the connections of a fit, as `brainsim snn graph` finds them.
    """
    from brainsim.store import check_target, naming, open_recording

    check_target(out, overwrite=overwrite, suffixes=SUFFIXES)
    if variable is not None and out.suffix != ".csv":
        raise click.UsageError("--variable chooses what a .csv holds; the other formats have no use for it")
    dataset = open_recording(recording)
    with naming(dataset, str(recording)):
        if out.suffix == ".csv":
            _csv(echo, dataset, out, variable, overwrite)
        elif out.suffix == ".nwb":
            _nwb(echo, dataset, out, overwrite)
        else:
            _graphml(echo, dataset, out, overwrite)


def _csv(echo: Echo, dataset: Any, out: Path, variable: str | None, overwrite: bool) -> None:
    """Write a table, and say what does not fit into it."""
    from brainsim.export import left_out, write_csv

    written = write_csv(dataset, out, variable, overwrite=overwrite)
    variable = variable or next(name for name in ("calcium", "spikes", "spike_time") if name in dataset)
    hint = f"read it back with: brainsim data read {out} --out REC.nc"
    if variable == "spike_time":
        hint += f" --duration {dataset.attrs.get('duration_s', 'SECONDS')} --neurons {dataset.sizes['neuron']}"
    left = left_out(dataset, variable)
    if left:
        echo.say(f"a table holds no {', '.join(left)}: --out FILE.nwb keeps everything")
    echo.result({"variable": variable, "sizes": dict(dataset[variable].sizes), "left_out": left}, hint, written)


def _nwb(echo: Echo, dataset: Any, out: Path, overwrite: bool) -> None:
    """Write everything."""
    from brainsim.export_nwb import write_nwb

    path = write_nwb(dataset, out, overwrite=overwrite)
    hint = f"read it back with: brainsim data read {out} --out REC.nc"
    echo.result({"variables": sorted(map(str, dataset.variables)), "sizes": dict(dataset.sizes)}, hint, [path])


def _graphml(echo: Echo, dataset: Any, out: Path, overwrite: bool) -> None:
    """Write the network of a fit."""
    from brainsim import graph

    facts = graph.summary(graph.write_graphml(dataset, out, overwrite=overwrite))
    echo.result(facts, graph.sentence(facts), [out])
