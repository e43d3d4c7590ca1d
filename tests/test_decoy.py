"""Probabilities against decoys of the wrong sign."""

import numpy as np
import pytest
from scipy.special import expit, log_ndtr

from brainsim import decoy
from brainsim.decoy import calibrated


def made_up(n, share, boldness, seed=0, lift=0.0):
    """Evidence of a network whose truth is known, `boldness` times as strong as it should be, and the truth."""
    rng = np.random.default_rng(seed)
    kind = np.where(np.arange(n) < 0.7 * n, 1.0, -1.0)
    connected = (rng.uniform(size=(n, n)) < share) & ~np.eye(n, dtype=bool)
    score = rng.normal(size=(n, n)) + lift + 5 * connected * np.abs(rng.normal(size=(n, n))) * kind[:, None]
    sides = np.stack([half_normal(score), half_normal(-score)])
    return boldness * sides, 1000 * kind, connected, ~np.eye(n, dtype=bool)


def half_normal(score, variance=25.0):
    """Log ratio of a half-normal effect of that variance and none, under noise of variance 1."""
    part = variance / (1 + variance)
    return score**2 * part / 2 - np.log1p(variance) / 2 + np.log(2) + log_ndtr(score * np.sqrt(part))


def called(sides, excitatory, usable, share):
    evidence = np.where(excitatory[:, None] > 0, sides[0], sides[1])[usable]
    return expit(calibrated(sides, excitatory, share, usable)), evidence


@pytest.mark.parametrize("boldness", [0.4, 1.0, 2.5])
def test_probabilities_hold_however_bold_the_evidence(boldness):
    sides, excitatory, connected, usable = made_up(100, 0.1, boldness)
    probability, evidence = called(sides, excitatory, usable, 0.1)
    naive = expit(np.log(1 / 9) + evidence)
    truth = connected[usable]
    for low, high in ((0.0, 0.1), (0.1, 0.5), (0.5, 0.9), (0.9, 1.0)):
        here = (probability >= low) & (probability <= high)
        assert abs(probability[here].mean() - truth[here].mean()) < 0.12
    if boldness != 1.0:
        assert np.mean((probability - truth) ** 2) < np.mean((naive - truth) ** 2)


def test_more_evidence_is_never_less_probable():
    sides, excitatory, _, usable = made_up(40, 0.1, 2.0)
    probability, evidence = called(sides, excitatory, usable, 0.1)
    kind = np.broadcast_to(excitatory[:, None] > 0, usable.shape)[usable]
    for its in (kind, ~kind):
        assert (np.diff(probability[its][np.argsort(evidence[its])]) >= 0).all()


def test_nothing_but_common_input_is_not_called():
    sides, excitatory, _, usable = made_up(100, 0.0, 1.0, lift=0.5)
    probability, evidence = called(sides, excitatory, usable, 0.05)
    assert (probability > 0.5).sum() < (expit(np.log(0.05 / 0.95) + evidence) > 0.5).sum() / 2


def test_without_neurons_of_known_type_the_model_stands():
    sides, excitatory, _, usable = made_up(30, 0.1, 2.0)
    half, none = np.zeros_like(excitatory), np.zeros_like(usable)
    far = np.maximum(sides[:, usable] - decoy.MOST_EVIDENCE, 0)
    assert far.any(), "some evidence is beyond what counts in full"
    both, pairs = np.array([decoy.SLOPES, decoy.SLOPES_ALIKE]), usable.sum()
    assert (both[:, [0, 3, 4]] == 1).all(), (
        "only the odds of weak and middling evidence are expected to grow more slowly"
    )
    assert (both[0] <= both[1]).all()
    assert decoy.OFFSET > decoy.OFFSET_ALIKE
    slower = [np.clip(sides[:, usable], *ends) - ends[0] for ends in (decoy.KNOTS[:2], decoy.KNOTS[1:3])]
    for broad in (np.ones(2), np.array([0.8, 0.3])):
        slope = broad[:, None] * both[0] + (1 - broad[:, None]) * both[1]
        weak = (1 - slope[:, 1:2]) * slower[0] + (1 - slope[:, 2:3]) * slower[1]
        offset = (broad * decoy.OFFSET + (1 - broad) * decoy.OFFSET_ALIKE) * pairs / (pairs + decoy.LEARNED)
        each = sides[:, usable] - far + decoy.BEYOND * far - weak + np.log(1 / 9) + offset[:, None]
        judged = calibrated(sides, half, 0.1, usable, broad=broad)  # nobody is sure, so nobody is looked at
        np.testing.assert_allclose(judged, np.logaddexp(*(each + np.log(0.5))), atol=1e-9)
    np.testing.assert_array_equal(
        calibrated(sides, half, 0.1, usable), calibrated(sides, half, 0.1, usable, broad=np.ones(2))
    )
    assert calibrated(sides, half, 0.1, none).shape == (0,)


