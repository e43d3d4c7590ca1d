"""``brainsim demo``."""

from pathlib import Path

import click

from .option import Command, Echo, seed


@click.command(cls=Command)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("brainsim-demo"),
    show_default=True,
    help="Folder of the result.",
)
@click.option("--overwrite", is_flag=True, help="Replace an earlier demo.")
@seed
@click.pass_obj
def command(echo: Echo, out: Path, seed: int, overwrite: bool) -> None:
    """Do the whole main job on the bundled recording; ends with the path of its report."""
    from brainsim.folder import check_folder

    check_folder(out, "metrics.json", overwrite=overwrite)
    echo.say("brainsim demo: from fluorescence to spikes, a spiking network, a GAN and an honest comparison")
    from brainsim import demo

    facts = demo.run(out, echo.say, echo.progress, seed, overwrite=overwrite)
    echo.result(facts, f"done in {facts['seconds']:.0f} s; open the report in a browser:", [Path(facts["report"])])
