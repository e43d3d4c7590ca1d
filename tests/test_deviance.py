"""Scores of few counts."""

import numpy as np
import pytest
from scipy import stats

from brainsim.deviance import Deviance

SINGLE = Deviance.of(np.eye(3)[:, :1])  # one lag, one kernel


def normal(score, expected, of=SINGLE):
    return of.normal(np.reshape(score, (-1, 1)), np.full((np.size(score), 1), float(expected)))[:, 0]


@pytest.mark.parametrize("expected", [0.1, 0.5, 2.0, 20.0])
def test_rare_counts_become_scores_as_rare_as_they_are(expected):
    found = stats.poisson.isf(1e-4, expected)
    score = (found - expected) / np.sqrt(expected)
    rare = stats.poisson.sf(found, expected) + stats.poisson.pmf(found, expected) / 2
    told = normal(score, expected)[0]
    assert told == pytest.approx(stats.norm.isf(rare), abs=0.3)
    assert score - told > 1.2 / (1 + expected)  # as it stood it was far too bold


@pytest.mark.parametrize("expected", [0.03, 0.4, 3.0, 1000.0])
def test_a_single_weight_gives_the_signed_root_of_the_deviance(expected):
    count = np.arange(0, 9) if expected < 100 else np.arange(700, 1400, 50)
    deviance = 2 * (stats.poisson.logpmf(count, np.maximum(count, 1e-12)) - stats.poisson.logpmf(count, expected))
    exact = np.sign(count - expected) * np.sqrt(deviance)
    told = normal((count - expected) / np.sqrt(expected), expected)
    np.testing.assert_allclose(told[count > 0], exact[count > 0], rtol=2e-3, atol=1e-3)
    np.testing.assert_allclose(told[count == 0], exact[count == 0], rtol=1e-2)  # the table has a corner there


@pytest.mark.parametrize("expected", [0.05, 0.5, 5.0])
def test_sums_of_weighted_counts_are_as_rare_as_normal_scores(expected):
    weight = np.concatenate([np.exp(-np.arange(20) / 5), np.full(60, -0.06)])  # a kernel, and its baseline
    weight /= np.linalg.norm(weight)
    counts = np.random.default_rng(1).poisson(expected, (200_000, 80))
    score = (counts - expected) @ weight / np.sqrt(expected)
    told = normal(score, expected, Deviance.of(weight[:, None]))
    for far in (2.0, 3.0):
        assert 0.5 < (told > far).mean() / stats.norm.sf(far) < 1.1
    assert (score > 3).mean() / stats.norm.sf(3) > 1.8  # as they stood
    assert told.mean() == pytest.approx(Deviance.of(weight[:, None]).middle(np.full((1, 1), expected))[0, 0], abs=0.06)


def test_many_counts_stay_as_they_are_and_their_order_always():
    score = np.linspace(-6, 12, 400)
    np.testing.assert_allclose(normal(score, 1e9), score, atol=1e-3)
    for expected in (1e4, 1.0, 0.015):
        assert (np.diff(normal(score, expected)) >= 0).all()
    mirrored = Deviance.of(-np.eye(3)[:, :1])
    np.testing.assert_allclose(normal(-score, 1.0, mirrored), -normal(score, 1.0), atol=1e-5)


def test_what_cannot_be_fewer_than_no_counts_is_no_count():
    assert normal(-9.0, 1.0) == pytest.approx(normal(-1.02, 1.0))
    assert normal(-9.0, 1.0) == pytest.approx(-np.sqrt(2), rel=1e-3)


def test_a_kernel_that_weighs_nothing_says_nothing():
    told = normal([-1.0, 0.0, 2.0], 1.0, Deviance.of(np.zeros((3, 1))))
    np.testing.assert_allclose(told, [-1, 0, 2], rtol=1e-4)
