"""Frames of a microscope: one sign against the other, and a pair against the others of its neurons."""

import warnings

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import average_precision_score

from brainsim.connectivity import infer
from brainsim.contrast import alike, contrasted, directed
from brainsim.recorded import Events

N, FRAME_S = 60, 0.02


@pytest.fixture
def sides():
    lean = np.random.default_rng(0).normal(0, 1, (N, N))
    return np.stack([-1 + lean / 2, -1 - lean / 2]).astype(np.float32)


@pytest.fixture
def usable():
    return ~np.eye(N, dtype=bool)


def test_one_sign_is_judged_against_the_other(sides, usable):
    found = contrasted(sides, usable)
    assert (found[0] == -found[1]).all()
    assert (found[:, ~usable] == 0).all()
    assert np.corrcoef(found[0][usable], (sides[0] - sides[1])[usable])[0, 1] > 0.98
    louder = contrasted(sides + np.float32(2), usable)  # both signs more probable: nothing for either
    np.testing.assert_allclose(louder, found, atol=1e-5)


def test_what_all_pairs_of_a_neuron_share_speaks_for_none(sides, usable):
    plain, lifted = contrasted(sides, usable), sides.copy()
    lifted[0, 5] += 3
    lifted[0, :, 7] += 3
    found = contrasted(lifted, usable)
    others = usable[5] & (np.arange(N) != 7)
    left = (found[0, 5] - plain[0, 5])[others].mean(), (found[0, :, 7] - plain[0, :, 7])[usable[:, 7]].mean()
    assert max(left) < 1.6, "of 3: shrunk by the weight of 40 pairs"
    wide = sides.copy()
    wide[:, :, 7] = -1 + 3 * (sides[:, :, 7] + 1)
    ratio = contrasted(wide, usable)[0, :, 7].std() / plain[0, :, 7].std()
    assert 1 < ratio < 1.9, "of 3"


def test_a_neuron_that_cannot_be_judged_and_few_neurons_are_no_trouble(sides, usable):
    usable[3] = usable[:, 3] = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = contrasted(sides, usable)
        few = contrasted(sides[:, :3, :3], ~np.eye(3, dtype=bool))
        assert (contrasted(np.full_like(sides, -1), usable) == 0).all()
    assert np.isfinite(found).all()
    assert (found[:, 3] == 0).all()
    assert (found[:, :, 3] == 0).all()
    assert np.isfinite(few).all()


@pytest.mark.parametrize("same", [0.0, 0.4, 1.0])
def test_both_directions_of_a_pair_are_judged_together(same):
    """The probability of a connection, summed over the four ways in which a pair may be connected."""
    evidence, share = np.random.default_rng(2).normal(0, 3, (6, 6)), 0.15
    found = expit(directed(evidence, share, same))
    for i in range(6):
        for j in range(6):
            one, other = evidence[i, j], evidence[j, i]
            less = max(min(one, other), 0)
            ways = {(0, 0): 0.0, (1, 0): one, (0, 1): other, (1, 1): one + other - same * less}
            weight = {
                way: np.exp(told) * share ** sum(way) * (1 - share) ** (2 - sum(way)) for way, told in ways.items()
            }
            ahead = sum(part for way, part in weight.items() if way[0])
            assert found[i, j] == pytest.approx(ahead / sum(weight.values()))


def test_a_coupled_pair_whose_direction_is_not_seen_is_connected_one_way_or_the_other():
    evidence = np.zeros((4, 4))
    evidence[0, 1] = evidence[1, 0] = evidence[2, 3] = 9.0
    told = expit(directed(evidence, 0.1, 1.0))
    assert told[0, 1] == told[1, 0] == pytest.approx(0.526, abs=0.002)  # 1 / (2 - .1)
    assert told[2, 3] > 0.99
    assert told[3, 2] == pytest.approx(0.1, abs=0.01), "what the other direction does is no evidence"
    alone = expit(directed(evidence, 0.1, 0.0))
    assert alone[0, 1] > 0.99, "both are seen, each by its own evidence"
    assert expit(directed(np.zeros((4, 4)), 0.1, 0.5)) == pytest.approx(np.full((4, 4), 0.1))


def test_how_much_both_directions_say_the_same(usable):
    rng = np.random.default_rng(5)
    own, shared = rng.normal(size=(2, N, N))
    assert alike(own, usable) < 0.06
    assert alike(shared + shared.T, usable) == pytest.approx(1)
    assert 0.4 < alike(shared + shared.T + own, usable) < 0.8
    assert alike(shared - shared.T, usable) == 0, "not below 0"
    assert alike(np.zeros((N, N)), usable) == 0, "nothing is seen"
    assert alike(own[:3, :3], ~np.eye(3, dtype=bool)) == 0, "six pairs do not tell"


def bursting(seed):
    """Counts in frames: every tenth pair connected, a fifth of the neurons inhibits, bursts reach all, some more."""
    rng = np.random.default_rng(seed)
    excites = np.arange(N) < 48
    weight = np.where(rng.random((N, N)) < 0.1, rng.lognormal(0, 0.5, (N, N)), 0) * np.where(excites, 1, -2)[:, None]
    np.fill_diagonal(weight, 0)
    burst = np.repeat(rng.random(1500) < 0.15, 20)
    reached, counts = rng.lognormal(0, 0.6, N), np.zeros((30000, N))
    for t in range(2, len(counts)):
        rate = 0.04 + 0.05 * burst[t] * reached + 0.01 * (counts[t - 1] + counts[t - 2]) @ weight
        counts[t] = rng.poisson(np.clip(rate, 0, 2))
    return counts, weight, excites


def test_synapses_and_types_are_seen_behind_bursts():
    counts, weight, excites = bursting(1)
    frame, source = np.nonzero(counts)
    found = infer(Events.of(source, frame, counts[frame, source], N), len(counts), FRAME_S)
    off = ~np.eye(N, dtype=bool)
    assert average_precision_score((weight != 0)[off], found.judgement.evidence[off]) > 0.6
    odds = found.judgement.excitatory
    assert ((odds > 0) == excites).mean() > 0.9
    wrong = ((odds > np.log(9)) & ~excites) | ((odds < -np.log(9)) & excites)
    assert wrong.mean() < 0.05
