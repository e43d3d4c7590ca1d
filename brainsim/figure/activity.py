"""Figures of activity: rasters, traces, trials, responses."""

from collections.abc import Iterator

import numpy as np

from brainsim import plot
from brainsim.comparison import Comparison
from brainsim.evidence import Sample
from brainsim.figure.panel import Picture, limits, order, panels
from brainsim.missing import mean

SHOWN_TRIALS = 6
SHOWN_NEURONS = 8


def _chosen(sample: Sample, stimuli: list[str]) -> Sample:
    """Return a few trials, one of each stimulus in turn."""
    chosen: list[int] = []
    for turn in range(SHOWN_TRIALS):
        for name in stimuli or [""]:
            trials = np.flatnonzero(sample.where(name)) if stimuli and sample.stimuli else np.arange(len(sample))
            place = turn if stimuli and sample.stimuli else len(chosen)
            chosen += [int(trials[place])] if place < len(trials) and len(chosen) < SHOWN_TRIALS else []
    return sample.take(np.array(chosen, int))


def _stretches(comparison: Comparison) -> Iterator[tuple[str, Sample, list[float]]]:
    """Give a few trials of each recording, and where each begins and ends [s]."""
    samples = comparison.aligned.samples
    stimuli = next(iter(samples.values())).stimuli
    for name, sample in samples.items():
        few = _chosen(sample, stimuli)
        yield name, few, [trial * few.frames / few.rate for trial in range(len(few) + 1)]


def rasters(comparison: Comparison) -> Picture:
    """Draw events of a few trials."""
    figure, grid = panels(comparison, 4.2, pad=22)
    colors = plot.source_colors(comparison.aligned.samples)
    for ax, (name, few, edges) in zip(grid[0], _stretches(comparison), strict=True):
        if few.event is None:
            plot.blank(ax, "no events")
            continue
        plot.raster(ax, few.event.reshape(-1, few.event.shape[2]), edges[-1], colors[name])
        plot.trial_marks(ax, edges, [str(label) for label in few.labels])
    for ax in grid[0][1:]:
        ax.set_yticklabels([])
    grid[0][0].set_ylabel("neuron")
    caption = "One trial of each stimulus, joined; a tick: inferred spikes exceed the threshold. "
    return Picture("raster", "Rasters", caption + "Deconvolution and threshold are the same everywhere.", figure)


def traces(comparison: Comparison) -> Picture:
    """Draw traces of a few neurons in a few trials."""
    aligned = comparison.aligned
    figure, grid = panels(comparison, 4.2, pad=22)
    reference = next(iter(aligned.samples.values()))
    spread = np.nan_to_num(np.sqrt(mean(mean((reference.trace - mean(reference.trace, 1)[:, None]) ** 2, 1), 0)))
    neurons = np.sort(np.argsort(-spread)[:SHOWN_NEURONS])
    spacing = _rounded(4 * float(np.median(spread[neurons])) or 1.0)
    colors = plot.source_colors(aligned.samples)
    for ax, (name, few, edges) in zip(grid[0], _stretches(comparison), strict=True):
        plot.traces(ax, few.trace.reshape(-1, few.trace.shape[2])[:, neurons], edges[-1], spacing, colors[name])
        plot.trial_marks(ax, edges, [str(label) for label in few.labels])
    unit = "spikes" if aligned.variable == "spikes" else aligned.units
    plot.scale_bar(grid[0][-1], spacing, f"{spacing:g} {plot.plain(unit)}")
    grid[0][0].set_yticks(-np.arange(len(neurons)) * spacing, [plot.plain(aligned.neuron[i], 10) for i in neurons])
    grid[0][0].set_ylabel("neuron")
    caption = f"The same trials: {aligned.variable} of the {len(neurons)} neurons that vary most, one scale for all."
    return Picture("traces", "Calcium traces" if aligned.variable == "calcium" else "Spikes per frame", caption, figure)


def _rounded(value: float) -> float:
    """Return the nearest number with one digit."""
    return float(f"{value:.0e}")


def trial_matrices(comparison: Comparison) -> Picture:
    """Draw every trial of every neuron, where a trial has one frame."""
    figure, grid = panels(comparison, 4.2)
    samples = comparison.aligned.samples
    arranged = order(next(iter(samples.values())).activity)
    ends = limits(next(iter(samples.values())).activity)
    for ax, sample in zip(grid[0], samples.values(), strict=True):
        rows = np.argsort(sample.labels, kind="stable")
        plot.heatmap(ax, sample.activity[rows][:, arranged].T, ends)
        ax.set_xlabel("trial, by stimulus")
        ax.set_yticks([])
    grid[0][0].set_ylabel("neuron")
    figure.colorbar(grid[0][0].images[0], ax=grid[0], label=plot.plain(comparison.aligned.units), fraction=0.02)
    return Picture(
        "trials",
        "Activity, trial by trial",
        "Every trial of every neuron; neurons in the same order everywhere.",
        figure,
    )


def responses(comparison: Comparison) -> Picture:
    """Draw the mean response of each neuron to each stimulus."""
    figure, grid = panels(comparison, 4.6)
    samples = comparison.aligned.samples
    reference = next(sample for sample in samples.values() if sample.stimuli)
    arranged = np.lexsort((-np.nan_to_num(reference.class_mean).max(0), np.nan_to_num(reference.class_mean).argmax(0)))
    ends = limits(reference.class_mean)
    for ax, sample in zip(grid[0], samples.values(), strict=True):
        if not sample.stimuli:
            plot.blank(ax, "no stimuli")
            continue
        drawn = plot.responses(ax, sample.class_mean[:, arranged], sample.stimuli, ends)
        ax.set_yticks([])
    grid[0][0].set_ylabel("neuron, by preferred stimulus")
    figure.colorbar(drawn.images[0], ax=grid[0], label=plot.plain(f"mean {comparison.aligned.units}"), fraction=0.02)
    caption = "Mean response of each neuron (row) to each stimulus; rows are in the recording's order."
    return Picture("response", "Mean response to each stimulus", caption, figure)
