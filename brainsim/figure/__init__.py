"""The figures of a report: what is shown is computed here and drawn by :mod:`brainsim.plot`."""

from collections.abc import Iterator

from brainsim.comparison import Comparison
from brainsim.figure import activity, card, population
from brainsim.figure.panel import Picture


def pictures(comparison: Comparison) -> Iterator[Picture]:
    """Make every figure of a comparison, in the order of the report."""
    samples = comparison.aligned.samples
    yield card.report_card(comparison)
    if next(iter(samples.values())).frames > 1:
        yield activity.rasters(comparison)
        yield activity.traces(comparison)
    else:
        yield activity.trial_matrices(comparison)
    if any(sample.stimuli for sample in samples.values()):
        yield activity.responses(comparison)
    yield population.distributions(comparison)
    yield population.correlations(comparison)
    if next(iter(samples.values())).frames >= 8:
        yield population.temporal(comparison)
