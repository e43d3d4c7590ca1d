"""The learning curve of a training as a table and a figure, and a figure of recorded beside generated trials."""

import io
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from brainsim.error import InputError

CURVE = ("critic_loss", "wasserstein", "penalty", "generator_loss")
EXAMPLES = 4


def curve_columns(rows: list[list[float]]) -> dict[str, NDArray[np.float64]]:
    """Return each column of :data:`CURVE`, of shape (epoch,), from the rows of a training."""
    columns = np.asarray(rows, dtype=np.float64).reshape(-1, len(CURVE)).T
    return dict(zip(CURVE, columns, strict=True))


def curve_csv(rows: list[list[float]]) -> str:
    """Return the rows of a training as CSV with a header; the numbers are exact."""
    lines = [",".join(("epoch", *CURVE))]
    lines += [",".join([str(epoch), *map(repr, row)]) for epoch, row in enumerate(rows, 1)]
    return "\n".join(lines) + "\n"


def read_curve(path: Path) -> dict[str, NDArray[np.float64]]:
    """Read what :func:`curve_csv` wrote.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        return curve_columns([[float(cell) for cell in line.split(",")[1:]] for line in lines])
    except (OSError, ValueError) as error:
        raise InputError(
            "the learning curve cannot be read", where=str(path), remedy="copy the folder again, or train again"
        ) from error


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=120)
    return stream.getvalue()


def plot_learning_curve(curve: dict[str, NDArray[np.float64]]) -> Figure:
    """Draw every column of a learning curve over epochs, one panel each.

    Parameters
    ----------
    curve
        Name of a loss -> its mean in each epoch, shape (epoch,).
    """
    figure = Figure(figsize=(7, 1.6 * len(curve)), layout="constrained")
    panels = np.atleast_1d(figure.subplots(len(curve), 1, sharex=True))
    for axes, (name, values) in zip(panels, curve.items(), strict=True):
        axes.plot(np.arange(1, len(values) + 1), values, linewidth=1)
        axes.set_ylabel(name.replace("_", " "))
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("epoch")
    return figure


def plot_trials(recorded: xr.Dataset, generated: xr.Dataset) -> Figure:
    """Draw a few recorded trials above generated trials of the same stimuli, on one scale of colours.

    Trials of several frames are drawn as images (neuron over time); trials of one frame as one image of all trials
    of those stimuli (trial over neuron).

    Parameters
    ----------
    recorded, generated
        Recordings with `calcium` (trial, time, neuron) and, in the generated one, `stimulus`.
    """
    names = list(dict.fromkeys(generated["stimulus"].values.tolist()))[:EXAMPLES]
    figure = Figure(figsize=(2.4 * len(names) + 1, 5), layout="constrained")
    panels = figure.subplots(2, len(names), squeeze=False, sharex=True)
    top = float(np.nanquantile(recorded["calcium"].values, 0.999))
    image = None
    for row, (source, dataset) in zip(panels, (("recorded", recorded), ("generated", generated)), strict=True):
        for axes, name in zip(row, names, strict=True):
            image = _image(axes, dataset, name, (float(recorded["calcium"].min()), top))
            axes.set_title(f"{source}, {name}", fontsize=8)
        row[0].set_ylabel("trial" if recorded.sizes["time"] == 1 else "neuron")
    for axes in panels[-1]:
        axes.set_xlabel("neuron" if recorded.sizes["time"] == 1 else "time [s]")
    if image is not None:
        figure.colorbar(image, ax=panels, label=str(recorded.attrs.get("units", "activity")))
    return figure


def _image(axes: Axes, dataset: xr.Dataset, name: str, limits: tuple[float, float]) -> AxesImage:
    """Draw one stimulus: its first trial, or all its trials where a trial is one frame."""
    trace = dataset["calcium"].transpose("trial", "time", "neuron")
    if "stimulus" in dataset.coords:
        trace = trace[dataset["stimulus"].values.astype(str) == name]
    if trace.sizes["time"] == 1:
        return axes.imshow(trace.values[:, 0], aspect="auto", vmin=limits[0], vmax=limits[1], interpolation="nearest")
    time = dataset["time"].values
    return axes.imshow(
        trace.values[0].T,
        aspect="auto",
        vmin=limits[0],
        vmax=limits[1],
        interpolation="nearest",
        extent=(time[0], time[-1], trace.sizes["neuron"], 0),
    )
