"""`brainsim snn response`."""

from pathlib import Path

import click

from .option import Command, Echo, out


@click.command(cls=Command)
@click.argument("fit", type=click.Path(path_type=Path))
@out("Folder for responses.png, responses.csv and resemblance.csv.")
@click.pass_obj
def command(echo: Echo, /, fit: Path, out: Path, overwrite: bool) -> None:
    """Hold the simulated responses of FIT (an online rule) against the recorded ones: a number, tables, a figure."""
    from brainsim import response_report
    from brainsim.folder import check_folder
    from brainsim.resemblance import sentence
    from brainsim.store import open_recording

    check_folder(out, response_report.FILES[0], overwrite=overwrite)
    dataset = open_recording(fit)
    facts = response_report.write(out, dataset, overwrite=overwrite)
    echo.result(facts, sentence(dataset), [out / name for name in response_report.FILES])
