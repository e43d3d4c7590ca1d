"""Connectivity from correlograms: counts against dense sums, indirect paths, common input, delays, calibration."""

import numpy as np
import pytest
from dense import laid_out
from scipy.linalg import toeplitz
from scipy.special import expit
from sklearn.metrics import average_precision_score, matthews_corrcoef

from brainsim import correlogram, native, sufficient, view_task
from brainsim.accuracy import best_mcc
from brainsim.cluster import Here, Started
from brainsim.connectivity import FRAME_NEWS, FRAME_SHARE, Judgement, combined, infer
from brainsim.correlogram import Correlograms
from brainsim.edge import best_cut
from brainsim.error import FitError
from brainsim.kernel import high_pass, lags, overlap, reading
from brainsim.look import Look, prior_odds
from brainsim.posterior import View, log_probability, view
from brainsim.recorded import Events
from brainsim.residual import Reading, remainder, solve, survey
from brainsim.shard_store import InMemory
from brainsim.views import Looks

BIN = 0.001


def events(counts):
    step, source = np.nonzero(counts)
    return Events.of(source, step, counts[step, source], counts.shape[1])


def network(weight, delay=2, seconds=60.0, rate=0.02, shared=0.0, seed=0):
    """Spikes drawn bin by bin: a spike changes the chance of its targets `delay` bins later, for 5 ms."""
    rng, n, bins = np.random.default_rng(seed), len(weight), int(seconds / BIN)
    delay = np.broadcast_to(delay, weight.shape)
    counts = np.zeros((bins + 64, n), np.int8)
    drive = np.zeros((bins + 64, n))
    noise, slow = rng.standard_normal(bins), 0.0
    shape = np.exp(-np.arange(15) / 5)
    for t in range(bins):
        slow += -slow / 50 + np.sqrt(2 / 50) * noise[t]
        counts[t] = rng.random(n) < np.minimum(rate * np.exp(drive[t] + shared * slow), 0.5)
        for pre in np.flatnonzero(counts[t]):
            for post in np.flatnonzero(weight[pre]):
                at = t + delay[pre, post]
                drive[at : at + 15, post] += weight[pre, post] * shape
    return counts[:bins]


def scattered(seed=0, bins=3000, neurons=3):
    return np.random.default_rng(seed).poisson(0.05, (bins, neurons))


def test_correlograms_are_the_dense_sums():
    counts = scattered()
    found = Correlograms(events(counts), len(counts), 12)
    for lag in range(12):
        wanted = counts[: len(counts) - lag].T.astype(float) @ counts[lag:]
        made = np.stack([found.count(pre) for pre in range(3)])
        np.testing.assert_allclose(made[:, :, 11 + lag], wanted)
        np.testing.assert_allclose(made[:, :, 11 - lag], wanted.T)
    assert counts.max() > 1, "some bins hold two spikes"
    np.testing.assert_allclose(found.total, counts.sum(0))
    np.testing.assert_allclose(found.power, (counts**2).mean(0))


def test_correlograms_that_are_not_kept_are_the_same(monkeypatch):
    counts = scattered()
    kept, anew = (Correlograms(events(counts), len(counts), 12) for _ in range(2))
    monkeypatch.setattr(correlogram, "KEPT_BYTES", 2**20)
    once = kept.count(1)
    assert kept.count(1) is once
    monkeypatch.setattr(correlogram, "KEPT_BYTES", 0)
    first = anew.count(1)
    assert anew.count(1) is first, "the latest one is at hand"
    anew.count(0)
    assert anew.count(1) is not first
    np.testing.assert_array_equal(first, once)


def test_how_often_two_neurons_fire_near_each_other_counts_both_orders():
    counts = scattered(4)
    found, reach = Correlograms(events(counts), len(counts), 12), 3
    late = sum(counts[:-lag].T.astype(float) @ counts[lag:] for lag in range(1, reach + 1))
    chance = 2 * reach * np.outer(counts.sum(0), counts.sum(0)) / len(counts)
    lift = np.stack([found.lift(pre, reach) for pre in range(3)])
    np.testing.assert_allclose(lift, (late + late.T + 3) / (chance + 3))


