"""The rule `ml`: event-driven passes against dense NumPy, the optimiser against SciPy, fits of odd recordings."""

from dataclasses import replace

import dense
import numpy as np
import pytest
import xarray as xr
from scipy import optimize
from sklearn.metrics import average_precision_score

from brainsim import ascent, fit_task, gradient, likelihood, schema
from brainsim.ascent import climb
from brainsim.covariate import covariates
from brainsim.encoding import encode
from brainsim.encoding import problem as problem_of
from brainsim.error import FitError, InputError
from brainsim.folds import Folds, blocked_folds
from brainsim.gradient import Settings
from brainsim.likelihood import Shard
from brainsim.metric import Metric
from brainsim.network import SpikingNetwork
from brainsim.recorded import Events
from brainsim.rule.ml import Ml
from brainsim.sufficient import statistics

# tau [bins], delay, bins, chunk, covariates, gaps, spikes per bin
CASES = {
    "plain": (5.0, 1, 1024, 64, 0, 0, 0.03),
    "covariates that jump": (5.0, 1, 512, 64, 3, 0, 0.03),
    "gaps": (5.0, 1, 512, 64, 2, 3, 0.05),
    "late synapses, slow trace": (20.0, 7, 1024, 256, 2, 2, 0.03),
    "one bin each": (1.0, 1, 512, 8, 2, 2, 0.3),
    "chunks shorter than they may be": (20.0, 2, 512, 16, 2, 2, 0.05),
    "end inside a chunk": (5.0, 2, 1000, 64, 2, 2, 0.03),
    "shorter than a chunk": (5.0, 2, 50, 64, 2, 0, 0.1),
    "delay longer than a chunk": (2.0, 40, 512, 16, 1, 1, 0.05),
}


def shard_of(problem, folds, target="numpy", posts=None):
    posts = np.arange(problem.neurons) if posts is None else posts
    facts = statistics(problem, folds.held(problem.bins)).of(posts)
    return Shard(problem, facts, folds, posts, target), facts


def somewhere(problem, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(-3, 0.3, problem.neurons), rng.normal(0, 0.3, (problem.features, problem.neurons))


def equal(got, wanted, tolerance=1e-9):
    for ours, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * max(np.abs(theirs).max(initial=0), 1.0))


