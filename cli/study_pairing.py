"""``brainsim study pairing``."""

from pathlib import Path

import click

from .option import Command, Echo, out, seed, workers


@click.command(cls=Command)
@out("Folder of the study; ends with report.html.")
@click.option(
    "--recording", type=click.Path(path_type=Path), help="A recording of a pairing experiment [default: simulate one]."
)
@click.option("--preset", default="pairing", show_default=True, help="Which experiment is simulated.")
@click.option(
    "--repeats",
    type=click.IntRange(2),
    default=50,
    show_default=True,
    help="Random initialisations of the original rule.",
)
@click.option("--resume", is_flag=True, help="Go on with a study that was interrupted; what is done is kept.")
@workers
@seed
@click.pass_obj
def command(
    echo: Echo,
    /,
    out: Path,
    overwrite: bool,
    recording: Path | None,
    preset: str,
    repeats: int,
    resume: bool,
    workers: int,
    seed: int,
) -> None:
    """Study a pairing experiment: which connections changed, by the original route and by two fits, and what is right.

    Every stage is a command of its own as well; the report lists them.
    """
    from brainsim import study
    from brainsim.study_plan import Options

    if resume and overwrite:
        raise click.UsageError("--resume keeps what --overwrite removes: give one of them")
    options = Options(recording, preset, repeats, workers, seed)
    facts, page = study.run(out, options, echo.say, echo.progress, resume=resume, overwrite=overwrite)
    from brainsim.study_report import summary

    echo.result(facts, "\n".join(summary(facts)), [page])