def test_covariances_run_from_negative_to_positive_lags():
    counts = scattered(1)
    found, lag = Correlograms(events(counts), len(counts), 6), 4
    chance = np.outer(counts.sum(0), counts.sum(0)) / len(counts) ** 2 * (len(counts) - lag)
    late = counts[:-lag].T.astype(float) @ counts[lag:] - chance
    for pre in range(3):
        np.testing.assert_allclose(found.covariance(pre)[:, 5 + lag], late[pre], atol=1e-9)
        np.testing.assert_allclose(found.covariance(pre)[:, 5 - lag], late[:, pre], atol=1e-9)


def test_the_overlap_of_filtered_trains_is_read_off_their_covariance():
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(4, 2)), rng.normal(size=(4, 3))
    counts = np.pad(scattered(3, 500, 2), ((20, 20), (0, 0)))
    found = Correlograms(events(counts), len(counts), 9)
    raw = found.count(0)  # nothing taken off
    a, b = ([np.convolve(counts[:, k], f)[: len(counts)] for f in each.T] for k, each in ((0, first), (1, second)))
    np.testing.assert_allclose(np.tensordot(raw[1], overlap(first, second, 9), 1), np.array(a) @ np.array(b).T)
    np.testing.assert_allclose(
        raw[1] @ reading(first, 9),
        np.array(a) @ counts[:, 1] * 0 + [sum(first[lag, k] * raw[1][8 + lag] for lag in range(4)) for k in range(2)],
    )


def test_a_high_pass_takes_what_is_smooth_and_leaves_a_peak():
    filtered = high_pass(5.0, 100)
    lag = np.arange(-99, 100)
    assert np.abs(filtered @ np.exp(-(lag**2) / 2 / 60**2))[50:150].max() < 0.01
    assert (filtered @ (lag == 0))[99] > 0.9
    np.testing.assert_array_equal(high_pass(None, 5), np.eye(9))


def test_a_strong_synapse_is_taken_off_less_on_the_side_of_the_other_direction():
    filtered, lag = high_pass(5.0, 100), np.arange(-99, 100)
    peak = filtered @ (lag == -4)
    assert 0.3 < peak[lag == 1] / peak[lag == -1] < 0.45, "with equal weights it would be 0.73"
    np.testing.assert_allclose(filtered.sum(1), 0, atol=1e-12, err_msg="what is constant is taken off wholly")
    np.testing.assert_allclose(filtered[::-1, ::-1], filtered, atol=1e-12, err_msg="both directions are treated alike")


def both(regressors, size):
    """The solved regressors of a survey, as they are handed to `remainder`."""
    found = solve(regressors["gram"].reshape(size, size), np.asfortranarray(regressors["drive"].reshape(size, -1)), 2)
    return found["root"], found["weight"], found["added"]


def test_the_influence_of_the_others_is_what_a_dense_solution_takes_out():
    n, grid = 19, lags(BIN)  # more than are solved for at a time
    counts = np.random.default_rng(0).poisson(0.05, (4000, n))
    found = Correlograms(events(counts), len(counts), 120)
    read = Reading.of(grid, None, found.lags)
    (regressors,) = survey(found, [read], 0, n)
    gram, drive = regressors["gram"].reshape(2 * n, 2 * n), regressors["drive"].reshape(2 * n, n)
    added = np.maximum(1e-3 * np.diag(gram).reshape(-1, 2).mean(0), 1.0)  # a thousandth, or one spike
    gram = (gram + gram.T) / 2 + np.diag(np.tile(added, n))
    left = remainder(found, read, both(regressors, 2 * n), 0, n)
    for pre in range(n):
        others = np.delete(np.arange(2 * n), [2 * pre, 2 * pre + 1])
        boxes = found.covariance(pre) @ read.cross  # (neuron, box x model)
        cross = boxes.reshape(n, -1, 2).transpose(1, 0, 2).reshape(-1, 2 * n)[:, others]
        by_others = np.linalg.solve(gram[np.ix_(others, others)], cross.T).T
        own = found.covariance(pre)[pre][119 : 119 + grid.longest + 1]
        variance = grid.box.T @ toeplitz(own) @ grid.box - by_others @ cross.T
        scale = np.sqrt(np.diag(variance))
        expected = ((found.covariance(pre) @ read.box).T - by_others @ drive[others]) / scale[:, None]
        expected /= np.sqrt(found.power * found.lift(pre, 20))
        np.testing.assert_allclose(left["value"][:, pre], expected, atol=2e-4)
        np.testing.assert_allclose(left["noise"][pre], variance / np.outer(scale, scale), atol=1e-5)


