"""`brainsim compare`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .option import Command, Echo, out, recording, seed

if TYPE_CHECKING:
    from brainsim.comparison import Comparison


@click.command(cls=Command)
@recording
@click.argument("others", nargs=-1, required=True, type=click.Path(path_type=Path))
@out("Folder for report.html, metrics.json, metrics.nc and figures/.")
@click.option("--fit", type=click.Path(path_type=Path), help="A fit, to show its weights in the report.")
@click.option(
    "--connectivity",
    is_flag=True,
    help="RECORDING is simulated: do fits to the others find the connectivity that a fit to it finds?",
)
@seed
@click.pass_obj
def command(echo: Echo, /, recording: Path, others: tuple[Path, ...], fit: Path | None, **options: Any) -> None:
    """Hold simulated and generated recordings against the real RECORDING.

    Each number stands beside its floor (real held-out trials), the rivals that cost nothing, and a bootstrap interval;
    each source gets a plain verdict.
    """
    from brainsim import connection_truth, report
    from brainsim.compare import compare
    from brainsim.folder import check_folder
    from brainsim.store import open_recording

    folder = options["out"]
    check_folder(folder, "metrics.json", overwrite=options["overwrite"])
    sources = {name: open_recording(path) for name, path in zip(_names(recording, others), others, strict=True)}
    fitted = None if fit is None else open_recording(fit)
    reference = open_recording(recording)
    if options["connectivity"]:
        connection_truth.check_truth(reference, recording.stem)
    with echo.progress("comparing") as progress:
        result = compare(reference, sources, options["seed"], progress, reference=recording.stem)
    if options["connectivity"]:
        with echo.progress("fitting") as progress:
            result = connection_truth.with_connectivity(result, reference, options["seed"], progress)
    files = " ".join(path.name for path in (recording, *others))
    flags = f"{f' --fit {fit.name}' if fit else ''}{' --connectivity' if options['connectivity'] else ''}"
    line = f"brainsim compare {files} --out {folder.name}{flags} --seed {options['seed']}"
    page = report.write(folder, result, fitted, commands=[line], overwrite=options["overwrite"])
    if echo.as_json:
        echo.result(result.to_dict(), "")
    else:
        echo.result(None, _prose(result), [page])


def _names(recording: Path, others: tuple[Path, ...]) -> list[str]:
    """Return the stem of each file; two files of one name cannot be told apart in the result."""
    from brainsim.error import InputError

    names = [path.stem for path in others]
    for name in names:
        if [recording.stem, *names].count(name) > 1:
            raise InputError(
                f"two files are called '{name}'", where=f"{name}, field 'name'", remedy="rename or copy one of them"
            )
    return names


def _prose(result: "Comparison") -> str:
    """Return a compact table, then the warnings and the verdicts."""
    from brainsim.web_page import number

    sources = list(result.scores)
    rows = [["metric", "recorded floor", *sources, "rival"]]
    for metric in result.scores[sources[0]]:
        scores = [result.scores[source][metric] for source in sources]
        rows.append(
            [metric, number(scores[0].floor), *(number(score.value) for score in scores), number(scores[0].rival)]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if not i else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    for name, of in result.connectivity.items():
        short = {key: value if isinstance(value, str) else number(value) for key, value in of.items()}
        lines.append(
            "connectivity of {name}: {verdict} (weights r {weight_r}, halves {weight_r_floor}; average precision "
            "{ap_source}, recorded {ap_recorded}, halves {ap_halves}, blind {share_connected})".format(
                name=name, **short
            )
        )
    warnings = [f"warning: {warning}" for warning in result.warnings]
    return "\n".join([*lines, "", *warnings, *(f"{name}: {sentence}" for name, sentence in result.verdict.items())])
