"""The card over the checkpoints of a training as files: page, figure, table, JSON."""

import base64
import json
from collections.abc import Iterable
from pathlib import Path

import matplotlib
import pandas as pd

from brainsim import store, web_page
from brainsim.augmentation import Augmentation
from brainsim.figure.checkpoint import over_epochs
from brainsim.folder import png, result_folder, write_table
from brainsim.gan_score import GanScore, source_name
from brainsim.plot import STYLE

AUGMENTED = "augmented.nc"


def table(score: GanScore) -> pd.DataFrame:
    """Return one row for each checkpoint and metric that could be computed."""
    rows = [
        {
            "epoch": epoch, "metric": name, "value": each.value, "floor": each.floor, "rival": each.rival,
            "ci95_low": each.ci95[0] if each.ci95 else None, "ci95_high": each.ci95[1] if each.ci95 else None,
            "unit": each.unit,
        }
        for epoch in score.epochs
        for name, each in score.comparison.scores[source_name(epoch)].items()
        if each.value is not None
    ]  # fmt: skip
    return pd.DataFrame(rows)


def write(
    folder: str | Path,
    score: GanScore,
    augmentation: Augmentation | None = None,
    *,
    commands: Iterable[str] = (),
    overwrite: bool = False,
) -> Path:
    """Write ``report.html``, ``metrics.json``, ``scores.csv``, ``figures/over_epochs.png`` and ``augmented.nc``.

    Parameters
    ----------
    folder
        Must not exist, unless `overwrite` and it holds an earlier result.
    score
        From :func:`brainsim.gan_score.score_checkpoints`.
    augmentation
        From :func:`brainsim.augmentation.augment`.
    commands
        Commands that made the files, for the provenance.
    overwrite
        Replace an earlier result.

    Raises
    ------
    OutputError
        If the folder exists, holds something else, or cannot be written.
    """
    facts = score.comparison.to_dict() | {
        "epochs": {source_name(epoch): epoch for epoch in score.epochs},
        "distance": {source_name(epoch): score.distance[epoch] for epoch in score.epochs},
        "best_epoch": score.best,
    }
    if augmentation:
        facts["augmentation"] = augmentation.to_dict()
    with result_folder(folder, "metrics.json", overwrite=overwrite) as draft:
        (draft / "figures").mkdir()
        with matplotlib.rc_context(STYLE):
            picture = over_epochs(score, score.comparison.statistics)
            image = png(picture.figure)
        (draft / "figures" / f"{picture.name}.png").write_bytes(image)
        store.write_text(draft / "metrics.json", json.dumps(facts, indent=1, allow_nan=False) + "\n")
        write_table(table(score), draft / "scores.csv")
        if augmentation:
            (draft / AUGMENTED).write_bytes(store.netcdf(augmentation.dataset))
        page = web_page.filled(
            "score.html", commands=tuple(commands), score=score, augmentation=augmentation, picture=picture,
            image=base64.b64encode(image).decode(), names={epoch: source_name(epoch) for epoch in score.epochs},
            statistics=score.comparison.statistics,
        )  # fmt: skip
        store.write_text(draft / "report.html", page)
    return Path(folder) / "report.html"
