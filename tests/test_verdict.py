"""The verdict says so when the recording has too few trials to tell anything apart."""

import dataclasses

from brainsim import catalog, verdict
from brainsim.yardstick import Score

STATISTICS = {name: kind() for name, kind in catalog.entries("statistic").items()}


def scores(error: float) -> dict[str, Score]:
    """Return a card without a miss; the independent Gaussian has no noise correlations and a forest sees it."""
    blank = {name: Score(None, why="not needed here") for name in STATISTICS}
    gaussian = {"independent Gaussian": 0.0}
    return blank | {
        "noise_correlation_r": Score(0.7, 0.75, rivals=gaussian, error=error),
        "c2st_forest": Score(0.52, 0.5, rivals={"independent Gaussian": 0.9}, error=error),
        "nn_ratio": Score(1.0, 1.0),
        "copy_share": Score(0.05, 0.05),
    }


def test_with_enough_trials_it_is_indistinguishable():
    assert verdict.conclude(scores(0.02), STATISTICS).startswith("indistinguishable from held-out recorded trials")


def test_where_an_independent_gaussian_passes_nothing_is_claimed():
    assert verdict.conclude(scores(0.3), STATISTICS).startswith("too few trials to tell")


def test_one_metric_that_rejects_the_gaussian_is_enough():
    few = scores(0.3)
    few["noise_correlation_r"] = dataclasses.replace(few["noise_correlation_r"], error=0.02)
    assert verdict.conclude(few, STATISTICS).startswith("indistinguishable")
