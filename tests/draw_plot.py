"""One drawing of every function of brainsim.plot, from made-up numbers."""

import networkx as nx
import numpy as np
from matplotlib.figure import Figure

from brainsim import plot

SOURCES = ("recorded", "fitted network", "generated")
STIMULI = ("aud", "vis", "air", "aud_air")
KINDS = ["E"] * 14 + ["I"] * 6


def random():
    """Return the same random numbers for every drawing."""
    return np.random.default_rng(0)


def axes(width=3.6, height=2.8):
    """Return the Axes of a new figure."""
    return Figure(figsize=(width, height), layout="constrained").subplots()


def transients(neurons=5, frames=160):
    """Return traces with decaying transients, (time, neuron)."""
    rng = random()
    spikes = rng.random((frames, neurons)) < 0.05
    return np.array([np.convolve(each, np.exp(-np.arange(30) / 8))[:frames] for each in spikes.T]).T + rng.normal(
        0, 0.05, (frames, neurons)
    )


def connections():
    """Return weights of 20 cells, the last six inhibitory, and the network that they are."""
    rng = random()
    weight = np.where(rng.random((20, 20)) < 0.2, rng.gamma(2, 0.4, (20, 20)), 0.0)
    weight[14:] *= -1
    np.fill_diagonal(weight, 0.0)
    net = nx.DiGraph()
    net.add_nodes_from((str(n), {"cell_type": kind}) for n, kind in enumerate(KINDS))
    for pre, post in np.argwhere(weight):
        value = float(weight[pre, post])
        net.add_edge(str(pre), str(post), strength=abs(value), sign=float(np.sign(value)))
    return weight, net


def raster():
    """Draw a raster with marks of three trials."""
    ax = plot.raster(axes(), (random().random((120, 12)) < 0.1).astype(float), 12.0)
    ax.set_ylabel("neuron")
    return ax


def heatmap():
    """Draw activity with a stretch that is missing."""
    values = transients(12).T
    values[3:5, 60:90] = np.nan
    ax = plot.heatmap(axes(), values, (0.0, 2.0))
    ax.figure.colorbar(ax.images[0], ax=ax, label="dF/F")
    ax.set(xlabel="frame", ylabel="neuron")
    return ax


def traces():
    """Draw traces."""
    return plot.traces(axes(), transients(), 16.0, 1.5)


def scale_bar():
    """Draw traces with a scale bar."""
    return plot.scale_bar(plot.traces(axes(), transients(), 16.0, 1.5), 1.5, "1.5 dF/F")


def trial_marks():
    """Draw traces of trials with names, one of them too long."""
    ax = plot.traces(axes(), transients(), 16.0, 1.5)
    return plot.trial_marks(ax, [0, 4, 8, 12, 16], ["aud", "vis", "air", "a very long name"])


def responses():
    """Draw mean responses to stimuli."""
    ax = plot.responses(axes(2.6, 3.0), random().gamma(1, 0.3, (4, 20)), STIMULI, (0.0, 1.0))
    ax.figure.colorbar(ax.images[0], ax=ax, label="mean dF/F")
    ax.set_ylabel("neuron")
    return ax


def blank():
    """Say why nothing is drawn."""
    return plot.blank(axes(), "fewer than three stimuli")


def place():
    """Return where three methods stand on two data sets."""
    return plot.Place(["dense", "sparse"], ["brainsim", "correlation", "transfer entropy"])


def dots():
    """Draw a metric of methods, one of them without a result."""
    values = np.array([[0.71, 0.42, 0.55], [0.93, 0.61, np.nan]])
    spread = np.stack([values - 0.05, values + 0.04], -1)
    ax = plot.dots(axes(4.2, 2.4), place(), values, spread, np.array([0.3, 0.05]))
    ax.set(xlim=(0, 1), xlabel="average precision")
    return ax


def pairs():
    """Draw two numbers of each method."""
    best = np.array([[0.66, 0.40, 0.51], [0.90, 0.58, 0.62]])
    ax = plot.pairs(axes(4.2, 2.4), place(), best - [[0.02, 0.2, 0.1], [0.01, 0.35, 0.2]], best)
    ax.set(xlim=(0, 1), xlabel="Matthews correlation")
    return ax


def reliability():
    """Draw probabilities that are too large, with intervals, and those of two networks."""
    told = np.array([0.03, 0.15, 0.34, 0.55, 0.75, 0.96])
    found = told**1.2
    interval = np.stack([found - 0.06, np.minimum(found + 0.06, 1)])
    singles = [np.stack([told, np.clip(found + off, 0, 1)]) for off in (-0.05, 0.04)]
    ax = plot.reliability(axes(2.6, 2.6), told, found, interval, singles, plot.OKABE_ITO["vermillion"])
    ax.set(xlabel="told probability", ylabel="share that is connected")
    return ax


def cells_by_set():
    """Draw the probability of cells of three data sets."""
    rng = random()
    kind = np.where(rng.random(60) < 0.7, "E", "I")
    p = np.clip(np.where(kind == "E", 0.75, 0.3) + rng.normal(0, 0.15, 60), 0, 1)
    ax = plot.cells_by_set(axes(4.0, 3.2), ["GCaMP6f V1", "GCaMP6s S1", "jRGECO1a"], np.arange(60) % 3, p, kind)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, handletextpad=0.1)
    return ax


def roc():
    """Draw two ROC curves."""
    false = np.linspace(0, 1, 41)
    curves = {"by cell: AUC 0.83": (false, false**0.2), "by data set: AUC 0.71": (false, false**0.4)}
    return plot.roc(axes(3.2, 3.6), curves, [plot.OKABE_ITO["black"], plot.OKABE_ITO["orange"]])


