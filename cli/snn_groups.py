"""`brainsim snn groups`."""

from pathlib import Path
from typing import Any

import click

from .option import Command, Echo, out, pairing, seed


@click.command(cls=Command)
@click.argument("fit", type=click.Path(path_type=Path))
@click.option("--recording", type=click.Path(path_type=Path), required=True, help="Recording with the trials.")
@out("Folder for members.csv, groups.csv, repeats.csv, regressions.csv, groups.json and figures.")
@pairing
@click.option(
    "--answered-before",
    is_flag=True,
    help="Cells that answered the conditioned stimulus before pairing too may belong to those that answer both.",
)
@seed
@click.pass_obj
def command(
    echo: Echo,
    /,
    fit: Path,
    recording: Path,
    out: Path,
    overwrite: bool,
    stimuli: dict[str, str | None],
    test: dict[str, Any],
    answered_before: bool,
    seed: int,
) -> None:
    """How much the weights of FIT changed between the groups of a pairing experiment.

    Groups are found in the recording: cells that answer the conditioned stimulus before pairing, the unconditioned one,
    both once they were paired, or the unconditioned one alone. FIT holds weights before and after learning:
    brainsim snn fit --rule nearest-stdp --repeats R.
    """
    from brainsim import group_change, grouping, groups_report
    from brainsim.folder import check_folder
    from brainsim.store import open_recording

    check_folder(out, groups_report.MARKER, overwrite=overwrite)
    result = group_change.analyse(
        open_recording(fit),
        open_recording(recording),
        stimuli,
        definitions=grouping.PAIRING_ALL if answered_before else grouping.PAIRING,
        seed=seed,
        **test,
    )
    groups_report.write(out, result, overwrite=overwrite)
    facts = groups_report.as_json(result)
    echo.result(facts, groups_report.sentence(result), [out / name for name in groups_report.FILES])
