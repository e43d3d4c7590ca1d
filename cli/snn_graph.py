"""`brainsim snn graph`."""

from pathlib import Path

import click

from .option import Command, Echo, out


@click.command(cls=Command)
@click.argument("fit", type=click.Path(path_type=Path))
@out("Folder for graph.graphml, hubs.csv, graph.png and weights.png.")
@click.pass_obj
def command(echo: Echo, /, fit: Path, out: Path, overwrite: bool) -> None:
    """Turn the weights of FIT into a network: GraphML, hubs, ensembles and figures."""
    from brainsim import graph, graph_report
    from brainsim.folder import check_folder
    from brainsim.store import open_recording

    check_folder(out, "graph.graphml", overwrite=overwrite)
    facts = graph_report.write(out, open_recording(fit), overwrite=overwrite)
    names = ("graph.graphml", "hubs.csv", "graph.png", "weights.png")
    echo.result(facts, graph.sentence(facts), [out / name for name in names])
