"""``brainsim cells classify``."""

from pathlib import Path
from typing import Any

import click

from .option import Command, Echo, out, recording, seed


@click.command(cls=Command)
@recording
@out("The recording with its cell types (.nc or .zarr).")
@click.option(
    "--train",
    "training",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="LABELLED",
    help="A recording with cell types, or a folder of such; may be given several times.",
)
@click.option("--fit", type=click.Path(path_type=Path), help="A fit of RECORDING (rule ml): signs of synapses.")
@click.option(
    "--method",
    type=click.Choice(["features", "snippet-svm"]),
    default="features",
    show_default=True,
    help="Features of the trace, or the original study's SVM on response snippets.",
)
@click.option(
    "--prior",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.8,
    show_default=True,
    help="Share of E that is expected before anything is seen.",
)
@click.option(
    "--sure",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.9,
    show_default=True,
    help="Name a cell where its type is at least so probable; it is unknown otherwise.",
)
@click.option("--figure", type=click.Path(path_type=Path), help="Draw the validation (.png); needs --train.")
@seed
@click.pass_obj
def command(
    echo: Echo,
    /,
    recording: Path,
    out: Path,
    overwrite: bool,
    training: tuple[Path, ...],
    fit: Path | None,
    figure: Path | None,
    **how: Any,
) -> None:
    """Tell excitatory from inhibitory neurons of RECORDING: by their traces, by a fit, or by both.

    Give --train, --fit or both. The result is RECORDING with `cell_type`, so `snn fit --known-types` can use it.
    """
    from brainsim.cells import Settings, classify
    from brainsim.labelled import open_labelled
    from brainsim.store import check_target, open_recording, save_recording, write_bytes

    if not training and fit is None:
        raise click.UsageError("give --train, --fit or both")
    if figure and not training:
        raise click.UsageError("--figure shows the validation of --train")
    check_target(out, overwrite=overwrite)
    if figure:
        check_target(figure, overwrite=overwrite, suffixes=(".png",))
    with echo.progress("classify") as progress:
        found = classify(
            open_recording(recording),
            open_labelled(training),
            open_recording(fit) if fit else None,
            Settings(**how),
            progress,
        )
    written = [save_recording(found.dataset, out, overwrite=overwrite)]
    if figure and found.traces:
        from brainsim.figure.celltype import picture
        from brainsim.folder import png

        write_bytes(figure, png(picture(found.traces, how["seed"]).figure))
        written.append(figure)
    for notice in found.facts["notices"]:
        click.echo(f"notice: {notice}", err=True)
    echo.result(found.facts, _prose(found.facts), written)


def _prose(facts: dict[str, Any]) -> str:
    """Say what was found and how well it was told on cells that were held out."""
    counts = ", ".join(f"{n} {kind}" for kind, n in facts["cell_types"].items())
    lines = [f"{facts['method']}: {counts}"]
    for grouping, table in facts.get("validation", {}).items():
        name = grouping.replace("_", " ")
        lines.append(f"held out by {name}: {_figures(table)}" if table else f"held out by {name}: cannot be tested")
    if "agreement" in facts:
        lines.append(f"against the types that the recording came with: {_figures(facts['agreement'])}")
    return "\n".join(lines)


def _figures(table: dict[str, Any]) -> str:
    """Say one table of figures in a line."""
    low, high = table["ci95"]
    return (
        f"accuracy {table['accuracy']:.3f} [{low:.3f}, {high:.3f}] of {table['cells']} cells "
        f"(majority {table['majority_share']:.3f}), balanced {table['balanced_accuracy']:.3f}, AUC {table['auc']:.3f}"
    )
