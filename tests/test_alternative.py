"""Hidden input and the other direction of a pair, against synapses."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.metrics import log_loss

from brainsim.connectivity import infer
from brainsim.hidden_peak import JITTER, Expected, Peaks
from brainsim.kernel import lags
from brainsim.posterior import Groups, groups_of, view
from brainsim.recorded import Events
from brainsim.strength import (
    ALIKE,
    FURTHEST,
    GROWS,
    HALF_NORMAL,
    HIGHEST,
    LEVEL,
    SPREAD,
    USUALLY,
    Strength,
    levels,
    likelihood_ratio,
    visible,
)

BIN = 0.001
GRID = lags(BIN)
SYNAPSES, PEAKS, BACK = GRID.kinds
HIDDEN = Peaks.all()


def exact(score, weight, larger=1.0):
    """The log ratio of an effect under noise of variance 1, by integration over its size; strengths are `larger`."""
    size = np.linspace(0, 400, 400_001)
    step = np.full(len(size), size[1])
    step[0] /= 2
    variances = larger**2 * np.array(HALF_NORMAL)
    priors = [-(size**2) / (2 * variance) + 0.5 * np.log(2 / (np.pi * variance)) for variance in variances]
    for mean in larger * np.array(ALIKE):
        scale = SPREAD * mean
        priors.append(norm.logpdf(size, mean, scale) - norm.logcdf(mean / scale))
    return logsumexp([logsumexp(prior + score * size - size**2 / 2, b=step) for prior in priors], b=weight)


KINDS = np.repeat([0, 1], [len(HALF_NORMAL), len(ALIKE)])


@pytest.mark.parametrize("score", [-50.0, -8.0, -0.31, 0.0, 2.5, 17.003, FURTHEST - 1e-3, FURTHEST + 5, 200.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("kinds", [[0], [0, 1]])
def test_the_table_has_the_ratios_of_effects(score, sign, kinds):
    weight = np.linspace(0.4, 0.1, len(KINDS)) * np.isin(KINDS, kinds)
    found = Strength(sign, weight / weight.sum()).log_ratio(np.array([sign * score], np.float32))[0]
    assert found == pytest.approx(exact(score, weight / weight.sum()), rel=1e-5, abs=2e-3)


@pytest.mark.parametrize("score", [-50.0, -0.31, 2.5, 17.003, FURTHEST + 5])
def test_strengths_are_larger_where_neurons_fire_more(score):
    weight, at = np.linspace(0.4, 0.1, len(KINDS)), np.array([0, -7, 5, HIGHEST], np.int8)
    weight /= weight.sum()
    found = Strength(1.0, weight).log_ratio(np.full((4, 2), score, np.float32), at)
    for k, level in enumerate(at.tolist()):
        np.testing.assert_allclose(found[k], exact(score, weight, LEVEL**level), rtol=1e-5, atol=2e-3)
    one = Strength(1.0, weight).log_ratio(np.full(2, score, np.float32))
    np.testing.assert_array_equal(one, found[0])


def test_levels_follow_the_product_of_the_spikes():
    spikes = np.array([100.0, 400.0, 6400.0, 1600.0, 0.0])
    each = visible(spikes)
    mean = np.exp(np.log(spikes[:4]).mean())
    wanted = (np.outer(spikes, spikes)[:4, :4] / mean**2) ** GROWS
    near = np.abs(np.log(LEVEL ** levels(each, each)[:4, :4].astype(float) / wanted)) / np.log(LEVEL)
    assert near.max() <= 0.5 + 1e-9, "the nearest level"
    assert levels(each, each).min() == -HIGHEST, "a silent neuron has the lowest"
    np.testing.assert_array_equal(levels(each[1:3], each), levels(each, each)[1:3])
    np.testing.assert_array_equal(visible(np.zeros(3)), 0)


def test_what_neurons_fire_tells_how_large_their_scores_are():
    """A score of 3 is much for two neurons that hardly fire and little for two that fire much."""
    rng, n = np.random.default_rng(0), 100
    lift, usable = rng.uniform(-6, 6, n), ~np.eye(100, dtype=bool)
    level = levels(lift, lift)
    connected = (rng.uniform(size=(n, n)) < 0.1) & usable
    score = rng.normal(size=(n, n)) + 4 * connected * LEVEL ** level.astype(float) * rng.uniform(0.7, 1.3, (n, n))
    told = {}
    for name, each in (("with", level), ("without", None)):
        seen = view(score, usable, np.full(n, np.log(4.0)), each)
        odds = np.log(seen.share / (1 - seen.share)) + seen.sides[0][usable]
        told[name] = log_loss(connected[usable], 1 / (1 + np.exp(-odds.astype(float))))
    assert told["with"] < 0.9 * told["without"]


def test_ratios_of_single_strengths_are_over_the_largest_of_their_pair():
    score = np.array([[0.5, -3.0], [300.0, 2.0], [-1.0, 0.0]], np.float32)
    values, scale = likelihood_ratio(score, 1.0)
    assert values.shape == (3, 2 * len(USUALLY))
    assert values.dtype == np.float32
    np.testing.assert_allclose(values.max(1), 1)
    single = np.log(values[0].astype(float)) + scale[0]
    wanted = [exact(z, np.eye(len(USUALLY))[k]) for z in score[0].astype(float) for k in range(len(USUALLY))]
    np.testing.assert_allclose(single, wanted, atol=2e-3)
    assert np.isfinite(scale).all()
    assert values[1, -1] == 0  # 45 000 nats less


def test_common_input_rises_as_it_decays_and_a_synapse_does_not():
    for k in np.flatnonzero(~HIDDEN.path):
        middle = HIDDEN.at[k]
        reach = min(15, GRID.longest - abs(middle))
        around = GRID.hidden[GRID.longest + middle - reach : GRID.longest + middle + reach + 1, k]
        np.testing.assert_allclose(around, around[::-1], atol=1e-9)
    slow = np.flatnonzero((GRID.tau == 8) & (GRID.delay == 10))[0]
    assert GRID.kernel[10 - 5, slow] < 0.01 < 0.5 < GRID.kernel[10 + 4, slow]
    assert lags(0.1).kinds[1:] == (0, 0), "frames tell nothing of it"


def test_a_path_is_two_synapses_after_each_other():
    """It begins after both delays, rises more slowly than a synapse and falls more slowly than it rises."""
    k = np.flatnonzero(HIDDEN.path & (HIDDEN.at == 9))[0]
    lag = np.arange(400.0) / 10
    one = np.exp(-lag / HIDDEN.tau[k])
    sharp = np.interp(np.arange(-60, 61) - 9.0, lag, np.convolve(one, one)[: len(lag)], left=0)
    wanted = gaussian_filter1d(sharp, np.sqrt(2) * JITTER)
    found = GRID.hidden[:, k]
    np.testing.assert_allclose(found / found.sum(), wanted / wanted.sum(), atol=0.01)
    top = found.argmax()
    assert found[top - 4] < found[top + 4]


def test_hidden_neurons_are_expected_where_synapses_like_those_seen_put_their_peaks():
    often = np.zeros(SYNAPSES)
    often[kernel(1, 4)], often[kernel(1, 10)] = 0.75, 0.25
    found = GRID.expected.of(often)
    common, path = ~HIDDEN.path & (HIDDEN.tau == 1), HIDDEN.path
    at = {int(HIDDEN.at[k]): found[k] for k in np.flatnonzero(common)}
    assert at[0] == pytest.approx(0.5 * (0.75**2 + 0.25**2))
    assert at[6] == pytest.approx(0.5 * 0.75 * 0.25), "one of them reaches its neuron 6 bins later"
    along = {int(HIDDEN.at[k]): found[k] for k in np.flatnonzero(path)}
    assert along[8] == pytest.approx(0.5 * 0.75**2)
    assert along[14] == pytest.approx(0.5 * 2 * 0.75 * 0.25)
    assert along[20] == pytest.approx(0.5 * 0.25**2)
    assert found.sum() == pytest.approx(1 - 0.5 * 0.75 * 0.25), "what lies far on the other side is left out"


def test_slow_paths_are_late_and_look_like_common_input():
    often = np.zeros(SYNAPSES)
    often[kernel(8, 2)] = 1.0
    found = Expected(HIDDEN, GRID.tau, GRID.delay).of(often)
    assert not found[HIDDEN.path].any()
    late = np.flatnonzero(found)
    assert (HIDDEN.tau[late] == 8).all()
    np.testing.assert_array_equal(np.sort(HIDDEN.at[late]), [-2, 18])  # 0 and 2 + 2 + 8 + 8, as near as there are any


def test_synapses_at_the_longest_delays_are_seen():
    """A synapse of 20 ms acts some bins later, when the membrane potential has risen."""
    for shape in (GRID.kernel[:, kernel(1, d)] for d in (22, 23)):
        lag = np.arange(GRID.longest + 1)
        assert GRID.box[lag[shape.argmax()]].sum() == 1
        assert GRID.box[:, GRID.box[lag[shape.argmax()]].argmax()].sum() == 1, "every lag there has a box of its own"


def scores(signal, seed=0):
    """Scores of correlograms with unit noise to which a signal is added, (pair, box) to (pair, kernel)."""
    noise = np.random.default_rng(seed).normal(size=signal.shape)
    return ((signal + noise) @ GRID.shape).astype(np.float32)


def kernel(tau, delay):
    return np.flatnonzero((GRID.tau == tau) & (GRID.delay == delay))[0]


def peak(tau, middle):
    return SYNAPSES + np.flatnonzero(~HIDDEN.path & (HIDDEN.tau == tau) & (HIDDEN.at == middle))[0]


def back(tau, delay):
    return SYNAPSES + PEAKS + list(GRID.back).index(kernel(tau, delay))


@pytest.fixture(scope="module")
def groups():
    begun = Groups.begun(GRID, GRID.shape.T @ GRID.shape)
    return replace(begun, share=0.1, shared=0.1)


def evidence(groups, *parts, seed=0):
    """Evidence for an excitatory synapse on 200 pairs whose correlograms have these kernels in these sizes."""
    signal = sum(size * GRID.shape[:, k] for k, size in parts) * np.ones((200, 1))
    usable, known = np.ones((1, 200), bool), np.full(1, np.log(4.0))
    return groups.judged([scores(signal, seed)], usable, GRID.delay, known, np.ones(len(GRID.tau))).sides[0, 0]


def told_apart(more, less):
    """How often evidence of the first is larger than evidence of the second."""
    return (more[:, None] > less).mean()


def test_a_peak_that_rises_slowly_is_no_synapse(groups):
    parts = [(kernel(3, 6), 15.0)], [(peak(3, 8), 15.0)]
    synapse, hidden = (evidence(groups, *each, seed=k) for k, each in enumerate(parts))
    assert told_apart(synapse, hidden) > 0.97
    assert np.median(synapse) > 1 > -1 > np.median(hidden)
    alone = replace(groups, kinds=(SYNAPSES, 0, 0), overlap=groups.overlap[:SYNAPSES, :SYNAPSES])
    bold = evidence(alone, *parts[1])
    assert np.quantile(bold, 0.1) > 40, "without hidden input it would be sure"
    assert told_apart(evidence(alone, *parts[0], seed=2), bold) < 0.9


def test_a_synapse_is_seen_beside_hidden_input(groups):
    both = evidence(groups, (peak(8, -2), 25.0), (kernel(1, 15), 12.0))
    none = evidence(groups, (peak(8, -2), 25.0), seed=1)
    assert told_apart(both, none) > 0.97
    assert np.quantile(none, 0.95) < 1


def test_the_other_direction_is_not_taken_for_this_one(groups):
    assert np.quantile(evidence(groups, (back(3, 5), 20.0)), 0.95) < 1
    hidden = evidence(groups, (back(3, 5), -20.0), (peak(8, 2), 20.0))
    assert np.quantile(hidden, 0.95) < 1
    mutual = evidence(groups, (back(3, 5), -20.0), (kernel(3, 5), 12.0), seed=1)
    assert told_apart(mutual, hidden) > 0.97
    assert np.median(mutual) > 2


def test_evidence_from_shapes_has_a_bound(groups):
    """Shapes are known to some percent only: a peak a hundred times as large as the noise tells little more."""
    sizes = [10.0, 40.0, 160.0, 640.0]
    told = [np.median(evidence(groups, (kernel(3, 6), size))) for size in sizes]
    assert told[0] > 0.5
    assert told[-1] < 30 < 640**2 / 2


def test_what_is_higher_than_hidden_input_is_a_synapse(groups):
    """No shape tells a narrow peak of a strong synapse from common input; how high hidden cells make peaks does."""
    low = replace(groups, height=np.eye(len(USUALLY))[1], strength=np.eye(len(USUALLY))[[4, 4]])
    same = replace(low, height=np.eye(len(USUALLY))[4])
    narrow = peak(1, 12), 40.0
    assert np.median(evidence(low, narrow)) > 20 > 3 > np.median(evidence(same, narrow))
    assert np.median(evidence(low, (peak(8, 10), 12.0))) < 0, "what is wide and not too high is hidden input still"


def test_peaks_that_no_synapse_is_like_tell_how_high_hidden_input_is(groups):
    early = replace(groups, kernel=np.tile(np.eye(SYNAPSES)[kernel(1, 6)], (2, 1)))
    clear = dict(
        zip(zip(HIDDEN.tau.tolist(), HIDDEN.at.tolist(), HIDDEN.path.tolist(), strict=True), early.clear, strict=True)
    )
    assert not clear[1.0, 7, False]
    assert not clear[1.5, 5, True]
    assert clear[1.0, 20, False]
    assert clear[1.0, -2, False]
    rng, n, posts = np.random.default_rng(2), 40, 100
    what = rng.choice(4, size=(n, posts), p=[0.6, 0.15, 0.05, 0.2])  # nothing, synapses, strong ones, hidden input
    at = rng.integers(0, 4, (n, posts))
    shape = GRID.shape.T[np.stack([kernel(1, 3) + at, peak(1, 4) + at, peak(1, 15) + at])]
    shape[1] = (shape[0] + shape[1]) / np.linalg.norm(shape[0] + shape[1], axis=-1, keepdims=True)
    size = np.stack(
        [rng.uniform(4, 12, at.shape), rng.uniform(30, 60, at.shape), np.abs(rng.normal(size=at.shape)) * 6]
    )
    signal = np.zeros((n, posts, len(GRID.shape)))
    for k in range(3):
        signal += ((what == k + 1) * size[k])[..., None] * shape[k]
    score = scores(signal.reshape(n * posts, -1)).reshape(n, posts, -1)
    found = groups_of(score, np.ones((n, posts), bool), np.full(n, 3.0), GRID, GRID.shape.T @ GRID.shape)
    high = np.isin(np.arange(len(USUALLY)), [3, 4])  # variances of 150 and more
    assert found.strength[0][high].sum() > 0.13, "strong synapses are seen, although their peaks look like hidden input"
    assert found.height[high].sum() < 0.15


def test_shares_are_learned():
    rng, n, posts = np.random.default_rng(1), 40, 100
    what = rng.choice(3, size=(n, posts), p=[0.75, 0.1, 0.15])
    size = 4 + np.abs(rng.normal(size=(n, posts))) * 12
    columns = np.stack([kernel(3, 6) + rng.integers(0, 5, (n, posts)), peak(3, 8) + rng.integers(0, 4, (n, posts))])
    signal = np.zeros((n, posts, len(GRID.shape)))
    for k in (1, 2):
        signal += ((what == k) * size)[..., None] * GRID.shape.T[columns[k - 1]]
    score = scores(signal.reshape(n * posts, -1)).reshape(n, posts, -1)
    known = np.full(n, 3.0)
    found = groups_of(score, np.ones((n, posts), bool), known, GRID, GRID.shape.T @ GRID.shape)
    assert 0.03 < found.share < 0.12  # shapes are not trusted, so large synapses are half taken for hidden input
    assert 0.12 < found.shared < 0.27
    few = groups_of(score[:1, :20], np.ones((1, 20), bool), known[:1], GRID, GRID.shape.T @ GRID.shape)
    assert few.share == 0.05, "twenty pairs teach nothing"
    assert few.shared < 1e-3


def driven(seed=0, observed=16, hidden=24, bins=1_200_000):
    """Spikes of observed neurons; each hidden one makes two of them fire, some of them make others fire."""
    rng = np.random.default_rng(seed)
    spikes = [np.flatnonzero(rng.random(bins) < 0.004) for _ in range(observed)]
    connected, shared = np.zeros((observed, observed), bool), np.zeros((observed, observed), bool)
    pairs = rng.permutation([(a, b) for a in range(observed) for b in range(a + 1, observed)])
    made = [[] for _ in range(observed)]

    def follow(times, post, chance, delay):
        heard = times[rng.random(len(times)) < chance]
        made[post].append(heard + delay + np.round(rng.exponential(3.0, len(heard))).astype(int))

    for a, b in pairs[:hidden]:
        own = np.flatnonzero(rng.random(bins) < 0.004)
        shared[a, b] = shared[b, a] = True
        for post in (a, b):
            follow(own, post, 0.3, rng.integers(1, 15))
    for a, b in pairs[hidden : 2 * hidden]:
        connected[a, b] = True
        follow(spikes[a], b, 0.1, rng.integers(1, 15))
    each = [np.unique(np.concatenate([own, *more])) for own, more in zip(spikes, made, strict=True)]
    source = np.repeat(np.arange(observed), [len(one) for one in each])
    step = np.concatenate(each)
    kept = step < bins
    return Events.of(source[kept], step[kept], np.ones(kept.sum()), observed), bins, connected, shared


def test_hidden_neurons_are_told_from_synapses_in_spikes():
    spikes, bins, connected, shared = driven()
    probability = infer(spikes, bins, BIN).edges.probability
    assert probability[connected].mean() > 0.85
    assert probability[shared].mean() < 0.3  # .62 before hidden input was looked at
    off = ~np.eye(len(connected), dtype=bool)
    assert probability[~connected & ~shared & off].mean() < 0.02
    assert log_loss(connected[off], probability[off]) < 0.15