def test_covariances_of_no_process_are_solved_with_more_loading():
    rng, size = np.random.default_rng(0), 600  # several strips
    gram = rng.standard_normal((size, size))
    gram = (gram + gram.T) / 2
    gram[np.diag_indices(size)] = 1
    drive = rng.standard_normal((size, 3))
    assert np.linalg.eigvalsh(gram)[0] < -10, "more than a loading of 10 can mend"
    found = solve(gram.copy(), np.asfortranarray(drive), 2)
    loaded = gram + 100 * np.eye(size)
    root = np.triu(found["root"])
    np.testing.assert_allclose(root.T @ root, loaded, atol=1e-4)
    np.testing.assert_allclose(found["weight"], np.linalg.solve(loaded, drive), atol=1e-6)


def test_covariances_that_are_not_finite_are_said():
    with pytest.raises(FitError, match="not finite"):
        solve(np.full((4, 4), np.nan), np.ones((4, 2), order="F"), 2)


@pytest.mark.parametrize("there", [(), ("null",), ("null", "grouped"), ("surveyed", "left", "typical")])
def test_a_stage_of_a_resumed_fit_waits_for_the_last_one_that_is_not_there(there):
    begun = []

    class Noted(Here):
        def start(self, tasks, priority=0, after=None):
            name, first = tasks[0].make.__name__, tasks[0].what[0]
            stage = name, first.baseline if isinstance(first, Look) else None
            begun.append((stage, after.futures if after else []))
            return Started(tasks, [] if name in there else [stage])

    looks = [Look("spikes", 1000, BIN, "", baseline) for baseline in range(3)]
    Looks(Noted(InMemory()), looks, [(0, 4), (4, 8)]).begin()
    stages = [stage for stage, _ in begun]
    chain = ("null", "typical", "grouped", "judged")
    assert stages[:5] == [("surveyed", None), ("solved", None), ("left", 0), ("left", 1), ("left", 2)]
    assert stages[5:] == [(name, look) for look in range(3) for name in chain]
    for k, ((_, look), after) in enumerate(begun):
        before = [(name, of) for name, of in stages[:k] if name not in there and (look is None or of in (look, None))]
        assert after == before[-1:]


def test_an_indirect_path_is_taken_out():
    chain = np.zeros((3, 3))
    chain[0, 1] = chain[1, 2] = 1.5
    counts = network(chain, delay=1)
    found = Correlograms(events(counts), len(counts), 120)
    grid = lags(BIN)
    read = Reading.of(grid, None, found.lags)
    (regressors,) = survey(found, [read], 0, 3)
    left = remainder(found, read, both(regressors, 6), 0, 3)["value"][:12].sum(0)
    alone = found.covariance(0)[2, 120:132].sum() / np.sqrt(found.count(0)[0, 119] * found.power[2])
    assert alone > 3, "0 and 2 fire together"
    assert left[0, 1] > 5 < left[1, 2]
    assert abs(left[0, 2]) < 0.4 * min(left[0, 1], left[1, 2])


@pytest.fixture(scope="module")
def confounded():
    """Twelve neurons with five synapses, all driven by the same noise of 50 ms."""
    weight = np.zeros((12, 12))
    for pre, post in ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9)):
        weight[pre, post] = 1.2
    return weight, network(weight, seconds=200, rate=0.01, shared=0.8)


def test_common_input_hides_no_synapse_and_makes_none(confounded):
    weight, counts = confounded
    found = infer(events(counts), len(counts), BIN)
    other = ~np.eye(12, dtype=bool)
    true = weight[other] != 0
    plain = np.corrcoef(counts.reshape(-1, 10, 12).sum(1).T)
    assert average_precision_score(true, plain[other]) < 0.6, "correlations alone are mostly common input"
    assert average_precision_score(true, found.edges.z[other]) > 0.95
    called = found.edges.probability[other] > 0.5
    assert called[true].all()
    assert called[~true].mean() < 0.08
    assert (found.sign[weight > 0] == 1).all()


