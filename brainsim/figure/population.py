"""Figures of the population: rates, counts, correlations, temporal structure."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from brainsim import plot
from brainsim.comparison import Comparison
from brainsim.figure.panel import Picture, edges, finite, order, panels
from brainsim.missing import Floats, correlation, mean
from brainsim.statistic.autocorrelation_rmse import autocorrelation, lagged_products
from brainsim.statistic.population_count_kl import population_count
from brainsim.statistic.psd_rmse import power


def distributions(comparison: Comparison) -> Picture:
    """Draw the distributions of rates and population counts."""
    samples = comparison.aligned.samples
    figure = Figure(figsize=(7.5, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    colors = plot.source_colors(samples)
    rates = {name: finite(mean(sample.event_rate, 0)) for name, sample in samples.items()}
    counts = {name: finite(population_count(sample).ravel()) for name, sample in samples.items()}
    timed = next(iter(samples.values())).event is not None
    plot.histograms(left, rates, edges(rates), colors)
    plot.histograms(right, counts, edges(counts, whole=timed), colors)
    left.set(
        xlabel="mean event rate (Hz)" if timed else plot.plain(f"mean activity ({comparison.aligned.units})", 40),
        ylabel="share of neurons",
    )
    right.set(
        xlabel="neurons active in a frame" if timed else "activity summed over neurons",
        ylabel="share of frames" if timed else "share of trials",
    )
    right.get_legend().remove()
    return Picture(
        "distribution",
        "Rates and population counts",
        "Left: mean rate of each neuron. Right: how many neurons are active at once.",
        figure,
    )


def correlations(comparison: Comparison) -> Picture:
    """Draw noise and signal correlations."""
    samples = comparison.aligned.samples
    stimuli = any(sample.stimuli for sample in samples.values())
    figure, grid = panels(comparison, 6.0 if stimuli else 3.4, 2 if stimuli else 1)
    arranged = order(next(iter(samples.values())).residual)
    square = np.ix_(arranged, arranged)
    noise = [correlation(sample.residual)[square] for sample in samples.values()]
    known = finite(np.abs(noise[0][np.triu_indices(len(arranged), 1)]))
    limit = max(0.1, float(np.quantile(known, 0.98))) if len(known) else 1.0
    _row(figure, grid[0], noise, limit)
    grid[0][0].set_ylabel("noise correlations" if stimuli else "correlations")
    if stimuli:
        _row(
            figure,
            grid[1],
            [correlation(s.class_mean)[square] if len(s.stimuli) > 2 else None for s in samples.values()],
            1.0,
        )
        grid[1][0].set_ylabel("signal correlations")
    caption = (
        "Same order of neurons everywhere, clustered by the recording's noise correlations; one colour scale a row."
    )
    return Picture("correlation", "Correlations", caption, figure)


def _row(figure: Figure, row: list[Axes], matrices: Sequence[Floats | None], limit: float) -> None:
    """Draw one matrix for each recording, with one colour bar."""
    drawn = []
    for ax, values in zip(row, matrices, strict=True):
        if values is None:
            plot.blank(ax, "fewer than three stimuli")
        else:
            drawn.append(plot.matrix(ax, values, limit))
    if drawn:
        figure.colorbar(drawn[0].images[0], ax=row, label="Pearson's r", fraction=0.03)


def temporal(comparison: Comparison) -> Picture:
    """Draw autocorrelation and power spectrum."""
    samples = comparison.aligned.samples
    colors = plot.source_colors(samples)
    first = next(iter(samples.values()))
    lags = min(first.frames // 2, 20)
    figure = Figure(figsize=(7.5, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    across = {name: mean(autocorrelation(lagged_products(sample, lags)), 1) for name, sample in samples.items()}
    plot.curves(left, np.arange(1, lags + 1) / first.rate, across, colors)
    left.axhline(0, color="#bbbbbb", linewidth=0.6, zorder=0)
    left.set(xlabel="lag (s)", ylabel="autocorrelation", xlim=(0, (lags + 0.5) / first.rate))
    plot.curves(right, power(first)[0], {name: mean(mean(power(s)[1], 0), 1) for name, s in samples.items()}, colors)
    right.set(xlabel="frequency (Hz)", ylabel=plot.plain(f"power ({comparison.aligned.units})²/Hz", 40), yscale="log")
    right.get_legend().remove()
    return Picture("temporal", "Temporal structure", "Means over neurons.", figure)
