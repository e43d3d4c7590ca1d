import numpy as np
import pytest
from scipy import stats

from brainsim.confound import unskewed


@pytest.mark.parametrize("expected", [0.1, 0.5, 2.0, 20.0])
def test_rare_counts_become_scores_as_rare_as_they_are(expected):
    found = stats.poisson.isf(1e-4, expected)
    score = (found - expected) / np.sqrt(expected)
    rare = stats.poisson.sf(found, expected) + stats.poisson.pmf(found, expected) / 2
    normal = unskewed(np.array([score]), np.array([1 / np.sqrt(expected)]))[0]
    assert normal == pytest.approx(stats.norm.isf(rare), abs=0.3)
    assert score - normal > 1.2 / (1 + expected)  # as it stood it was far too bold


def test_scores_without_skewness_stay_and_their_order_always():
    score = np.linspace(-6, 12, 400)
    assert np.allclose(unskewed(score, np.zeros(400)), score)
    for skewness in (0.01, 1.0, 8.0):
        assert (np.diff(unskewed(score, np.full(400, skewness))) >= 0).all()
        assert np.allclose(unskewed(-score, np.full(400, -skewness)), -unskewed(score, np.full(400, skewness)))


def test_what_cannot_be_fewer_than_no_counts_is_no_count():
    assert unskewed(np.array([-9.0]), np.array([1.0])) == pytest.approx(unskewed(np.array([-1.0]), np.array([1.0])))
