import numpy as np
import pytest
from made_up import NAMES, RATE, calcium_trials, fraction_trials
from scipy.stats import wasserstein_distance

from brainsim import catalog
from brainsim.evidence import Evidence, Sample, draw, split
from brainsim.missing import correlation
from brainsim.statistic._histogram import divergence
from brainsim.statistic.inception_score import score
from brainsim.statistic.isi_cv import interval_cv, intervals
from brainsim.statistic.lagged_correlation_r import lagged_correlation
from brainsim.statistic.noise_correlation_r import likeness

METRICS = [
    "rate_wasserstein",
    "signal_correlation_r",
    "noise_correlation_r",
    "population_count_kl",
    "autocorrelation_rmse",
    "psd_rmse",
    "isi_cv",
    "c2st_linear",
    "c2st_forest",
    "tstr",
    "trtr",
    "decoding_blocked",
    "nn_ratio",
    "copy_share",
    "density",
    "coverage",
    "inception_score",
    "inception_score_real",
    "lagged_correlation_r",
    "isi_wasserstein",
    "calciumgan_rate_kl",
    "calciumgan_correlation_kl",
    "calciumgan_van_rossum_kl",
    "ldns_population_kl",
    "ldns_correlation_rmse",
    "ldns_isi_rmse",
]
STATISTICS = {name: kind() for name, kind in catalog.entries("statistic").items()}
TIMED = (
    "autocorrelation_rmse",
    "psd_rmse",
    "isi_cv",
    "isi_wasserstein",
    "lagged_correlation_r",
    "calciumgan_van_rossum_kl",
    "ldns_isi_rmse",
)
SAME_FOR_ALL = ("trtr", "inception_score_real")


def sample(seed, **options):
    """Trials whose events are steps up of the calcium."""
    dataset = calcium_trials(seed, **options)
    trace = dataset["calcium"].values
    event = (np.diff(trace, axis=1, prepend=trace[:, :1]) > 0.3).astype(float)
    return Sample(trace, RATE, dataset["stimulus"].values.astype(str), event)


RECORDED = sample(0, trials=160)
FRESH = sample(1, trials=160)
SPLITS = {name: split(RECORDED, name) for name in ("interleaved", "blocks")}


def evidence(statistic, candidate):
    part = SPLITS[statistic.split]
    rng = np.random.default_rng(0)
    return Evidence(part, draw(candidate, {n: int(part.training.where(n).sum()) for n in NAMES}, rng), candidate)


def thinned(s):
    keep = np.random.default_rng(0).random(s.event.shape) < 0.3
    return Sample(s.trace, s.rate, s.stimulus, s.event * keep)


def neurons_permuted(s):
    order = np.random.default_rng(0).permutation(s.trace.shape[2])
    return Sample(s.trace[:, :, order], s.rate, s.stimulus, s.event)


def trials_shuffled(s):
    rng, trace = np.random.default_rng(0), s.trace.copy()
    for name in NAMES:
        rows = np.flatnonzero(s.where(name))
        for neuron in range(trace.shape[2]):
            trace[rows, :, neuron] = s.trace[rng.permutation(rows), :, neuron]
    return Sample(trace, s.rate, s.stimulus, s.event)


def frames_shuffled(s):
    order = np.random.default_rng(0).permuted(np.tile(np.arange(s.frames), (len(s), 1)), axis=1)[:, :, None]
    return Sample(np.take_along_axis(s.trace, order, 1), s.rate, s.stimulus, np.take_along_axis(s.event, order, 1))


def regular(s):
    event = np.zeros_like(s.event)
    event[:, ::3] = 1
    return Sample(s.trace, s.rate, s.stimulus, event)