def test_the_delay_of_each_synapse_is_found():
    weight, delay = np.zeros((8, 8)), np.full((8, 8), 1)
    for k, (pre, post) in enumerate(((0, 1), (2, 3), (4, 5), (6, 7))):
        weight[pre, post], delay[pre, post] = 2.0, 2 + 5 * k
    counts = network(weight, delay, seconds=100)
    found = infer(events(counts), len(counts), BIN)
    edge = weight != 0
    assert (found.edges.probability[edge] > 0.85).all()
    np.testing.assert_allclose(found.delay[edge], delay[edge], atol=1.5)


def test_inhibition_and_excitation_are_told_apart_and_known_types_are_kept():
    rng = np.random.default_rng(5)
    weight = (rng.random((20, 20)) < 0.25) * np.where(np.arange(20) < 14, 1.0, -2.5)[:, None]
    np.fill_diagonal(weight, 0)
    counts = network(weight, seconds=150, rate=0.02)
    found = infer(events(counts), len(counts), BIN)
    truth = np.array(["E"] * 14 + ["I"] * 6)
    assert (found.types.cell_type == truth).mean() >= 0.9
    known = np.array(["I"] + ["unknown"] * 19)
    given = infer(events(counts), len(counts), BIN, known)
    assert given.types.cell_type[0] == "I"
    assert given.types.probability[0] < 1e-9
    assert (given.sign[0, 1:] == -1).all()
    assert (prior_odds(20, known)[1:] == prior_odds(20, None)[1:]).all()


def test_stray_evidence_in_single_views_does_not_turn_a_type():
    """In each view another third of the pairs looks inhibitory; two synapses of every neuron excite in all of them."""
    n, usable = 30, ~np.eye(30, dtype=bool)
    third = np.add.outer(np.zeros(n, int), np.arange(n)) % 3
    views = []
    for k in range(3):
        sides = np.full((2, n, n), -1.0)
        sides[1][third == k] = 3.5
        sides[0][:, :2], sides[1][:, :2] = 8.0, -8.0
        pair = log_probability(sides, 0.1)
        odds = 1.4 + np.where(usable, pair[0] - pair[1], 0).sum(1)
        seen = np.where(usable, sides, 0.0)
        views.append(View(seen, np.zeros_like(seen), odds, 0.1, np.ones((2, 1)), np.zeros((n, n)), 1.0))
    assert (np.median([each.excitatory for each in views], axis=0)[2:] < 0).all()
    assert (combined([views], usable, np.ones(1)).types.probability[2:] > 0.5).all()


@pytest.mark.parametrize(("neurons", "larger"), [(20, 0.39), (200, 0.496)])
def test_of_two_views_the_smaller_evidence_counts_more_where_pairs_are_few(neurons, larger):
    usable = ~np.eye(neurons, dtype=bool)
    views = []
    for size in (1.0, 7.0):
        sides = np.where(usable, np.full((2, neurons, neurons), size), 0.0)
        types = np.zeros(neurons)
        views.append(View(sides, sides, types, 0.1, np.ones((2, 1)), np.zeros((neurons, neurons)), 1.0))
    judged = combined([views], usable, np.ones(1)).judgement
    for seen in (judged.sides[:, usable], judged.mirrored[:, usable]):
        np.testing.assert_allclose(seen, (1 - larger) * 1.0 + larger * 7.0, atol=0.01)


def test_what_one_view_sees_is_not_lost_where_the_others_see_nothing():
    """In each view a synapse has much evidence; that there are any connections only one of them is sure."""
    n, usable = 10, ~np.eye(10, dtype=bool)
    sides = np.zeros((2, n, n), np.float32)
    sides[0, 0, 1] = 8.0

    def found(*sure):
        told = sides, np.zeros_like(sides), np.full(n, 5.0), 0.05, np.ones((2, 1)), np.zeros((n, n)), 1.0
        seen = [View(*told, any=each) for each in sure]
        return combined([seen], usable, np.ones(1))

    assert found(20.0, -15.0, -15.0).judgement.sides[0, 0, 1] == pytest.approx(8.0)
    nobody = found(-15.0, -20.0, -15.0)
    assert nobody.judgement.sides[0, 0, 1] < 0.01
    assert nobody.any == -15
    assert nobody.types.cell_type[2] == "unknown"
    assert found(20.0, -15.0, -15.0).types.cell_type[2] == "E"


