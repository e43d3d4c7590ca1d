"""Recorded and simulated responses side by side."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from brainsim import plot
from brainsim.figure.panel import Picture, limits
from brainsim.resemblance import sentence


def resemblance_picture(fit: xr.Dataset) -> Picture:
    """Draw two maps of cells and stimuli, recorded and simulated, and how alike they are under each stimulus.

    Parameters
    ----------
    fit
        With the variables that :func:`brainsim.resemblance.resemblance` returns; the mean over repeats is drawn.
    """
    names = fit["condition"].values.astype(str).tolist()
    recorded = fit["recorded_response"].transpose("condition", "neuron").values
    simulated = fit["simulated_response"].transpose(..., "condition", "neuron").values
    simulated = simulated.mean(0) if simulated.ndim == 3 else simulated
    filled = np.nan_to_num(recorded)
    order = np.lexsort((-filled.max(0), filled.argmax(0)))
    shared = limits(np.stack([recorded, simulated]))
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=(1, 1.25, 1.1))
    for ax, title, values in zip(axes, ("recorded", "simulated"), (recorded, simulated), strict=False):
        plot.responses(ax, values[:, order], names, shared)
        ax.set_title(title)
    axes[0].set_ylabel("neuron, by preferred stimulus")
    axes[1].set_yticklabels([])
    figure.colorbar(axes[1].images[0], ax=axes[1], location="right", shrink=0.5, label="response (SD)")
    found = np.atleast_2d(fit["resemblance"].transpose(..., "condition").values)
    plot.resemblance(axes[2], names, found, fit["resemblance_other"].values, fit["resemblance_shuffled"].values)
    axes[2].set_title("resemblance")
    caption = "Response: mean over trials of the window's spikes or calcium, from the cell's mean over all windows."
    return Picture("responses", "Recorded and simulated responses", f"{sentence(fit)}. {caption}", figure)
