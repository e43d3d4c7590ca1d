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
    mixed = np.logaddexp(*(sides[:, usable] - far + decoy.BEYOND * far + np.log(0.5)))
    judged = calibrated(sides, half, 0.1, usable)  # nobody is sure, so nobody is looked at
    np.testing.assert_allclose(judged, np.log(1 / 9) + mixed, atol=1e-9)
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


def few_and_strong(n, seed):
    """E connects many and weakly, I few and strongly; weak evidence for inhibition is never a synapse."""
    rng = np.random.default_rng(seed)
    kind = np.where(np.arange(n) < 0.8 * n, 1.0, -1.0)
    off = ~np.eye(n, dtype=bool)
    connected = (rng.uniform(size=(n, n)) < np.where(kind > 0, 0.08, 0.01)[:, None]) & off
    strength = np.where(kind > 0, 2.0, 12.0)[:, None]
    score = rng.normal(size=(n, n)) + strength * connected * rng.uniform(0.8, 1.2, (n, n)) * kind[:, None]
    weak, strong = (half_normal(sign * score, variance) for sign, variance in ((1, 4.0), (-1, 144.0)))
    return np.stack([weak, strong]), 1000 * kind, connected, off


def test_where_many_pairs_tell_the_offset_of_inhibition_may_be_far_off(monkeypatch):
    """The share of connections is that of E; of those that weak evidence says to inhibit none does."""
    sides, excitatory, connected, usable = few_and_strong(400, 1)
    kind = np.broadcast_to(excitatory[:, None] > 0, usable.shape)[usable]
    truth, off = connected[usable], []
    for tail in (decoy.TAIL, 1e9):
        monkeypatch.setattr(decoy, "TAIL", tail)
        told, evidence = called(sides, excitatory, usable, 0.065)
        doubtful = ~kind & (evidence > 0.5) & (evidence < 5)
        assert not truth[doubtful].any()
        off.append([told[doubtful].mean(), told[kind].mean() / truth[kind].mean() - 1])
    assert (np.array(off[0]) < 0.9 * np.array(off[1])).all()
    assert off[0][0] < 0.12


@pytest.mark.parametrize("far", [0.3, 3.0])
def test_the_prior_falls_as_its_gradient_says(far):
    at = far * np.random.default_rng(0).normal(size=len(decoy.KNOTS) + len(decoy.RISES) + 5)
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