def groups():
    """Draw changes between four groups, one pair without synapses."""
    values = random().normal(0, 0.12, (4, 4))
    values[3, 1] = np.nan
    ax = plot.groups(axes(3.8, 3.4), values, ["aud", "air", "audair", "I"], 0.2, np.abs(values) > 0.15)
    ax.figure.colorbar(ax.images[0], ax=ax, format=lambda value, _: f"{100 * value:+.0f}", label="change (%)")
    return ax


def against():
    """Draw estimates over the truth for two kinds of synapses."""
    true = np.concatenate([np.linspace(-0.1, 0.3, 8), np.linspace(0, 0.2, 6)])
    found = true + random().normal(0, 0.03, 14)
    ax = plot.against(axes(3.4, 3.0), true, found, np.full(14, 0.03), ["E to E"] * 8 + ["I to E"] * 6)
    ax.set_ylabel("estimated change (%)")
    return ax


def over_epochs():
    """Draw a metric over epochs with floor and rival."""
    epoch = np.arange(0.0, 100, 10)
    value = 0.9 - 0.6 * np.exp(-epoch / 25)
    ax = plot.over_epochs(axes(), epoch, value, np.stack([value - 0.05, value + 0.05], -1), 0.9, 0.05, 0.62)
    ax.set(xlabel="epoch", ylabel="noise correlations, r")
    ax.legend(loc="lower right")
    return ax


def matrix():
    """Draw a matrix of correlations."""
    ax = plot.matrix(axes(3.4, 2.8), np.corrcoef(random().normal(0, 1, (15, 40))), 0.5)
    ax.figure.colorbar(ax.images[0], ax=ax, label="Pearson's r")
    return ax


def weights():
    """Draw weights of two cell types."""
    ax = plot.weights(axes(3.4, 3.6), connections()[0], KINDS, 1.5)
    ax.figure.colorbar(ax.images[0], ax=ax, location="bottom", label="weight (1)")
    return ax


def network():
    """Draw the strongest edges of a network on a circle."""
    net = connections()[1]
    angle = np.linspace(0, 2 * np.pi, len(net), endpoint=False)
    where = {name: np.array([np.cos(a), np.sin(a)]) for name, a in zip(net, angle, strict=True)}
    return plot.network(axes(5.6, 5.4), net, where, most=50)


def group_legend():
    """Name five groups above a matrix whose edges have their colours."""
    names = ["aud", "air", "audair", "other", "I"]
    colors = plot.group_colors(names)
    ax = plot.weights(axes(3.6, 3.6), connections()[0], [name for name in names for _ in range(4)], 1.5, colors)
    return plot.group_legend(ax.figure, names, colors)


def histograms():
    """Draw distributions of three recordings."""
    rng = random()
    values = {name: rng.gamma(2, scale, 300) for name, scale in zip(SOURCES, (1.0, 1.3, 0.9), strict=True)}
    ax = plot.histograms(axes(), values, np.linspace(0, 8, 21), plot.source_colors(SOURCES))
    ax.set(xlabel="mean event rate (Hz)", ylabel="share of neurons")
    return ax


def curves():
    """Draw autocorrelations of three recordings."""
    lag = np.arange(1, 21) / 10
    values = {name: np.exp(-lag / tau) for name, tau in zip(SOURCES, (0.6, 0.8, 0.3), strict=True)}
    ax = plot.curves(axes(), lag, values, plot.source_colors(SOURCES))
    ax.set(xlabel="lag (s)", ylabel="autocorrelation")
    return ax


def report_card():
    """Draw a card with a metric that cannot be computed."""
    rows = ["noise correlations, r", "told apart, linear", "mean activity", "decoder trained on it"]
    excess = {
        "fitted network": np.array([6.0, 40.0, 2.0, np.nan]),
        "generated": np.array([0.4, 0.9, -0.3, 1.6]),
        "best free rival": np.array([3.0, 4.0, 0.2, 0.8]),
    }
    colors = {name: color for name, color in plot.source_colors(SOURCES).items() if name in excess}
    return plot.report_card(axes(7.0, 2.6), rows, excess, colors)


def changes():
    """Draw changes of three pathways, one without a synapse."""
    points = random().normal([[10.0], [25.0], [0.0]], 3.0, (3, 8))
    middle, error = points.mean(1), points.std(1) / np.sqrt(8)
    middle[2] = np.nan
    ax = plot.changes(
        axes(4.2, 2.4),
        ["aud->air", "intra-audair", "I->aud"],
        points,
        middle,
        error,
        [plot.OKABE_ITO[name] for name in ("purple", "green", "blue")],
    )
    ax.set_xlabel("fraction change of weights (%; mean and s.e.)")
    return ax


def regression():
    """Draw a regression with its band."""
    x = random().normal(20, 10, 12)
    at = np.linspace(x.min(), x.max(), 30)
    wide = 4 + np.abs(at - x.mean()) / 4
    y = 1.2 * x + random().normal(0, 5, 12)
    ax = plot.regression(axes(), x, y, (at, 1.2 * at, 1.2 * at - wide, 1.2 * at + wide))
    ax.set(xlabel="increase of intra-audair (%)", ylabel="increase of I → audair (%)")
    return ax


def resemblance():
    """Draw how alike responses to four stimuli are, over three repeats."""
    found = np.clip(random().normal(0.6, 0.1, (3, 4)), -1, 1)
    shuffled = np.array([[-0.3] * 4, [0.3] * 4])
    return plot.resemblance(axes(3.6, 3.6), STIMULI, found, np.array([0.1, 0.2, 0.05, 0.3]), shuffled)