@pytest.mark.parametrize("case", CASES)
def test_the_event_driven_gradient_is_the_dense_one(case):
    tau, delay, bins, chunk, boxes, gaps, rate = CASES[case]
    problem = dense.problem(3, bins=bins, tau=tau, delay=delay, covariates=boxes, gaps=gaps, rate=rate)
    folds = Folds(np.where(np.arange(-(-bins // chunk)) % 4 == 2, 2, 1).astype(np.int8), chunk)
    shard, _ = shard_of(problem, folds)
    assert problem.spikes.amplitude.max() > 1, "some bins hold more than one spike"
    beta, weight = somewhere(problem)
    wanted = dense.evaluate(problem, folds.held(bins), beta, weight)
    assert (bins <= chunk) != (np.abs(wanted[1]).min() > 0), "something is held out"
    equal(shard.evaluate(beta, weight)[:4], wanted)


def test_compiled_passes_give_the_dense_gradient_of_a_part_of_the_neurons():
    problem = dense.problem(4, neurons=6, bins=3000, tau=10.0, delay=3)
    folds, posts = blocked_folds(3000, 10.0), np.array([1, 4])
    shard, _ = shard_of(problem, folds, "cpp", posts)
    beta, weight = somewhere(problem)
    wanted = dense.evaluate(problem, folds.held(3000), beta, weight)
    found = shard.evaluate(beta[posts], weight[:, posts])[:4]
    assert [x.shape[-1] for x in found] == [2, 2, 2, 2]
    equal(found, [x[..., posts] for x in wanted])


def test_neurons_that_are_evaluated_alone_give_what_they_give_among_all():
    problem = dense.problem(4, neurons=11, bins=3000, tau=10.0, delay=3)
    shard, _ = shard_of(problem, blocked_folds(3000, 10.0), "cpp")
    beta, weight = somewhere(problem)
    whole = shard.evaluate(beta, weight, profiled=True)
    for some in (np.array([2, 3, 10]), np.arange(11), np.array([7])):
        found = shard.evaluate(beta, weight, profiled=True, among=some)
        equal([each[..., some] for each in found], [each[..., some] for each in whole])
        assert not any(np.delete(each, some, axis=-1).any() for each in found), "of the others nothing is told"


def test_the_beginning_of_a_recording_may_lack_a_stimulus():
    whole = dense.problem(12, bins=1024, tau=5.0, covariates=3)
    jumps = whole.jumps
    late = np.where(jumps.source_of_each() == 1, np.maximum(jumps.step, 700), jumps.step)
    moved = Events.of(jumps.source_of_each(), late, jumps.amplitude, jumps.sources)
    problem = replace(whole, jumps=moved).first(512)
    assert np.diff(problem.jumps.first)[1] == 0, "the second covariate is never there"
    folds = Folds(np.ones(8, np.int8), 64)
    beta, weight = somewhere(problem)
    equal(
        shard_of(problem, folds)[0].evaluate(beta, weight)[:4], dense.evaluate(problem, folds.held(512), beta, weight)
    )


def test_the_gradient_is_the_slope_of_the_log_likelihood():
    problem = dense.problem(5, neurons=3, bins=1280, tau=10.0, covariates=1)
    shard, _ = shard_of(problem, blocked_folds(1280, 10.0), "cpp")
    beta, weight = somewhere(problem)
    _, _, slope_beta, slope, _ = shard.evaluate(beta, weight)
    for feature in (0, 2, 3):
        step = np.zeros_like(weight)
        step[feature] = 1e-5
        up, down = (shard.evaluate(beta, weight + sign * step)[0] for sign in (1, -1))
        np.testing.assert_allclose((up - down) / 2e-5, slope[feature], rtol=1e-5, atol=1e-6)
    up, down = (shard.evaluate(beta + sign * 1e-5, weight)[0] for sign in (1, -1))
    np.testing.assert_allclose((up - down) / 2e-5, slope_beta, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bins", [700, 8192, 9000])
def test_statistics_are_the_dense_sums(bins):
    problem = dense.problem(6, neurons=5, bins=bins, tau=7.0, delay=2)
    held = blocked_folds(bins, 7.0).held(bins)
    found = statistics(problem, held)
    x, spikes, there = dense.traces(problem), dense.laid_out(problem.spikes, bins), dense.observed(problem)
    for kind, chosen in enumerate((~held, held)):
        np.testing.assert_allclose(found.count[kind], spikes[chosen].sum(0))
        np.testing.assert_allclose(found.bins[kind], there[chosen].sum(0))
        np.testing.assert_allclose(found.coincidence[kind], x[chosen].T @ spikes[chosen], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.gram, x.T @ x, rtol=1e-9, atol=1e-8)
    np.testing.assert_allclose(found.mean, x.mean(0), rtol=1e-9, atol=1e-12)


def optimum(problem, ridge):
    """What SciPy finds on the dense log likelihood, one postsynaptic neuron after the other: beta, weights, value."""
    n = problem.neurons
    precision = np.append(np.full(n, ridge), np.full(problem.covariates, fit_task.COVARIATE_PRECISION))
    x, spikes, there = dense.traces(problem), dense.laid_out(problem.spikes, problem.bins), dense.observed(problem)
    x = x - x.mean(0)

    def loss(theta, post):
        drive = theta[0] + x @ theta[1:]
        rho = np.where(there[:, post], np.exp(drive), 0)
        residual = spikes[:, post] - rho
        value = (spikes[:, post] * drive - rho).sum() - 0.5 * (precision * theta[1:] ** 2).sum()
        return -value, -np.append(residual.sum(), x.T @ residual - precision * theta[1:])

    start = np.append(-3.0, np.zeros(problem.features))
    found = [optimize.minimize(loss, start, (post,), "BFGS", jac=True, options={"gtol": 1e-7}) for post in range(n)]
    return np.array([f.x[0] for f in found]), np.array([f.x[1:] for f in found]).T, np.array([-f.fun for f in found])


def climbed(problem, ridge, **how):
    folds = blocked_folds(problem.bins, problem.tau, every=0)
    shard, facts = shard_of(problem, folds, "cpp")
    precision = np.append(np.full(problem.neurons, ridge), np.full(problem.covariates, fit_task.COVARIATE_PRECISION))
    solution = climb(shard, Metric.of(facts, problem.bins, precision), None, **how)
    return solution, solution.fitted - 0.5 * (precision[:, None] * solution.weight**2).sum(0)


def test_a_refractory_neuron_is_where_it_belongs_within_few_passes():
    rng, dead = np.random.default_rng(5), 25
    step = np.cumsum(dead + rng.geometric(0.004, 2500)).astype(np.int32)
    other = np.sort(rng.choice(int(step[-1]), 3000, replace=False)).astype(np.int32)
    problem = dense.problem(7, neurons=2, bins=int(step[-1]) + 1, tau=10.0, covariates=0, gaps=0)
    first = np.array([0, len(step), len(step) + len(other)])
    spikes = Events(first, np.concatenate([step, other]), np.ones(first[-1], np.float32))
    problem = replace(problem, spikes=spikes)
    solution, value = climbed(problem, 0.1, passes=40, tolerance=1e-6)
    assert solution.weight[0, 0] < -5, "no spike ever follows within 25 ms"
    assert abs(solution.weight[1, 1]) < 0.5
    quick, reached = climbed(problem, 0.1, passes=5, tolerance=1e-6)
    assert (value - reached < 0.05).all()
    assert quick.passes <= 5


def test_the_climb_reaches_the_optimum_that_scipy_finds():
    problem = dense.problem(7, neurons=5, bins=6000, tau=10.0, rate=0.02)
    beta, weight, best = optimum(problem, 1.0)
    solution, reached = climbed(problem, 1.0, passes=60, tolerance=1e-9)
    np.testing.assert_allclose(reached, best, rtol=1e-6)
    np.testing.assert_allclose(solution.beta, beta, atol=5e-3)
    np.testing.assert_allclose(solution.weight, weight, atol=2e-2)
    quick, reached = climbed(problem, 1.0, passes=gradient.MOST_PASSES)
    assert quick.passes < gradient.MOST_PASSES
    assert (best - reached < 0.1).all(), "within a tenth of a nat by the default tolerance"


def recording(weight, bias=-4.0, seconds=40.0, seed=0, tau=10.0, rate_hz=1000.0):
    """A recording drawn bin by bin from the model itself, one millisecond late."""
    rng, n, bins = np.random.default_rng(seed), len(weight), int(seconds * rate_hz)
    drive, counts, decay = np.zeros(n), np.zeros((bins, n)), np.exp(-1 / tau)
    for t in range(bins):
        drive = drive * decay + (counts[t - 1] @ weight if t else 0)
        counts[t] = rng.poisson(np.exp(np.minimum(bias + drive, 0)))
    return counts


def as_events(counts, rate_hz=1000.0):
    bins, cells = np.nonzero(counts)
    repeat = counts[bins, cells].astype(int)
    times, cells = np.repeat((bins + 0.5) / rate_hz, repeat), np.repeat(cells, repeat)
    return xr.Dataset(
        {"spike_time": ("spike", times), "spike_neuron": ("spike", cells)},
        coords={"neuron": [f"n{i}" for i in range(counts.shape[1])]},
        attrs={"source": "simulated", "duration_s": len(counts) / rate_hz},
    )


def as_frames(counts, rate_hz=1000.0):
    return xr.Dataset(
        {"spikes": (("time", "neuron"), counts)},
        coords={"time": np.arange(len(counts)) / rate_hz, "neuron": np.arange(counts.shape[1])},
        attrs={"source": "simulated", "sampling_rate_hz": rate_hz},
    )


def wiring(n=8, seed=2, share=0.2, size=0.9):
    """Dale's law: the last quarter of the neurons is inhibitory."""
    rng = np.random.default_rng(seed)
    sign = np.where(np.arange(n) < 0.75 * n, 1.0, -1.5)[:, None]
    weight = np.where(rng.random((n, n)) < share, sign * size, 0.0)
    np.fill_diagonal(weight, 0)
    return weight


@pytest.fixture(scope="module")
def truth():
    return wiring()


@pytest.fixture(scope="module")
def counts(truth):
    return recording(truth)


@pytest.fixture(scope="module")
def fitted(counts):
    return SpikingNetwork(Ml(), seed=3).fit(as_events(counts)).fit_


def test_connectivity_and_weights_are_recovered(fitted, truth):
    other = ~np.eye(len(truth), dtype=bool)
    connected = truth[other] != 0
    assert average_precision_score(connected, np.abs(fitted["z"].values[other])) > 0.95
    assert average_precision_score(connected, fitted["edge_probability"].values[other]) > 3 * connected.mean()
    edge = (truth > 0) & other
    np.testing.assert_allclose(fitted["weight"].values[edge], truth[edge], atol=0.2)
    error = (fitted["weight"].values - truth)[other] / fitted["weight_se"].values[other]
    assert np.abs(error).mean() < 1.2, "standard errors tell how far the weights are off"
    assert (np.sign(fitted["weight"].values[truth != 0]) == np.sign(truth[truth != 0])).mean() > 0.9


def test_weights_have_the_sign_of_their_neuron_where_that_predicts_better(counts):
    short = as_events(counts[:8000])
    free, fitted = (SpikingNetwork(settings=Settings(dale=dale, check=False)).fit(short).fit_ for dale in (False, True))
    assert fitted.attrs["dale"] == 1
    assert free.attrs["dale"] == 0
    sign = np.select([fitted["cell_type"] == "E", fitted["cell_type"] == "I"], [1, -1])[:, None]
    assert (sign != 0).any()
    assert (fitted["weight"].values * sign >= 0).all()
    assert (free["weight"].values * sign < 0).any(), "without the constraint some have the other sign"
    assert fitted.attrs["log_likelihood_per_spike"] <= free.attrs["log_likelihood_per_spike"] + 1e-9
    assert fitted.attrs["dale_gain"] > 0
    held = "log_likelihood_per_spike_held_out"
    assert fitted.attrs[held] - free.attrs[held] == pytest.approx(fitted.attrs["dale_gain"], abs=1e-12)
    np.testing.assert_array_equal(fitted["edge_probability"], free["edge_probability"])


def test_a_sign_that_predicts_worse_is_not_imposed(fitted, counts):
    asked = SpikingNetwork(Ml(), settings=Settings(dale=True, check=False), seed=3).fit(as_events(counts)).fit_
    assert asked.attrs["dale_gain"] < 0
    assert asked.attrs["dale"] == 0
    np.testing.assert_array_equal(asked["weight"], fitted["weight"])


def test_the_constrained_climb_ends_where_no_step_with_the_right_signs_gains():
    problem = dense.problem(8, neurons=5, bins=6000, tau=10.0, rate=0.02)
    folds = blocked_folds(problem.bins, problem.tau, every=0)
    shard, facts = shard_of(problem, folds, "cpp")
    precision = np.append(np.full(5, 1.0), np.full(problem.covariates, fit_task.COVARIATE_PRECISION))
    metric, sign = Metric.of(facts, problem.bins, precision), np.zeros((problem.features, 5))
    sign[:5] = np.array([1, -1, 1, -1, 1])[:, None]
    free = climb(shard, metric, None, 60, 1e-9)
    found = climb(shard, metric, free, 60, 1e-9, sign)
    assert (found.weight * sign >= 0).all()
    slope = shard.evaluate(found.beta, found.weight)[3] - precision[:, None] * found.weight
    at_bound = (found.weight == 0) & (sign != 0)
    assert at_bound.any()
    assert np.abs(slope[~at_bound]).max() < 0.2, "what is left to gain is far below a hundredth of a nat"
    assert (slope * sign)[at_bound].max() < 0.2


def test_a_fit_obeys_the_contract(fitted, counts):
    assert schema.check(fitted) == []
    for name in ("weight", "weight_se", "z", "q_value", "edge_probability", "delay"):
        assert fitted[name].dims == ("pre", "post")
        assert np.isfinite(fitted[name]).all()
    assert (np.diag(fitted["weight"]) == 0).all()
    for name in ("q_value", "edge_probability", "cell_type_probability"):
        assert ((fitted[name] >= 0) & (fitted[name] <= 1)).all()
    np.testing.assert_array_equal(fitted["count"], counts.sum(0))
    for name in (
        "rule",
        "neuron_model",
        "passes",
        "log_likelihood_per_spike",
        "seconds_compile",
        "seconds_fit",
        "seed",
    ):
        assert name in fitted.attrs
    assert fitted.attrs["seed"] == 3
    assert list(fitted["pre"].values) == [f"n{i}" for i in range(8)]


def test_held_out_likelihood_beats_constant_rates(fitted, counts):
    held = blocked_folds(len(counts), 10.0).held(len(counts))
    rate = counts[~held].mean(0)
    constant = (counts[held] * np.log(rate) - rate).sum() / counts[held].sum()
    assert fitted.attrs["log_likelihood_per_spike_held_out"] > constant + 0.01


def test_workers_do_not_change_one_bit(counts, monkeypatch):
    for module in (gradient, likelihood):
        monkeypatch.setattr(module, "SHARD", 3)
    data = as_events(counts[:10000])
    one, two = (SpikingNetwork(settings=Settings(workers=workers, ridge=10.0)).fit(data).fit_ for workers in (1, 2))
    for each in (one, two):
        for name in ("seconds_fit", "seconds_compile", "seconds_connectivity"):
            del each.attrs[name]
        each.attrs = {name: "none" if value != value else value for name, value in each.attrs.items()}
    xr.testing.assert_identical(one, two)


def in_shards_of(size, data, monkeypatch):
    """Weights of a fit in one shard, and in shards of that many neurons."""
    settings = Settings(ridge=10.0)
    whole = SpikingNetwork(settings=settings).fit(data).fit_
    for module in (gradient, likelihood):
        monkeypatch.setattr(module, "SHARD", size)
    return whole["weight"], SpikingNetwork(settings=settings).fit(data).fit_["weight"]


def test_shards_give_what_one_network_gives(counts, monkeypatch):
    monkeypatch.setattr(ascent, "MOST_BENT", 1.0)  # the neurons of a shard learn nothing from each other
    whole, parts = in_shards_of(3, as_events(counts[:10000]), monkeypatch)
    np.testing.assert_allclose(parts, whole, rtol=1e-6, atol=1e-9)


def test_neurons_that_learn_from_each_other_reach_the_same_optimum_in_shards(counts, monkeypatch):
    for module, name, value in (
        (gradient, "TOLERANCE", 1e-12),
        (gradient, "MOST_PASSES", 80),
        (ascent, "LITTLE", 1e-14),
    ):
        monkeypatch.setattr(module, name, value)  # how soon a climb ends may depend on who climbs together
    whole, parts = in_shards_of(3, as_events(counts[:10000]), monkeypatch)
    np.testing.assert_allclose(parts, whole, rtol=1e-6, atol=2e-6)


def program_of(neurons, seconds):
    """The key of the program that fits a recording of a size."""
    rng = np.random.default_rng(neurons)
    counts = (rng.random((int(1000 * seconds), neurons)) < 0.01).astype(float)
    work = gradient.Fit(as_events(counts), Ml(), Settings(target="numpy"))
    folds = blocked_folds(work.problem.bins, work.problem.tau)
    shard, _ = shard_of(work.problem, folds, posts=np.arange(min(neurons, likelihood.SHARD)))
    return shard.network.blueprint.digest()


def test_another_length_or_another_number_in_the_size_class_compiles_nothing():
    key = program_of(100, 3.0)
    assert program_of(100, 7.3) == key, "another length"
    assert program_of(97, 3.0) == program_of(112, 3.0) == key, "the same size class"
    assert program_of(113, 3.0) != key
    assert program_of(300, 3.0) == program_of(257, 3.0)


def test_memory_is_predicted_and_what_the_machine_lacks_is_refused_first(counts, monkeypatch):
    small, large = (gradient.predicted_bytes(n, n * 3000, 2) for n in (100, 1000))
    assert small < large < 3 * 2**30
    assert gradient.predicted_bytes(100, 10**6, 4) > gradient.predicted_bytes(100, 10**6, 1)
    monkeypatch.setattr(gradient, "predicted_bytes", lambda *_: 2**60)
    monkeypatch.setattr(gradient, "run", lambda *_: pytest.fail("it began"))
    with pytest.raises(FitError, match=r"about 1073741824\.0 GiB.*fewer neurons"):
        SpikingNetwork().fit(as_events(counts[:1000]))


def test_choosing_the_prior_looks_at_some_neurons_and_fits_all(counts, monkeypatch):
    for module in (gradient, likelihood):
        monkeypatch.setattr(module, "SHARD", 3)
    solved, solve = [], gradient.Fit._solve

    def spy(self, part, ridge, shards, *rest):
        solved.append([len(shard) for shard in shards])
        return solve(self, part, ridge, shards, *rest)

    monkeypatch.setattr(gradient.Fit, "_solve", spy)
    fit = SpikingNetwork(settings=Settings()).fit(as_events(counts[:10000])).fit_
    assert solved[:-2] == [[3]] * (len(solved) - 2)
    assert solved[-2:] == [[3, 3, 2]] * 2, "once what is fitted, once all"
    assert max(fit.attrs["passes"], fit.attrs["passes_held_out"]) < 10
    assert np.isfinite(fit["log_likelihood"]).all()


def test_the_prior_of_a_long_recording_is_chosen_on_its_beginning(counts, monkeypatch):
    lengths, solve = [], gradient.Fit._solve

    def spy(self, part, ridge, shards, *rest):
        problem = fit_task.problem_of(self.pool.shards, part.problem, part.bins)
        lengths.append(problem.bins)
        assert problem.spikes.step.max() < problem.bins
        return solve(self, part, ridge, shards, *rest)

    monkeypatch.setattr(gradient.Fit, "_solve", spy)
    whole = SpikingNetwork(settings=Settings(check=False)).fit(as_events(counts[:12000])).fit_
    assert set(lengths) == {12000}
    lengths.clear()
    monkeypatch.setattr(gradient, "BEGINNING", (8000, 9000))
    fit = SpikingNetwork(settings=Settings(check=False)).fit(as_events(counts[:12000])).fit_
    begins = lengths[0]
    assert 8000 <= begins <= 9000
    assert lengths == [begins] * (len(lengths) - 1) + [12000], "only the last fit is to all of it"
    assert fit.attrs["ridge"] == whole.attrs["ridge"]
    np.testing.assert_allclose(fit["weight"], whole["weight"], atol=0.02)
    alone = SpikingNetwork(settings=Settings(check=False)).fit(as_events(counts[:begins])).fit_
    for told in ("log_likelihood_per_spike_held_out", "ridge"):
        assert fit.attrs[told] == pytest.approx(alone.attrs[told]), "nothing after the beginning is held out"


@pytest.mark.parametrize(
    ("enough", "per_pair", "bins"),
    [(50, 0, 300), (100, 0, 400), (500, 0, 1000), (5000, 0, 1000), (50, 10, 640), (100, 6, 400)],
)
def test_blocks_are_held_out_of_as_much_as_has_enough_spikes(monkeypatch, enough, per_pair, bins):
    monkeypatch.setattr(gradient, "BEGINNING", (300, 1000))
    monkeypatch.setattr(gradient, "ENOUGH_SPIKES", enough)
    monkeypatch.setattr(gradient, "ENOUGH_PER_PAIR", per_pair)
    problem = dense.problem(3, bins=1200)
    step = np.arange(0, 1200, 4, dtype=np.int32) + 3
    spikes = Events(np.array([0, 300, 300, 300, 300]), step, np.ones(300, np.float32))
    assert gradient.bins_to_hold_out_from(replace(problem, spikes=spikes)) == bins
    assert gradient.bins_to_hold_out_from(replace(problem, spikes=spikes, bins=200)) == 200


def test_frames_of_a_microscope_do_not_tell_cell_types(counts):
    frames = counts[:40000].reshape(-1, 100, 8).sum(1)
    fit = SpikingNetwork(settings=Settings(ridge=10.0, check=False, dale=True)).fit(as_frames(frames, 10.0)).fit_
    assert (fit["cell_type"] == "unknown").all()
    assert "do not tell cell types" in fit.attrs["notices"]
    assert fit.attrs["dale"] == 0


def test_a_silent_neuron_is_not_judged(counts):
    quiet = counts[:10000].copy()
    quiet[:, 2] = 0
    fit = SpikingNetwork(settings=Settings(ridge=10.0)).fit(as_events(quiet)).fit_
    assert fit.attrs["silent_neurons"] == 1
    assert "1 neurons never fired" in fit.attrs["notices"]
    for pairs in (fit.isel(pre=2), fit.isel(post=2)):
        assert (pairs["edge_probability"] == 0).all()
        assert (pairs["weight"] == 0).all()
        assert (pairs["q_value"] == 1).all()
    for name in ("weight", "weight_se", "z", "bias"):
        assert np.isfinite(fit[name]).all(), name
    assert fit["cell_type"].values[2] == "unknown"


def test_one_neuron_can_be_fitted(counts):
    fit = SpikingNetwork().fit(as_events(counts[:10000, :1])).fit_
    assert fit["weight"].shape == (1, 1)
    assert fit["weight"].item() == 0
    assert fit["edge_probability"].item() == 0
    assert fit["cell_type"].item() == "unknown"
    assert np.exp(fit["bias"].item()) == pytest.approx(counts[:10000, 0].mean(), rel=0.1)


@pytest.mark.parametrize("form", [as_events, as_frames])
def test_no_spike_at_all_is_said(form):
    with pytest.raises(FitError, match="not one spike"):
        SpikingNetwork().fit(form(np.zeros((3000, 4))))


def test_no_spikes_in_the_file_is_said():
    with pytest.raises(InputError, match=r"no spikes to fit.*brainsim deconvolve"):
        SpikingNetwork().fit(
            xr.Dataset({"calcium": (("time", "neuron"), np.ones((5, 2)))}, attrs={"source": "recorded"})
        )
    with pytest.raises(InputError, match="spike_time"):
        SpikingNetwork(settings=Settings("events")).fit(as_frames(np.ones((300, 2))))


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (np.nan, "1 spike times are not finite"),
        (-0.5, "1 spikes are before time 0"),
        (99.0, "1 spikes come after the end at 3 s"),
    ],
)
def test_impossible_spike_times_do_not_pass_the_border(counts, time, words):
    data = as_events(counts[:3000])
    data["spike_time"].values[5] = time
    with pytest.raises(InputError, match=f"rec.nc, field 'spike_time': {words}"):
        schema.validate(data, "rec.nc")


def test_two_spikes_of_one_neuron_in_one_bin_count_twice():
    times = np.array([0.0101, 0.0102, 0.0109, 0.0110, 0.5])
    data = xr.Dataset(
        {"spike_time": ("spike", times), "spike_neuron": ("spike", [0, 0, 1, 0, 1])},
        coords={"neuron": [0, 1]},
        attrs={"source": "recorded", "duration_s": 1.0},
    )
    encoded = encode(data)
    found = dense.laid_out(encoded.spikes, encoded.bins)
    assert encoded.bins == 1000
    assert {(t, n): found[t, n] for t, n in zip(*np.nonzero(found), strict=True)} == {
        (10, 0): 2,
        (10, 1): 1,
        (11, 0): 1,
        (500, 1): 1,
    }
    np.testing.assert_array_equal(SpikingNetwork().fit(data).fit_["count"], [3, 2])


def test_a_recording_shorter_than_a_chunk_has_the_right_rate():
    counts = np.zeros((50, 3))
    counts[::10, 0] = counts[5::20, 1] = counts[7, 2] = 1
    fit = SpikingNetwork(settings=Settings(ridge=1e4)).fit(as_events(counts)).fit_
    np.testing.assert_allclose(np.exp(fit["bias"] + fit["covariate_weight"].sum("covariate")), counts.mean(0), rtol=0.1)
    assert np.isnan(fit.attrs["log_likelihood_per_spike_held_out"]), "nothing could be held out"


def test_missing_frames_are_left_out(counts):
    first = counts[:6000]
    padded = np.vstack([first, np.full((4000, 8), np.nan)])
    ours, theirs = (SpikingNetwork(settings=Settings(ridge=10.0)).fit(as_frames(c)).fit_ for c in (padded, first))
    np.testing.assert_allclose(ours["weight"], theirs["weight"], atol=0.1 * float(theirs["weight_se"].median()))
    np.testing.assert_allclose(
        ours["bias"] + ours["covariate_weight"].sum("covariate"),
        theirs["bias"] + theirs["covariate_weight"].sum("covariate"),
        atol=0.02,
    )
    assert ours.attrs["log_likelihood_per_spike"] == pytest.approx(theirs.attrs["log_likelihood_per_spike"], abs=1e-3)


def test_missing_frames_of_one_neuron_cost_only_that_neuron(counts):
    torn = counts[:6000, :4].copy()
    torn[1000:2500, 1] = np.nan
    torn[5990:, 3] = np.nan
    data = as_frames(torn)
    encoded = encode(data)
    problem = problem_of(encoded, covariates(encoded, np.array([], str), 1.0).jumps, 0.01, 0.0)
    np.testing.assert_array_equal(dense.observed(problem), ~np.isnan(torn))
    _, weight, best = optimum(problem, 10.0)
    solution, reached = climbed(problem, 10.0, passes=60, tolerance=1e-9)
    np.testing.assert_allclose(reached, best, rtol=1e-6)
    np.testing.assert_allclose(solution.weight[:4], weight[:4], atol=2e-2)
