"""Draw docs/figures/start.png, what brainsim does in one figure: ``python tests/write_start_figure.py DEMO``.

DEMO is the folder that ``brainsim demo`` wrote.
"""

import sys
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from brainsim import catalog, plot, verdict
from brainsim.compare import compare
from brainsim.dataset import load_dataset
from brainsim.demo import RECORDING, against_truth
from brainsim.figure.panel import order
from brainsim.store import open_recording
from brainsim.trial import cut_trials

TARGET = Path(__file__).resolve().parents[1] / "docs" / "figures" / "start.png"
CELLS, BEGIN, SECONDS, SPACING = 6, 75.0, 40.0, 1.7


def seen_and_inferred(ax, spikes):
    """Draw traces, the true spikes below each (grey) and the inferred ones (green)."""
    window = spikes.sel(time=slice(BEGIN, BEGIN + SECONDS - 1e-6))
    shown = np.sort(np.argsort(-window["calcium"].std("time").values)[:CELLS])
    plot.traces(ax, window["calcium"].values[:, shown], SECONDS, SPACING)
    time = window["time"].values - BEGIN
    for place, cell in enumerate(shown):
        inferred = window["spikes"].values[:, cell]
        at = time[inferred > 0.25 * inferred.max()]
        true = spikes["spike_time"].values[spikes["spike_neuron"].values == cell] - BEGIN
        true = true[(true > 0) & (true < SECONDS)]
        low = -place * SPACING
        ax.vlines(at, low - 0.42, low - 0.22, color=plot.OKABE_ITO["green"], linewidth=0.9)
        ax.vlines(true, low - 0.64, low - 0.46, color="#9a9a9a", linewidth=0.5)
    ax.set_ylim(top=SPACING)
    ax.set_title("1  fluorescence to spikes", pad=20)
    ax.text(0, 1.01, "spikes, inferred", color=plot.OKABE_ITO["green"], fontsize=8, transform=ax.transAxes)
    ax.text(0.32, 1.01, "and true", color="#8a8a8a", fontsize=8, transform=ax.transAxes)


def connections(axes, fit):
    """Draw the true and the inferred matrix of weights."""
    kinds = fit["cell_type_given"].values.astype(str)
    by_type = np.lexsort((np.arange(len(kinds)), kinds))
    called = np.nan_to_num(fit["edge_probability"].values) > 0.5
    for ax, values in zip(axes, (fit["true_weight"].values, np.where(called, fit["weight"].values, 0.0)), strict=True):
        top = float(np.quantile(np.abs(values[values != 0]), 0.95))
        plot.weights(ax, values[np.ix_(by_type, by_type)], kinds[by_type].tolist(), top)
        ax.set(xlabel="", ylabel="")
    said = against_truth(fit)
    axes[0].set_title("2  who drives whom: truth", pad=20)
    axes[1].set_title("inferred from millisecond spikes", pad=20)
    axes[0].set_ylabel("presynaptic")
    axes[1].set_xlabel(f"{said['called_true']} of {said['called']} called connections are true")


def trials(axes, recorded, generated):
    """Draw the same stimuli, recorded and generated."""
    real = cut_trials(recorded)
    arranged = order(real["calcium"].mean("time").values)
    names = ("vis", "aud", "air")
    middle, scale = real["calcium"].mean(("trial", "time")), real["calcium"].std(("trial", "time"))
    for ax, data, name in zip(axes, (real, generated), ("recorded", "generated"), strict=True):
        first = [int(np.flatnonzero(data["stimulus"].values == stimulus)[2]) for stimulus in names]
        score = ((data["calcium"] - middle.values) / scale.values).transpose("trial", "time", "neuron").values
        joined = np.concatenate(score[first])
        plot.heatmap(ax, joined[:, arranged].T, (-1.5, 3.0))
        plot.trial_marks(ax, [k * len(joined) / 3 - 0.5 for k in range(4)], names)
        ax.set(xticks=[], yticks=[], ylabel=name)


def card(ax, comparison):
    """Draw how far each metric is from what real trials reach."""
    kinds = {name: kind() for name, kind in catalog.entries("statistic").items() if kind.decides}
    rows = [name for name in verdict.ORDER if name in kinds]
    far = {
        source: np.array([verdict.excess(kinds[name], scores[name]) for name in rows])
        for source, scores in comparison.scores.items()
    }
    colors = {"fitted network": plot.OKABE_ITO["orange"], "GAN": plot.OKABE_ITO["purple"]}
    plot.report_card(ax, [kinds[name].title for name in rows], far, colors)
    ax.set_xlabel("distance beyond what real held-out trials reach (1: allowed)")
    ax.set_title("4  and an honest comparison", pad=18)


def draw(demo):
    """Return the figure."""
    recorded, generated = load_dataset(RECORDING), open_recording(demo / "generated.nc")
    simulated = open_recording(demo / "simulated_inferred.nc")
    figure = Figure(figsize=(10.4, 6.6), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[1, 1.05], hspace=0.04)
    first = top.subplots(1, 3, width_ratios=[1.25, 1, 1])
    seen_and_inferred(first[0], open_recording(demo / "spikes.nc"))
    connections(first[1:], open_recording(demo / "fit_events.nc"))
    left, right = bottom.subfigures(1, 2, width_ratios=[0.8, 1])
    pair = left.subplots(2, 1)
    trials(pair, recorded, generated)
    pair[0].set_title("3  a generator of trials", pad=16)
    card(right.subplots(), compare(recorded, {"fitted network": simulated, "GAN": generated}))
    return figure


if __name__ == "__main__":
    with matplotlib.rc_context(plot.STYLE):
        draw(Path(sys.argv[1])).savefig(TARGET, dpi=170)
    print(TARGET)