@pytest.mark.parametrize("bin_s", [BIN, 0.1])
def test_a_network_in_blocks_is_judged_as_in_one(confounded, monkeypatch, bin_s):
    _, counts = confounded
    blocks = [infer(events(counts), len(counts), bin_s)]
    for size, kept in ((5, 0), (1, 2**27)):
        monkeypatch.setattr(sufficient, "SOURCES", size)
        for module in (correlogram, view_task):
            monkeypatch.setattr(module, "KEPT_BYTES", kept)
        blocks.append(infer(events(counts), len(counts), bin_s))
    one, *several = blocks
    assert np.abs(one.judgement.sides).max() > 10
    for each in several:
        np.testing.assert_allclose(each.judgement.sides, one.judgement.sides, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(each.judgement.excitatory, one.judgement.excitatory, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(each.edges.z, one.edges.z, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(each.edges.probability, one.edges.probability, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(each.delay, one.delay, rtol=1e-3, atol=1e-3)


def test_frames_of_a_microscope_are_judged_at_lag_0_and_1():
    grid = lags(0.1)
    assert grid.box[0].any(), "the frame itself counts: synapses are faster"
    assert grid.longest == 12
    rng = np.random.default_rng(1)
    counts = rng.poisson(0.2, (4000, 6)).astype(float)
    counts[1:, 1] += rng.binomial(counts[:-1, 0].astype(int), 0.8)
    found = infer(events(counts), len(counts), 0.1)
    assert found.edges.z[0, 1] == found.edges.z.max()
    assert found.edges.z[0, 1] > found.edges.z[1, 0] + 3


@pytest.mark.parametrize(("neurons", "spikes"), [(1, 50), (2, 0), (2, 1), (3, 40)])
def test_a_recording_with_next_to_nothing_in_it_calls_nothing(neurons, spikes):
    rng = np.random.default_rng(0)
    source = rng.integers(0, neurons, spikes)
    found = infer(Events.of(source, rng.integers(0, 2000, spikes), np.ones(spikes), neurons), 2000, BIN)
    assert np.isfinite(found.edges.z).all()
    assert (found.edges.probability < 0.5).all()
    assert (found.types.cell_type == "unknown").all()


def test_a_recording_shorter_than_the_lags_is_judged():
    found = infer(Events.of(np.array([0, 1]), np.array([3, 5]), np.ones(2), 2), 10, BIN)
    assert np.isfinite(found.edges.z).all()


def mixture(seed=0, n=100, share=0.1, strength=4.0, inflation=1.0):
    """Scores of a network with a known tenth of edges, half of the neurons inhibitory."""
    rng = np.random.default_rng(seed)
    true = rng.random((n, n)) < share
    sign = np.where(np.arange(n) < n // 2, 1, -1)[:, None]
    size = strength * rng.lognormal(0, 0.5, (n, n))  # synapses differ
    z = inflation * (rng.normal(0, 1, (n, n)) + true * sign * size)
    usable = ~np.eye(n, dtype=bool)
    return np.where(usable, z, 0), true & usable, usable


def judged(z, usable):
    """The answer of one view with one kernel."""
    return combined([[view(z, usable, prior_odds(len(z), None))]], usable, np.array([5.0]))


@pytest.mark.parametrize("strength", [3.0, 5.0])
@pytest.mark.parametrize("inflation", [1.0, 2.5])
def test_edge_probabilities_are_calibrated(strength, inflation):
    z, true, usable = mixture(strength=strength, inflation=inflation)
    found = judged(z, usable).edges
    assert found.inflation == pytest.approx(inflation, rel=0.2)
    p, truth = found.probability[usable], true[usable]
    for low, high in ((0, 0.05), (0.05, 0.35), (0.35, 0.65), (0.65, 0.95), (0.95, 1.01)):
        inside = (p >= low) & (p < high)
        if inside.sum() >= 60:
            bold = p[inside].mean() - truth[inside].mean()
            assert bold < 0.1, (low, high, inside.sum())
            assert bold > -0.2, (low, high, inside.sum())
    assert abs(p.mean() - truth.mean()) < 0.05
    assert truth[found.q_value[usable] < 0.1].mean() > 0.85, "the false discovery rate holds"


def test_the_probability_never_falls_as_the_score_grows_and_is_near_0_without_edges():
    z, _, usable = mixture()
    found = judged(z, usable).edges
    order = np.argsort(np.abs(found.z[usable]))
    assert (np.diff(found.probability[usable][order]) >= -1e-12).all()
    assert (np.diff(found.q_value[usable][order]) <= 1e-12).all()
    nothing, _, _ = mixture(share=0.0)
    empty = judged(nothing, usable).edges
    assert empty.probability.mean() < 0.03
    assert (empty.probability > 0.5).mean() < 0.005


def test_pairs_that_cannot_be_judged_have_no_edge():
    z, _, usable = mixture()
    usable[:, 3] = False
    found = judged(z, usable).edges
    assert (found.probability[:, 3] == 0).all()
    assert (found.q_value[:, 3] == 1).all()
    none = judged(z, np.zeros_like(usable)).edges
    assert none.probability.max() == 0


def test_cell_types_follow_the_sign_of_the_outgoing_scores_and_need_evidence():
    z, _, usable = mixture()
    np.testing.assert_array_equal(judged(z, usable).types.cell_type, ["E"] * 50 + ["I"] * 50)
    nothing, _, usable = mixture(share=0.0)
    called = judged(nothing, usable).types.cell_type
    assert (called == "unknown").mean() > 0.85
    assert (called == "I").mean() < 0.03


def test_a_damaged_library_is_compiled_again(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINSIM_CACHE", str(tmp_path))
    native.library.__wrapped__("correlogram")
    (folder,) = tmp_path.glob("correlogram-*")
    assert [p.name for p in tmp_path.iterdir()] == [folder.name], "nothing half-made is left"
    (folder / "library.so").unlink()  # this process goes on with the file that it has loaded
    (folder / "library.so").write_bytes(b"not a library")
    native.library.__wrapped__("correlogram")
    assert native._whole(folder)


def test_events_are_laid_out_as_the_dense_tests_do():
    counts = scattered()
    np.testing.assert_array_equal(laid_out(events(counts), len(counts)), counts)


def test_cells_that_hardly_fire_are_not_told_by_chance_coincidences():
    rng = np.random.default_rng(4)
    bins, neurons = 300_000, 24
    count = rng.poisson(np.repeat([1500, 45], 12))
    source, step = np.repeat(np.arange(neurons), count), rng.integers(0, bins, count.sum())
    found = infer(Events.of(source, step, np.ones(count.sum()), neurons), bins, BIN)
    told = found.judgement.excitatory - prior_odds(neurons, None)
    assert (np.abs(told[12:]) < 20).all()  # 5 to 219 where counts are taken as normal


@pytest.mark.parametrize(("few", "many"), [(0.05, 0.5), (0.5, 0.5), (0.3, 6.0)])
def test_where_probabilities_hold_the_cut_is_about_the_best(few, many):
    rng = np.random.default_rng(3)
    told = rng.beta(few, many, 20_000)
    true = rng.random(20_000) < told
    cut = best_cut(told)
    reached, best = matthews_corrcoef(true, told >= cut), best_mcc(true, told)
    assert best - reached < 0.01
    if few == 0.3:
        assert cut < 0.3, "where nothing is sure, less is asked for"
        assert matthews_corrcoef(true, told > 0.5) < best - 0.03


def test_in_frames_little_evidence_leaves_what_is_known_of_cortex():
    sides, usable = np.zeros((2, 3, 3), np.float32), ~np.eye(3, dtype=bool)
    sides[:, 0, 1], sides[:, 0, 2] = 3.0, 8.0
    frames = Judgement(sides, np.zeros(3), 0.01, decoys=False)
    odds = frames.log_odds(usable)
    assert expit(odds[2:]) == pytest.approx(np.full(4, FRAME_SHARE))
    assert odds[:2] - odds[2] == pytest.approx(np.array([3.0, 8.0]) * FRAME_NEWS), "bursts are no proof"
    dense = Judgement(sides, np.zeros(3), 0.4, decoys=False)
    assert expit(dense.log_odds(usable)[2]) == pytest.approx(0.4), "more are seen than that"
