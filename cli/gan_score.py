"""`brainsim gan score`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .option import Command, Echo, out, recording, seed

if TYPE_CHECKING:
    from brainsim.gan_score import GanScore

SHOWN = ("inception_score", "c2st_linear", "c2st_forest", "noise_correlation_r", "tstr", "nn_ratio", "copy_share")


@click.command(cls=Command)
@click.argument("gan_dir", type=click.Path(path_type=Path))
@recording
@out("Folder for report.html, metrics.json, scores.csv and figures/.")
@click.option(
    "--most", type=click.IntRange(1), default=12, show_default=True, help="Checkpoints to look at, evenly chosen."
)
@click.option(
    "--augment",
    is_flag=True,
    help="Write augmented.nc too (recorded training trials and as many generated ones), and test whether it helps.",
)
@seed
@click.pass_obj
def command(
    echo: Echo, /, gan_dir: Path, recording: Path, out: Path, overwrite: bool, most: int, augment: bool, seed: int
) -> None:
    """Hold every checkpoint of the generator in GAN_DIR against the RECORDING it was trained on.

    Inception score and the whole report card over epochs; the best checkpoint is the one to sample from:
    `brainsim gan sample GAN_DIR --checkpoint EPOCH`.
    """
    from brainsim.folder import check_folder
    from brainsim.store import open_recording

    check_folder(out, "metrics.json", overwrite=overwrite)
    dataset = open_recording(recording)
    from brainsim import augmentation, gan_score, score_report
    from brainsim.gan import ConditionalGAN

    with echo.progress("scoring") as progress:
        score = gan_score.score_checkpoints(gan_dir, dataset, most, seed, progress)
    added = None
    if augment:
        with echo.progress("decoding") as progress:
            added = augmentation.augment(ConditionalGAN.load(gan_dir, score.best), dataset, seed, progress)
    flags = f"{' --augment' if augment else ''} --most {most} --seed {seed}"
    line = f"brainsim gan score {gan_dir.name} {recording.name} --out {out.name}{flags}"
    page = score_report.write(out, score, added, commands=[line], overwrite=overwrite)
    facts = {"best_epoch": score.best, "distance": {str(epoch): value for epoch, value in score.distance.items()}}
    facts |= {"verdict": score.comparison.verdict, "warnings": score.comparison.warnings}
    if added:
        facts["augmentation"] = added.to_dict()
    prose = [*_lines(score), *([added.sentence()] if added else [])]
    written = [page, *([out / score_report.AUGMENTED] if added else [])]
    echo.result(facts, "\n".join(prose), written)


def _lines(score: "GanScore") -> list[str]:
    """Lay the key metrics of each checkpoint out as a table, then what to know and the best."""
    from brainsim.gan_score import source_name
    from brainsim.web_page import number

    card = score.comparison
    first = card.scores[source_name(score.epochs[0])]
    names = [name for name in SHOWN if first[name].value is not None]
    rows = [["epoch", *names], ["floor", *(number(first[name].floor) for name in names)]]
    rows += [
        [str(epoch), *(number(card.scores[source_name(epoch)][name].value) for name in names)] for epoch in score.epochs
    ]
    lines = ["  ".join(cell.rjust(len(head)) for cell, head in zip(row, rows[0], strict=True)) for row in rows]
    warnings = [f"warning: {warning}" for warning in card.warnings]
    best = f"best: epoch {score.best}, {card.verdict[source_name(score.best)]}"
    return [*lines, "", *warnings, best]