def events_in_step(s):
    first = np.repeat(s.event[:, :, :1], s.event.shape[2] // 2, axis=2)
    return Sample(s.trace, s.rate, s.stimulus, np.concatenate([first, s.event[:, :, first.shape[2] :]], 2))


def labels_shuffled(s):
    return Sample(s.trace, s.rate, np.random.default_rng(0).permutation(s.stimulus), s.event)


def collapsed(s):
    one = np.broadcast_to(s.trace.mean(0), s.trace.shape)
    return Sample(one.copy(), s.rate, s.stimulus, s.event)


def photocopied(_):
    return RECORDED.take(np.random.default_rng(0).integers(len(RECORDED), size=len(RECORDED)))


DESTROYED = {
    "rate_wasserstein": thinned,
    "signal_correlation_r": neurons_permuted,
    "noise_correlation_r": trials_shuffled,
    "population_count_kl": thinned,
    "autocorrelation_rmse": frames_shuffled,
    "psd_rmse": frames_shuffled,
    "isi_cv": regular,
    "c2st_linear": collapsed,
    "c2st_forest": frames_shuffled,
    "tstr": labels_shuffled,
    "decoding_blocked": labels_shuffled,
    "nn_ratio": photocopied,
    "copy_share": photocopied,
    "density": collapsed,
    "coverage": collapsed,
    "inception_score": collapsed,
    "lagged_correlation_r": neurons_permuted,
    "isi_wasserstein": regular,
    "calciumgan_rate_kl": thinned,
    "calciumgan_correlation_kl": events_in_step,
    "calciumgan_van_rossum_kl": thinned,
    "ldns_population_kl": thinned,
    "ldns_correlation_rmse": events_in_step,
    "ldns_isi_rmse": regular,
}


def test_the_catalogue_holds_the_names_of_the_contract():
    assert sorted(STATISTICS) == sorted(METRICS)
    assert set(DESTROYED) | set(SAME_FOR_ALL) == set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_every_statistic_describes_itself(name):
    statistic = STATISTICS[name]
    assert statistic.title
    assert statistic.unit
    assert statistic.better in ("lower", "higher", "floor")
    assert "Notes" in type(statistic).__doc__
    assert statistic.summary().endswith((".", "best."))


@pytest.mark.parametrize("name", METRICS)
def test_fresh_trials_are_at_the_floor_and_destroyed_ones_are_not(name):
    statistic = STATISTICS[name]
    fresh = evidence(statistic, FRESH)
    floor, same = statistic.on_held_out(fresh), statistic(fresh)
    allowed = max(statistic.tolerance, 3 * np.hypot(floor.error(0) or 0, same.error(0) or 0))
    assert statistic.gap(same.value, floor.value) <= allowed
    assert statistic.bounds[0] <= same.value <= statistic.bounds[1]
    if name in SAME_FOR_ALL:
        assert statistic(evidence(statistic, collapsed(FRESH))).value == floor.value
        return
    worse = statistic(evidence(statistic, DESTROYED[name](FRESH)))
    worse_gap = statistic.gap(worse.value, floor.value)
    assert worse_gap > statistic.tolerance
    assert worse_gap > 2 * max(0.0, statistic.gap(same.value, floor.value))


@pytest.mark.parametrize("name", METRICS)
def test_missing_values_survive(name):
    trace, event = FRESH.trace.copy(), FRESH.event.copy()
    for values in (trace, event):
        values[3:9, :, 4] = np.nan
        values[:, 5:9, 7] = np.nan
        values[:, :, 9] = np.nan
    statistic = STATISTICS[name]
    measure = statistic(evidence(statistic, Sample(trace, RATE, FRESH.stimulus, event)))
    whole = statistic(evidence(statistic, FRESH)).value
    assert np.isfinite(measure.value)
    assert abs(measure.value - whole) < max(0.35 * abs(whole), 3 * statistic.tolerance)


@pytest.mark.parametrize("name", METRICS)
def test_a_statistic_that_cannot_be_computed_says_why(name):
    statistic = STATISTICS[name]
    unlabelled = Sample(RECORDED.trace, RATE)
    bare = Evidence(split(unlabelled, statistic.split), Sample(FRESH.trace, RATE), Sample(FRESH.trace, RATE))
    if statistic.min_stimuli:
        assert statistic(bare).value is None
        assert "stimul" in statistic(bare).why
    one = fraction_trials(0)
    flat = Sample(one["calcium"].values, 1.0, one["stimulus"].values.astype(str))
    single = statistic(Evidence(split(flat, statistic.split), flat, flat))
    assert (single.value is None) == (statistic.min_frames > 1)
    assert (statistic.min_frames > 1) == (name in TIMED)
    assert (single.value is not None) or "frame" in single.why
    few = Evidence(split(RECORDED, statistic.split), FRESH.take(np.arange(2)), FRESH.take(np.arange(2)))
    assert statistic(few).value is None
    assert "four trials" in statistic(few).why


def test_inception_score_of_certain_answers_is_the_number_of_classes():
    assert score(np.tile(np.eye(5), (4, 1))) == pytest.approx(5)
    assert score(np.full((8, 5), 0.2)) == pytest.approx(1)


def test_inception_score_has_the_right_direction_of_the_divergence():
    p = np.array([[0.9, 0.1], [0.4, 0.6]])
    marginal = np.array([0.65, 0.35])
    first = 0.9 * np.log(0.9 / 0.65) + 0.1 * np.log(0.1 / 0.35)
    second = 0.4 * np.log(0.4 / 0.65) + 0.6 * np.log(0.6 / 0.35)
    by_hand = (first + second) / 2
    assert score(p) == pytest.approx(np.exp(by_hand))
    reversed_order = np.exp(np.mean((marginal * np.log(marginal / p)).sum(1)))
    assert score(p) != pytest.approx(reversed_order, rel=1e-3)


def test_intervals_between_events_by_hand():
    event = np.zeros((2, 12, 2))
    event[0, [0, 2, 6, 8], 0] = 1  # intervals 2, 4, 2
    event[0, [0, 1], 1] = 1  # one interval: too few
    event[1, [3], 0] = 1  # no interval across trials
    assert interval_cv(event) == pytest.approx([np.std([2, 4, 2]) / np.mean([2, 4, 2])])
    event[0, 4, 0] = np.nan  # the interval from 2 to 6 spans a missing frame
    assert len(interval_cv(event)) == 0


def test_correlation_is_pairwise_complete():
    x = np.random.default_rng(0).standard_normal((60, 3))
    x[:20, 1] = np.nan
    assert correlation(x)[0, 1] == pytest.approx(np.corrcoef(x[20:, 0], x[20:, 1])[0, 1])
    assert correlation(x)[0, 2] == pytest.approx(np.corrcoef(x[:, 0], x[:, 2])[0, 1])
    assert np.isnan(correlation(np.column_stack([x[:, 0], np.ones(60)]))[0, 1])


def test_a_matrix_without_structure_is_unlike_any():
    r = correlation(np.random.default_rng(0).standard_normal((50, 6)))
    assert likeness(r, r) == pytest.approx(1)
    assert likeness(r, np.full_like(r, np.nan)) == 0


def test_the_two_splits():
    labels = np.repeat(["a", "b"], 10)
    sample_of = Sample(np.arange(20.0)[:, None, None], 1.0, labels)
    blocks, turns = split(sample_of, "blocks"), split(sample_of, "interleaved")
    assert blocks.training.trace.ravel().tolist() == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    assert len(turns.training) == 12
    assert turns.held_out.trace.ravel().tolist() == [2, 4, 7, 9, 12, 14, 17, 19]


def test_lagged_correlations_by_hand():
    rng = np.random.default_rng(0)
    deviation = rng.standard_normal((6, 9, 3))
    earlier, later = deviation[:, :-1].reshape(-1, 3), deviation[:, 1:].reshape(-1, 3)
    by_hand = (earlier[:, 0] * later[:, 1]).sum() / np.sqrt((earlier[:, 0] ** 2).sum() * (later[:, 1] ** 2).sum())
    found = lagged_correlation(deviation)
    assert found[0, 1] == pytest.approx(by_hand)
    assert np.isnan(found[1, 1])
    twice = lagged_correlation(deviation, np.array([2.0, 0, 1, 1, 1, 1]))
    np.testing.assert_allclose(twice, lagged_correlation(deviation[[0, 0, 2, 3, 4, 5]]))


def test_who_leads_is_seen_by_lagged_correlations():
    rng = np.random.default_rng(0)
    leader = rng.standard_normal((40, 12))
    deviation = np.stack([leader, np.roll(leader, 1, axis=1), rng.standard_normal((40, 12))], axis=2)
    found = lagged_correlation(deviation)
    assert found[0, 1] > 0.9
    assert abs(found[1, 0]) < 0.2


def test_the_distance_of_intervals_is_the_one_of_scipy():
    found = STATISTICS["isi_wasserstein"](evidence(STATISTICS["isi_wasserstein"], FRESH))
    part, some = SPLITS["interleaved"], evidence(STATISTICS["isi_wasserstein"], FRESH).candidate
    ours, theirs = (intervals(s.event)[0] for s in (part.held_out, some))
    assert found.value == pytest.approx(wasserstein_distance(ours, theirs) / ours.std())
    assert found.n == len(theirs)


def test_a_divergence_is_finite_and_depends_on_the_order():
    ours, theirs = np.array([0.0, 0.0, 1.0, 2.0]), np.array([0.0, 0.0, 0.0, 0.0])
    edges = np.array([0.5, 1.5])
    p, q = np.array([2.5, 1.5, 1.5]) / 5.5, np.array([4.5, 0.5, 0.5]) / 5.5
    assert divergence(ours, theirs, edges) == pytest.approx((p * np.log(p / q)).sum())
    assert divergence(ours, theirs, edges) != pytest.approx(divergence(theirs, ours, edges))
    assert divergence(ours, ours, edges) == 0