def test_one_type_may_have_more_synapses_than_the_other():
    off = []
    for seed in range(6):
        sides, excitatory, connected, usable = made_up(100, 0.1, 1.0, seed=10 * seed)
        chosen = np.random.default_rng(1 + seed).uniform(size=connected.shape) < 0.9
        few = (excitatory < 0)[:, None] & connected & chosen
        other, _, _, _ = made_up(100, 0.0, 1.0, seed=10 * seed + 2)
        sides, connected = np.where(few, other, sides), connected & ~few
        probability, _ = called(sides, excitatory, usable, 0.07)
        kind = np.broadcast_to(excitatory[:, None] > 0, usable.shape)[usable]
        off.append([probability[its].mean() - connected[usable][its].mean() for its in (kind, ~kind)])
    assert np.abs(np.mean(off, 0)).max() < 0.02


def test_noise_has_no_sign():
    """Synapses of E are weak and those of the few I strong: noise looks like excitation and seldom like inhibition."""
    off = {True: [], False: []}
    for seed in range(4):
        rng = np.random.default_rng(seed)
        kind, pairs = np.where(np.arange(100) < 97, 1.0, -1.0), ~np.eye(100, dtype=bool)
        connected = (rng.uniform(size=pairs.shape) < 0.1) & pairs
        strength = np.where(kind > 0, 2.0, 9.0)[:, None]
        score = rng.normal(size=pairs.shape) + strength * connected * rng.uniform(0.8, 1.2, pairs.shape) * kind[:, None]

        def sides(score):
            return np.stack([half_normal(score, 4.0), half_normal(-score, 81.0)])

        mirrored = sides(-score)[:, :, ::2]
        for given in (mirrored, None):
            judged = calibrated(sides(score), 1000 * kind, 0.06, pairs, None, given)
            told, truth = expit(judged), connected[pairs]
            middle = (told > 0.1) & (told < 0.9)
            off[given is None].append(abs(told[middle].mean() - truth[middle].mean()))
    assert np.mean(off[False]) < 0.05
    assert np.mean(off[False]) < 0.7 * np.mean(off[True])


def test_pairs_as_sure_as_can_be_tell_nothing_of_others():
    """Hundreds of strong inhibitory synapses do not make those of E, of which none is as strong, more probable."""
    sides, excitatory, _, usable = made_up(60, 0.1, 1.0)
    strong = (excitatory < 0)[:, None] & usable & (np.arange(60) % 2 == 0)
    told = [
        calibrated(np.where(strong, size * np.array([-1.0, 1.0])[:, None, None], sides), excitatory, 0.1, usable)
        for size in (15.0, 300.0)
    ]
    weak = ~strong[usable]
    np.testing.assert_allclose(told[0][weak], told[1][weak], atol=1e-6)


@pytest.mark.parametrize("far", [0.3, 3.0])
def test_the_prior_falls_as_its_gradient_says(far):
    at = far * np.random.default_rng(0).normal(size=sum(decoy.SIZES))
    value, slope = decoy._cost(at)
    step = 1e-6 * np.eye(len(at))
    found = [(decoy._cost(at + each)[0] - decoy._cost(at - each)[0]) / 2e-6 for each in step]
    np.testing.assert_allclose(slope, found, rtol=1e-5, atol=1e-6)
    assert value > 0


def test_neurons_that_fire_more_show_more_of_everything():
    """Unconnected pairs of busy inhibitory neurons look like excitation; those of E do so as their spikes let them."""
    off = {True: [], False: []}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        sides, excitatory, connected, usable = made_up(100, 0.1, 1.0, seed=seed)
        busy = (excitatory < 0)[:, None] & ~connected & usable
        score = 1.6 * rng.normal(size=busy.shape) + 0.8
        more = np.stack([half_normal(score), half_normal(-score)])
        sides = np.where(busy, more, sides)
        spikes = np.where(excitatory < 0, 3.0, 1.0) * 1000
        kind = np.broadcast_to(excitatory[:, None] > 0, usable.shape)[usable]
        for known in (True, False):
            probability = expit(calibrated(sides, excitatory, 0.1, usable, spikes if known else None))
            off[known].append(probability[kind].mean() - connected[usable][kind].mean())
    assert abs(np.mean(off[True])) < abs(np.mean(off[False]))
    assert abs(np.mean(off[True])) < 0.04
