"""The report: one self-contained page with every number beside its floor, and the folder around it."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import xarray as xr

from brainsim import catalog, store, web_page
from brainsim.comparison import Comparison
from brainsim.figure import pictures
from brainsim.figure.network import fit_pictures, learning_curve_picture
from brainsim.figure.panel import Picture
from brainsim.folder import png, result_folder
from brainsim.missing import Floats
from brainsim.plot import STYLE
from brainsim.rival import RIVALS

KEY_METRICS = ("noise_correlation_r", "rate_wasserstein", "c2st_forest", "tstr", "nn_ratio")


def write(
    folder: str | Path,
    comparison: Comparison,
    fit: xr.Dataset | None = None,
    *,
    learning_curve: Mapping[str, Floats] | None = None,
    commands: Iterable[str] = (),
    overwrite: bool = False,
) -> Path:
    """Write ``report.html``, ``metrics.json``, ``metrics.nc`` and ``figures/`` into a new folder, all of it or nothing.

    Parameters
    ----------
    folder
        Must not exist, unless `overwrite` and it holds an earlier result.
    comparison
        From :func:`brainsim.compare.compare`.
    fit
        A fitted network, to show its weights.
    learning_curve
        Name of a loss -> its mean in each epoch, shape (epoch,).
    commands
        Commands that made the files, for the provenance.
    overwrite
        Replace an earlier result.

    Returns
    -------
    Path
        Of the report.

    Raises
    ------
    OutputError
        If the folder exists or cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from brainsim.compare import compare
    >>> from brainsim.dataset import load_dataset
    >>> from brainsim.trial import cut_trials
    >>> recording = load_dataset().drop_dims(["spike", "pre", "post"]).isel(neuron=slice(4), trial=slice(32))
    >>> frame = cut_trials(recording).isel(time=[5]).drop_vars("stimulus")
    >>> with TemporaryDirectory() as folder:
    ...     page = write(f"{folder}/report", compare(frame, {"half of them": frame.isel(trial=slice(0, 32, 2))}))
    ...     sorted(path.name for path in page.parent.iterdir())
    ['figures', 'metrics.json', 'metrics.nc', 'report.html']
    """
    with result_folder(folder, "metrics.json", overwrite=overwrite) as draft:
        fill(draft, comparison, fit, learning_curve=learning_curve, commands=commands)
    return Path(folder) / "report.html"


def fill(
    folder: Path,
    comparison: Comparison,
    fit: xr.Dataset | None = None,
    *,
    learning_curve: Mapping[str, Floats] | None = None,
    commands: Iterable[str] = (),
) -> Path:
    """Write the same files as :func:`write` into a folder that is there, for instance the draft of a larger result."""
    drawn = []
    (folder / "figures").mkdir(exist_ok=True)
    with matplotlib.rc_context(STYLE):
        for picture in _all_pictures(comparison, fit, learning_curve):
            image = png(picture.figure)
            (folder / "figures" / f"{picture.name}.png").write_bytes(image)
            drawn.append((picture, base64.b64encode(image).decode()))
    store.write_text(folder / "metrics.json", json.dumps(comparison.to_dict(), indent=1, allow_nan=False) + "\n")
    (folder / "metrics.nc").write_bytes(store.netcdf(comparison.to_dataset()))
    store.write_text(folder / "report.html", page(comparison, drawn, tuple(commands)))
    return folder / "report.html"


def page(comparison: Comparison, drawn: list[tuple[Picture, str]], commands: tuple[str, ...] = ()) -> str:
    """Return the page; every text from a file is escaped.

    Parameters
    ----------
    comparison
        What is reported.
    drawn
        Figures, each with its PNG in base64.
    commands
        Commands that made the files.
    """
    statistics = catalog.entries("statistic")
    return web_page.filled(
        "report.html",
        commands=commands,
        comparison=comparison,
        drawn=drawn,
        rivals=list(RIVALS),
        key_metrics=[name for name in KEY_METRICS if name in statistics],
        statistics=statistics,
    )


def _all_pictures(comparison: Comparison, fit: xr.Dataset | None, curve: Mapping[str, Any] | None) -> Iterator[Picture]:
    yield from pictures(comparison)
    if fit is not None:
        yield from fit_pictures(fit)
    if curve:
        yield learning_curve_picture(curve)
