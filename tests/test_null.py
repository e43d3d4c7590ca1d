"""What unconnected pairs look like, learned with connected ones among them."""

import numpy as np
import pytest

from brainsim.null import Null, weighted_median
from brainsim.posterior import learned


def mixed(neurons, share, seed=0, mean=1.7, lift=0.0):
    """Scores of one kernel, (pre, post, 1), of which a share is connected with strengths that are alike; the truth."""
    rng = np.random.default_rng(seed)
    connected = (rng.random((neurons, neurons)) < share) & ~np.eye(neurons, dtype=bool)
    score = rng.normal(size=connected.shape) + lift + mean * connected
    return score[:, :, None].astype(np.float32), connected


def test_a_weighted_median_counts_a_row_as_often_as_it_weighs():
    rng = np.random.default_rng(0)
    values, often = rng.normal(size=(101, 3)), rng.integers(0, 5, 101)
    often[np.argmax(often)] += 1 - often.sum() % 2  # an odd number of rows has one in the middle
    found = weighted_median(values, often.astype(float))
    np.testing.assert_array_equal(found, np.median(np.repeat(values, often, axis=0), axis=0))


@pytest.mark.parametrize("lift", [0.0, 0.5])
def test_the_null_is_that_of_unconnected_pairs(lift):
    score, connected = mixed(100, 0.2, lift=lift)
    usable = ~np.eye(100, dtype=bool)
    first = Null.of(score[usable].astype(float), 100)
    assert first.spread[0] > 1.2, "a fifth of all pairs makes all look wider"
    found = first.relearned(score, (usable & ~connected).astype(float), slice(None), int(usable.sum()))
    assert found.spread[0] == pytest.approx(1, abs=0.06)
    assert found.middle[0] == pytest.approx(lift, abs=0.1)


def test_few_pairs_hardly_change_the_null():
    score, connected = mixed(12, 0.2)
    usable = ~np.eye(12, dtype=bool)
    first = Null.of(score[usable].astype(float), 12)
    found = first.relearned(score, (usable & ~connected).astype(float), slice(None), int(usable.sum()))
    assert abs(np.log(found.spread[0] / first.spread[0])) < 0.1
    assert abs(found.middle[0] - first.middle[0]) < 0.1


def test_as_many_are_connected_as_are():
    """Strengths that are all alike, and a null without the connected pairs: half of them were missed before."""
    score, connected = mixed(100, 0.2, mean=2.5)
    usable = ~np.eye(100, dtype=bool)
    first = Null.of(score[usable].astype(float), 100)
    null, groups = learned(score, first, usable, slice(None), np.full(100, 50.0))
    assert null.spread[0] < 1.15 < first.spread[0]
    assert groups.share == pytest.approx(connected.sum() / usable.sum(), abs=0.04)
    assert groups.any > 0


def test_where_nothing_is_connected_the_null_stays():
    score, _ = mixed(100, 0.0)
    usable = ~np.eye(100, dtype=bool)
    first = Null.of(score[usable].astype(float), 100)
    null, groups = learned(score, first, usable, slice(None), np.full(100, np.log(4.0)))
    assert null is first
    assert groups.any < 0


def test_where_everybody_is_connected_the_null_stays():
    score, _ = mixed(12, 1.0, mean=60.0)
    usable = ~np.eye(12, dtype=bool)
    first = Null.of(score[usable].astype(float), 12)
    assert first.relearned(score, np.zeros((12, 12)), slice(None), int(usable.sum())) is first
    null, groups = learned(score, first, usable, slice(None), np.full(12, np.log(4.0)))
    assert np.isfinite(null.spread).all()
    assert np.isfinite(groups.share)
