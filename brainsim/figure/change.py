"""The figure of a change: which groups' connections grew, and, where the truth is known, whether that is right."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from brainsim import plot
from brainsim.figure.panel import Picture

CALLED = 0.05


def change_picture(result: xr.Dataset) -> Picture:
    """Draw changes between groups as a matrix; beside it against the truth, and what an online rule says, if known.

    Parameters
    ----------
    result
        As :func:`brainsim.before_after.compare` makes it.
    """
    names = [str(name) for name in result["pre_group"].values]
    growth, sure = result["growth"].values, result["growth_q"].values < CALLED
    judged = "true_growth" in result and bool((np.nan_to_num(result["true_growth"]) != 0).any())
    routes = [name for name in ("growth", "learned_growth") if name in result] if judged else []
    wide = 1 + len(routes)
    figure = Figure(figsize=(4.4 + 3.1 * len(routes), 4.0), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, wide, width_ratios=[1.35, *[1] * len(routes)]))
    known = np.abs(growth[np.isfinite(growth)])
    limit = float(np.quantile(known, 0.9)) if len(known) else 1.0
    image = plot.groups(axes[0], growth, names, max(limit, 1e-3), sure).images[0]
    figure.colorbar(image, ax=axes[0], shrink=0.7, format=lambda value, _: f"{100 * value:+.0f}", label="change (%)")
    axes[0].set_title("change between groups")
    for ax, route in zip(axes[1:], routes, strict=True):
        _against_truth(ax, result, route)
    caption = (
        f"By which share connections grew or shrank from {result.attrs['before']} to {result.attrs['after']}; "
        f"framed: false discovery rate below {CALLED}."
    )
    return Picture("change", "What changed", caption, figure)


def _against_truth(ax: Axes, result: xr.Dataset, route: str) -> None:
    true, found = result["true_growth"].values, result[route].values
    kept = np.isfinite(true) & np.isfinite(found) & (true != 0)
    inhibitory = result["pre_group"].values.astype(str) == "I"
    side = np.where(inhibitory, "I", "E")
    kinds = np.array([[f"{a} to {b}" for b in side] for a in side])[kept].tolist()
    error = result["growth_se"].values[kept] if route == "growth" else None
    plot.against(ax, true[kept], found[kept], error, kinds)
    area = result.attrs.get("auc_grew" if route == "growth" else "auc_grew_learned", np.nan)
    ax.set_title(f"{'two fits' if route == 'growth' else 'online rule'}: AUC {area:.2f}")
    ax.set_ylabel("estimated change (%)" if route == "growth" else "learned change (%)")
