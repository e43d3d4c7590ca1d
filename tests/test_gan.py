"""The generator: sizes, loss, learning, missing frames, exact resumption, damaged folders, command line."""

import json
import warnings
from importlib.metadata import entry_points

import numpy as np
import pytest
import torch
import xarray as xr
from click.testing import CliRunner

from brainsim import catalog
from brainsim.checkpoint import read_tensors
from brainsim.critic import Course, Critic
from brainsim.error import FitError, InputError, OutputError, UnknownName
from brainsim.gan import ConditionalGAN
from brainsim.generated import collapse, generate
from brainsim.latent_generator import LatentGenerator, measured
from brainsim.marginal import KNOTS, hermite, normal_scores, quantiles
from brainsim.model import Batch
from brainsim.model.r3gan import R3GAN
from brainsim.model.wgan_gp import WassersteinGP, gradient_penalty
from brainsim.moment import autocovariance, residual_of, response_of, shared_noise
from brainsim.scaling import Scaling, Shape, lattice_step, training_trials
from brainsim.schema import check
from brainsim.setting import Setting
from brainsim.store import open_recording, save_recording

SMALL = {"epochs": 2, "batch_size": 8, "latent_dim": 8, "width": 16, "hold_out": "none"}
MODELS = ("r3gan", "wgan-gp")
OPTIONS = ("--batch-size", 8, "--latent-dim", 8, "--sample-interval", 1, "--hold-out", "none")


def trials(n=24, frames=6, neurons=5, stimuli=("air", "aud", "vis"), seed=0):
    """Known class means (0 .. 2), noise 0.3, one cell type per neuron."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % max(1, len(stimuli))
    mean = rng.uniform(0, 2, (max(1, len(stimuli)), frames, neurons))
    calcium = mean[label] + 0.3 * rng.normal(size=(n, frames, neurons))
    coords = {
        "time": np.arange(frames) / 10.0,
        "neuron": [f"cell {i}" for i in range(neurons)],
        "cell_type": ("neuron", ["I"] + ["E"] * (neurons - 1)),
    }
    if stimuli:
        coords["stimulus"] = ("trial", np.array(stimuli)[label])
    attrs = {"source": "recorded", "units": "dF/F", "sampling_rate_hz": 10.0}
    return xr.Dataset({"calcium": (("trial", "time", "neuron"), calcium)}, coords=coords, attrs=attrs)


def parameters(name, *shape):
    model, sizes = catalog.get("model", name)(), Shape(*shape)
    plan = Setting(name).completed(model.defaults, 100)
    networks = model.generator(sizes, plan, None), Critic(sizes, plan.channels(sizes.frames))
    return sum(p.numel() for network in networks for p in network.parameters())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("frames", "neurons", "stimuli"),
    [(1, 5, ("a", "b")), (2, 1, ("a",)), (3, 2, ("a", "b")), (29, 7, ("a", "b", "c")), (10, 3, ())],
)
def test_any_size_gives_a_recording_in_order(frames, neurons, stimuli, model):
    recording = trials(12, frames, neurons, stimuli)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ConditionalGAN(model, **SMALL).fit(recording)
    generated = model.sample(4, seed=3)
    kinds = stimuli or ("all",)
    assert dict(generated.sizes) == {"trial": 4 * len(kinds), "time": frames, "neuron": neurons}
    assert not [finding for finding in check(generated) if finding.severity == "error"]
    assert generated["stimulus"].values.tolist() == list(kinds) * 4
    assert generated.attrs["source"] == "generated"
    assert {k: generated.attrs[k] for k in ("units", "sampling_rate_hz", "seed")} == {
        "units": "dF/F",
        "sampling_rate_hz": 10.0,
        "seed": 3,
    }
    for name in ("time", "neuron", "cell_type"):
        assert generated[name].values.tolist() == recording[name].values.tolist()
    low, high = recording["calcium"].min(("trial", "time")), recording["calcium"].max(("trial", "time"))
    assert bool((generated["calcium"] >= low).all())
    assert bool((generated["calcium"] <= high).all())
    xr.testing.assert_identical(generated, model.sample(4, seed=3))
    assert not np.array_equal(generated["calcium"], model.sample(4, seed=4)["calcium"])


@pytest.mark.parametrize("model", MODELS)
def test_parameters_grow_with_neurons_plus_frames(model):
    assert parameters(model, 259, 29, 14) < 3_000_000
    base, more_neurons = parameters(model, 200, 64, 5), parameters(model, 400, 64, 5)
    both = parameters(model, 400, 128, 5)
    spectra = 200 * 64 if model == "r3gan" else 0  # each neuron's own spectrum; 1 % of what a dense layer would take
    assert both - more_neurons == parameters(model, 200, 128, 5) - base + spectra
    assert parameters(model, 600, 64, 5) - more_neurons == more_neurons - base


def test_penalty_is_the_squared_distance_of_the_slope_from_one():
    class Linear(torch.nn.Module):
        def __init__(self, slope):
            super().__init__()
            self.slope = torch.nn.Parameter(torch.tensor(slope))

        def forward(self, activity, stimulus):
            return (activity.flatten(1) @ self.slope) + stimulus.sum(1)

    source = torch.Generator().manual_seed(0)
    batch = Batch(torch.randn(8, 2, 1), torch.randn(8, 2, 1), torch.ones(8, 1))
    critic = Linear([3.0, 4.0])
    assert gradient_penalty(critic, batch, source).item() == pytest.approx(16.0)
    optimiser = torch.optim.SGD(critic.parameters(), 0.05)
    for _ in range(200):
        optimiser.zero_grad()
        gradient_penalty(critic, batch, source).backward()
        optimiser.step()
    assert critic.slope.norm().item() == pytest.approx(1.0, abs=1e-3)
    loss, distance, penalty = WassersteinGP(10.0).critic_loss(critic, batch, source)
    assert loss.item() == pytest.approx(10 * penalty.item() - distance.item())
    expected = critic(batch.recorded, batch.stimulus).mean() - critic(batch.generated, batch.stimulus).mean()
    assert distance.item() == pytest.approx(expected.item(), abs=1e-6)
    assert WassersteinGP().generator_loss(critic, batch).item() == pytest.approx(
        -critic(batch.generated, batch.stimulus).mean().item()
    )


def test_relativistic_loss_pairs_trials_and_penalises_both_slopes():
    class Linear(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.slope = torch.nn.Parameter(torch.tensor([3.0, 4.0]))

        def forward(self, activity, stimulus):
            return activity.flatten(1) @ self.slope

    batch, critic = Batch(torch.randn(8, 2, 1), torch.randn(8, 2, 1), torch.ones(8, 1)), Linear()
    loss, distance, penalty = R3GAN(2.0).critic_loss(critic, batch, torch.Generator())
    assert penalty.item() == pytest.approx(2 * 25)
    lead = critic(batch.recorded, None) - critic(batch.generated, None)
    assert distance.item() == pytest.approx(lead.mean().item(), abs=1e-5)
    assert loss.item() == pytest.approx(np.logaddexp(0, -lead.detach().numpy()).mean() + 2.0 / 2 * 50, rel=1e-5)
    expected = np.logaddexp(0, lead.detach().numpy()).mean()
    assert R3GAN().generator_loss(critic, batch).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("model", "setting"), [("wgan-gp", {"epochs": 700, "lr": 1e-3}), ("r3gan", {"epochs": 20})])
def test_class_means_and_variability_are_learned(model, setting):
    recording = trials(120, 1, 4, ("a", "b", "c"))
    fitted = ConditionalGAN(model, latent_dim=16, width=32, hold_out="none", **setting).fit(recording)
    sample = fitted.sample(200)
    generated = sample["calcium"].groupby(sample["stimulus"])
    recorded = recording["calcium"].groupby(recording["stimulus"])
    assert np.corrcoef(generated.mean().values.ravel(), recorded.mean().values.ravel())[0, 1] > 0.9
    assert float(np.abs(generated.mean() - recorded.mean()).max()) < 0.7  # class means lie up to 2 apart
    assert float((generated.std() / recorded.std()).mean()) == pytest.approx(1, abs=0.35)


def transients(n=150, frames=24, neurons=6, seed=0):
    """Decaying transients (factor 0.85) of one size and rate, white noise that differs from neuron to neuron."""
    rng = np.random.default_rng(seed)
    spikes = rng.poisson(0.15, (n, frames + 40, neurons)).astype(float)
    slow = np.stack([(0.85 ** np.arange(40)) @ spikes[:, t : t + 40][:, ::-1] for t in range(1, frames + 1)], 1)
    white = np.linspace(0.1, 1.5, neurons)
    recording = trials(n, frames, neurons, ("a", "b"))
    return recording.assign(calcium=(("trial", "time", "neuron"), slow + white * rng.normal(size=slow.shape))), white


def autocorrelations(recording, lags=8):
    x = recording["calcium"].values - recording["calcium"].values.mean((0, 1))
    return np.stack([(x[:, :-lag] * x[:, lag:]).mean((0, 1)) / x.var((0, 1)) for lag in range(1, lags)])


def test_autocorrelation_is_that_of_each_neuron_before_and_after_training():
    recording, _ = transients()
    setting = {"latent_dim": 16, "early_stop": False, "penalty": 10.0, "hold_out": "none"}
    trained = ConditionalGAN(epochs=40, **setting).fit(recording)
    scaled, _ = training_trials(recording)
    start = measured(LatentGenerator(Shape(6, 24, 2), 16), scaled)
    before = scaled.scaling.to_units(generate(start, np.arange(400) % 2, 0))
    fresh, _ = transients(seed=1)
    for values in (before, trained.sample(200)["calcium"].values):
        generated = trials(len(values), 24, 6, ("a", "b")).assign(calcium=(("trial", "time", "neuron"), values))
        wrong = autocorrelations(generated) - autocorrelations(fresh)
        assert np.sqrt((wrong**2).mean()) < 0.08
        jumps = [np.diff(each["calcium"].values, axis=1).std((0, 1)) for each in (generated, fresh)]
        np.testing.assert_allclose(*jumps, rtol=0.12)
        means = generated["calcium"].mean(("trial", "time")) - fresh["calcium"].mean(("trial", "time"))
        assert float(np.abs(means).max()) < 0.3  # neurons vary by 1 to 2: training must not lead away from its start


def test_hermite_coefficients_turn_correlations_into_covariances():
    tables = np.stack([np.maximum(KNOTS - 0.8, 0), (KNOTS > 0.5).astype(float)])
    coefficient, variance = hermite(tables)
    rng = np.random.default_rng(0)
    x = rng.normal(size=400_000)
    y = 0.6 * x + 0.8 * rng.normal(size=len(x))
    made = np.interp(x, KNOTS, tables[0]), np.interp(y, KNOTS, tables[1])
    expected = sum(coefficient[k, 0] * coefficient[k, 1] * 0.6 ** (k + 1) for k in range(len(coefficient)))
    assert np.cov(*made)[0, 1] == pytest.approx(expected, rel=0.03)
    np.testing.assert_allclose(variance, [made[0].var(), made[1].var()], rtol=0.03)


def test_tables_give_the_recorded_distribution():
    rng = np.random.default_rng(0)
    values = np.where(rng.random(2000) < 0.7, 0.0, rng.integers(1, 30, 2000) / 29)
    weight = np.ones(len(values))
    scores = rng.normal(size=100_000)
    made = quantiles(values, weight, lattice=True)[np.abs(scores[:, None] - KNOTS).argmin(1)]
    assert set(made.tolist()) <= set(values.tolist())
    assert (made == 0).mean() == pytest.approx((values == 0).mean(), abs=0.01)
    assert made.std() == pytest.approx(values.std(), rel=0.03)
    smooth = np.interp(scores, KNOTS, quantiles(np.exp(rng.normal(size=2000)), weight, lattice=False))
    np.testing.assert_allclose(np.quantile(smooth, [0.1, 0.5, 0.9]), np.exp([-1.2816, 0, 1.2816]), rtol=0.12)


def zero_inflated(n=900, seed=0):
    """Groups of neurons with a common noise, seen through a threshold: fractions k/29, four fifths of them zero."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 2))
    z = 0.8 * common[:, [0, 0, 0, 0, 1, 1, 1, 1]] + 0.6 * rng.normal(size=(n, 8))
    recording = trials(n, 1, 8, ("a", "b"))
    z = z + 0.5 * (recording["stimulus"].values == "a")[:, None]
    values = np.round(np.clip(z - 1, 0, 1) * 29) / 29
    return recording.assign(calcium=(("trial", "time", "neuron"), values[:, None]))


def test_noise_correlations_of_zero_inflated_activity_are_those_of_the_recording():
    scaled, _ = training_trials(zero_inflated(3000))
    start = measured(LatentGenerator(Shape(8, 1, 2), 16), scaled)
    label = np.arange(4000) % 2
    made, fresh = generate(start, label, 0)[:, 0], training_trials(zero_inflated(4000, seed=9))[0]
    ones = np.ones((4000, 1, 8))
    r = [
        np.corrcoef(residual_of(x[:, None].astype(float), of, ones)[:, 0].T)
        for x, of in ((made, label), (fresh.activity[..., 0], fresh.label))
    ]
    assert r[1][0, 1] > 0.3
    assert abs(r[1][0, 4]) < 0.1
    np.testing.assert_allclose(*r, atol=0.1)
    recorded = scaled.activity[..., 0] <= scaled.activity[..., 0].min(0) + 1e-6
    np.testing.assert_allclose((made <= made.min(0) + 1e-6).mean(0), recorded.mean(0), atol=0.05)


def test_shared_noise_of_independent_neurons_is_small():
    rng = np.random.default_rng(0)
    table = np.tile(KNOTS, (1, 12, 1))
    deviation = rng.normal(size=(4000, 12))
    weights = shared_noise(deviation, table, np.ones(1), np.ones(6), 4)
    made = weights.T @ weights
    assert np.abs(made[np.triu_indices(12, 1)]).max() < 0.08
    deviation[:, :6] += rng.normal(size=(4000, 1))
    weights = shared_noise(deviation, table, np.ones(1), np.ones(6), 4)
    made = weights.T @ weights
    np.testing.assert_allclose(made[:6, :6][np.triu_indices(6, 1)], 0.5, atol=0.06)
    assert np.abs(made[:6, 6:]).max() < 0.08


def test_mean_responses_that_both_halves_share_are_kept_and_noise_is_not():
    rng = np.random.default_rng(0)
    label, seen = np.arange(60) % 3, np.ones((60, 8, 5))
    course = np.sin(np.arange(24).reshape(3, 8, 1)) * np.arange(5)
    courses, loading = response_of(course[label] + 0.1 * rng.normal(size=seen.shape), label, seen, 3)
    np.testing.assert_allclose(courses @ loading, course, atol=0.15)
    courses, loading = response_of(rng.normal(size=seen.shape), label, seen, 3)
    assert np.abs(courses @ loading).mean() < 0.07


def test_the_start_has_the_recorded_power_of_noise_and_of_response():
    """A neuron that answers strongly is bimodal: its score is not normal, its share of noise another in activity."""
    rng = np.random.default_rng(0)
    recording = trials(120, 24, 4, ("loud", "quiet"))
    label = (recording["stimulus"].values == "loud").astype(float)
    course = np.exp(-np.arange(24) / 6)[:, None] * [0, 3, 6, 12]
    recording["calcium"][:] = label[:, None, None] * course + rng.normal(size=(120, 24, 4))
    scaled, _ = training_trials(recording)
    start = measured(LatentGenerator(Shape(4, 24, 2), 4), scaled)
    many = np.tile(scaled.label, 10)
    ours, theirs = scaled.activity.transpose(0, 2, 1).astype(float), generate(start, many, 1).astype(float)
    for own, made in ((ours, theirs), (_residual(ours, scaled.label), _residual(theirs, many))):
        np.testing.assert_allclose(made.var((0, 1)), own.var((0, 1)), rtol=0.1)


def _residual(activity, label):
    return residual_of(activity, label, np.ones_like(activity))


def test_scores_are_normal_and_missing_frames_stay_out_of_the_autocovariance():
    recording = trials(200, 6, 3, ("a",))
    recording["calcium"][:, 2:4, 1] = np.nan
    scaled, _ = training_trials(recording)
    scores = normal_scores(scaled, 0)
    assert (scores[:, 2:4, 1] == 0).all()
    assert scores[:, :, 0].std() == pytest.approx(1, abs=0.02)
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(size=(4000, 6, 1)), 1)
    seen = np.ones_like(walk)
    seen[:, 1] = 0
    covariance = autocovariance(walk * seen, seen)[:, 0]
    recorded = [0, 2, 3, 4, 5]
    assert covariance[0] == pytest.approx(np.mean([walk[:, t].var() for t in recorded]), rel=0.05)
    pairs = [(a, b) for a in recorded for b in recorded if b - a == 2]
    expected = np.mean([(walk[:, a] * walk[:, b]).mean() for a, b in pairs])
    assert covariance[2] == pytest.approx(expected, rel=0.08)


def test_held_out_trials_teach_nothing():
    recording = trials(60, 1, 5)
    changed = recording.copy(deep=True)
    held = [i for i in range(60) if (i // 3 + 1) * 2 // 5 > (i // 3) * 2 // 5]
    changed["calcium"][held] = 99.0
    setting = {**SMALL, "hold_out": "interleaved"}
    left, right = (ConditionalGAN(**setting).fit(each).sample(5) for each in (recording, changed))
    np.testing.assert_array_equal(left["calcium"], right["calcium"])
    used = [int(each) for each in left.attrs["training_trials"].split(",")]
    assert used == [i for i in range(60) if i not in held]
    assert left.attrs["training_split"] == "interleaved"
    blocks = ConditionalGAN(**{**SMALL, "hold_out": "blocks"}).fit(recording).sample(1)
    assert [int(each) for each in blocks.attrs["training_trials"].split(",")] == list(range(30))


def test_penalty_and_epoch_are_chosen_on_trials_put_aside():
    recording = trials(180, 1, 6)
    model = ConditionalGAN(epochs=4, sample_interval=2, latent_dim=8, width=16).fit(recording)
    tried = [(each["penalty"], each["epoch"]) for each in model.choice_["candidates"]]
    assert tried == [(10.0, 0), (10.0, 2), (10.0, 4), (100.0, 2), (100.0, 4)]
    best = min(model.choice_["candidates"], key=lambda each: (each["mean_rank"], each["epoch"]))
    assert (model.choice_["penalty"], model.choice_["epoch"]) == (best["penalty"], best["epoch"])
    assert model.description_["setting"]["penalty"] == best["penalty"]
    whole = ConditionalGAN(epochs=4, early_stop=False, latent_dim=8, width=16).fit(recording)
    assert {each["epoch"] for each in whole.choice_["candidates"]} == {4}
    fixed = ConditionalGAN(epochs=4, early_stop=False, penalty=3.0, latent_dim=8, width=16).fit(recording)
    assert fixed.choice_["why"] == "as set"
    few = ConditionalGAN(**SMALL).fit(trials())
    assert few.choice_["why"].startswith("too few trials to choose on (3 could be put aside)")


def test_a_generator_whose_trials_are_alike_is_named():
    scaled, _ = training_trials(trials(60, 1, 5))
    start = measured(LatentGenerator(Shape(5, 1, 3), 4), scaled)
    assert collapse(start, scaled, 0) is None
    with torch.no_grad():
        start.scale.fill_(-5)
    assert "collapsed" in collapse(start, scaled, 0)


def test_filters_in_a_band_are_a_convolution():
    for frames in (2, 3, 29, 33, 70):
        course, activity = Course(5, 2), torch.randn(3, 4, frames)
        plain = torch.nn.functional.conv1d(
            activity.reshape(12, 1, frames), course.filter.weight[:, None], course.filter.bias, 2, 2
        )
        bent = torch.nn.functional.leaky_relu(plain, 0.2).reshape(3, 4, 6, -1).permute(0, 3, 2, 1).flatten(2)
        torch.testing.assert_close(course(activity), bent)


def test_zero_inflated_fractions_stay_on_their_lattice():
    rng = np.random.default_rng(1)
    values = np.round(rng.binomial(29, 0.2, (30, 1, 6)) * (rng.random((30, 1, 6)) < 0.4) / 29, 6)
    recording = trials(30, 1, 6).assign(calcium=(("trial", "time", "neuron"), values))
    generated = ConditionalGAN(**SMALL).fit(recording).sample(20)["calcium"].values * 29
    assert np.abs(generated - np.round(generated)).max() < 1e-3
    assert lattice_step(rng.normal(size=4000)) == 0
    assert lattice_step(np.round(np.arange(30) / 29, 6).repeat(20)) == pytest.approx(1 / 29, abs=1e-6)


def test_missing_frames_are_masked_and_named():
    recording = trials(24, 6, 5)
    holes = recording.copy(deep=True)
    holes["calcium"][3, 2:4, 1] = np.nan
    holes["calcium"][7] = np.nan
    holes["calcium"][:, :, 4] = np.nan
    with pytest.warns(UserWarning, match="neuron cell 1: 8 of 144 frames are missing"):
        model = ConditionalGAN(**SMALL).fit(holes)
    assert any("1 of 24 trials are missing throughout" in notice for notice in model.notices_)
    generated = model.sample(3)["calcium"]
    assert bool(generated[..., 4].isnull().all())
    assert bool(generated[..., :4].notnull().all())
    scaled, kept = training_trials(holes)
    assert scaled.activity.shape == (23, 5, 6)
    assert (scaled.activity[scaled.seen == 0] == 0).all()
    assert kept.sizes["trial"] == 23
    np.testing.assert_allclose(Scaling.of(kept["calcium"].values).mean[1], np.nanmean(holes["calcium"][..., 1]))


def test_masked_frames_cannot_tell_generated_from_recorded():
    from brainsim.training import Trainer

    holes = trials(24, 6, 5)
    holes["calcium"][:, 2, 1] = np.nan
    plan = Setting(**SMALL).completed(R3GAN.defaults, 24)
    trainer = Trainer(R3GAN(), plan, training_trials(holes)[0])
    batch = trainer._batch(torch.arange(8), torch.full((8, 5, 6), 9.0))
    assert (batch.generated[:, 1, 2] == batch.recorded[:, 1, 2]).all()
    assert (batch.generated[:, 1, 3] == 9).all()


@pytest.mark.parametrize("model", MODELS)
def test_resumed_training_is_the_uninterrupted_one(tmp_path, model):
    class Killed(Exception):
        pass

    def kill(done, total, note=""):
        if note.endswith("left") and done == 5:
            raise Killed

    recording, setting = trials(20, 6, 4), {**SMALL, "model": model, "epochs": 7, "sample_interval": 2}
    whole = ConditionalGAN(**setting).fit(recording, folder=tmp_path / "whole")
    with pytest.raises(Killed):
        ConditionalGAN(**setting).fit(recording, kill, folder=tmp_path / "parts")
    assert sorted(p.stem for p in (tmp_path / "parts" / "checkpoints").iterdir()) == ["000000", "000002", "000004"]
    parts = ConditionalGAN(**setting).fit(recording, folder=tmp_path / "parts", resume=True)
    for name in ("model", "training", "checkpoints/000006"):
        left, right = (read_tensors(tmp_path / run / f"{name}.safetensors") for run in ("whole", "parts"))
        assert left.keys() == right.keys()
        assert all(torch.equal(left[key], right[key]) for key in left)
    assert whole.learning_curve_["wasserstein"].tolist() == parts.learning_curve_["wasserstein"].tolist()
    files = {"config.json", "model.safetensors", "training.safetensors", "learning_curve.csv", "learning_curve.png"}
    assert {p.name for p in (tmp_path / "parts").iterdir()} == files | {"checkpoints", "example_trials.png"}
    loaded = ConditionalGAN.load(tmp_path / "parts")
    xr.testing.assert_identical(loaded.sample(2), whole.sample(2))
    assert loaded.learning_curve_["penalty"].tolist() == whole.learning_curve_["penalty"].tolist()
    early = ConditionalGAN.load(tmp_path / "parts", epoch=2)
    assert not np.array_equal(early.sample(2)["calcium"], whole.sample(2)["calcium"])
    with pytest.raises(InputError, match="trained with lr"):
        ConditionalGAN(**setting, lr=1e-2).fit(recording, folder=tmp_path / "parts", resume=True)
    with pytest.raises(InputError, match="other trials"):
        ConditionalGAN(**setting).fit(trials(20, 6, 4, seed=5), folder=tmp_path / "parts", resume=True)
    with pytest.raises(FitError, match="7 epochs already"):
        ConditionalGAN(**{**setting, "epochs": 3}).fit(recording, folder=tmp_path / "parts", resume=True)


def test_overwriting_keeps_the_old_model_until_the_new_one_exists(tmp_path):
    recording = trials(20, 6, 4)
    ConditionalGAN(**SMALL).fit(recording, folder=tmp_path / "gan")
    old = (tmp_path / "gan" / "model.safetensors").read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        ConditionalGAN(**SMALL).fit(recording, folder=tmp_path / "gan")
    with pytest.raises(FitError, match=r"diverged.*--lr"):
        ConditionalGAN(**SMALL, lr=1e30).fit(recording, folder=tmp_path / "gan", overwrite=True)
    assert (tmp_path / "gan" / "model.safetensors").read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["gan"]
    ConditionalGAN(**SMALL, seed=1).fit(recording, folder=tmp_path / "gan", overwrite=True)
    assert (tmp_path / "gan" / "model.safetensors").read_bytes() != old
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(OutputError, match="not the folder of a generator"):
        ConditionalGAN(**SMALL).fit(recording, folder=tmp_path / "mine", overwrite=True)
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(FitError, match=r"batch of 32 is larger than the 20 trials.*--batch-size 10"):
        ConditionalGAN(batch_size=32, hold_out="none").fit(trials(20))
    with pytest.raises(UnknownName, match=r"no model is called 'wgan'.*did you mean 'wgan-gp'"):
        ConditionalGAN(**SMALL, model="wgan").fit(trials())
    with pytest.raises(UnknownName, match=r"way to hold trials out.*did you mean 'blocks'"):
        ConditionalGAN(hold_out="block").fit(trials())
    with pytest.raises(InputError, match="setting 'lr'"):
        ConditionalGAN(**SMALL, lr=0.0).fit(trials())
    with pytest.raises(InputError, match=r"setting .width."):
        ConditionalGAN(width=0, batch_size=8).fit(trials())
    with pytest.raises(InputError, match="'calcium'"):
        ConditionalGAN(**SMALL).fit(trials().isel(trial=slice(0)))
    with pytest.raises(InputError, match="every trial is missing"):
        ConditionalGAN(**SMALL).fit(trials() * np.nan)


def test_continuous_recording_is_cut_into_trials():
    attrs = {"source": "recorded", "units": "dF/F", "sampling_rate_hz": 10.0}
    coords = {
        "time": np.arange(100) / 10,
        "neuron": [0, 1, 2],
        "onset": ("trial", np.arange(9) * 1.0),
        "stimulus": ("trial", ["a", "b", "c"] * 3),
    }
    values = np.random.default_rng(0).normal(size=(100, 3))
    recording = xr.Dataset({"calcium": (("time", "neuron"), values)}, coords=coords, attrs=attrs)
    generated = ConditionalGAN(**SMALL).fit(recording).sample(1)
    assert dict(generated.sizes) == {"trial": 3, "time": 10, "neuron": 3}


def test_estimator_follows_the_conventions():
    from sklearn.base import clone

    model = ConditionalGAN(epochs=3, lr=0.5)
    assert clone(model).get_params() == model.get_params()
    assert not [name for name in vars(model) if name.endswith("_")]


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Run the installed command in a folder with a recording and a trained generator."""
    folder = tmp_path_factory.mktemp("cli")
    save_recording(trials(), folder / "rec.nc")
    command = entry_points(group="console_scripts", name="brainsim")["brainsim"].load()

    def run(*arguments):
        return CliRunner().invoke(command, [str(a).replace("@", f"{folder}/") for a in arguments])

    done = run("gan", "train", "@rec.nc", "--out", "@gan", "--epochs", 2, *OPTIONS, "--json")
    assert done.exit_code == 0, done.output
    return folder, run, json.loads(done.stdout)


def test_command_line_trains_and_samples(shell):
    folder, run, facts = shell
    assert facts["epochs"] == 2
    assert facts["written"] == [f"{folder}/gan"]
    assert facts["steps_per_second"] > 0
    done = run("gan", "sample", "@gan", "--out", "@gen.nc", "--trials", 5, "--stimulus", "aud", "--seed", 2, "--json")
    assert done.exit_code == 0, done.output
    generated = open_recording(folder / "gen.nc")
    assert generated["stimulus"].values.tolist() == ["aud"] * 5
    assert generated.attrs["seed"] == 2
    assert (
        (folder / "gan" / "learning_curve.csv").read_text().splitlines()[0].startswith("epoch,critic_loss,wasserstein")
    )
    again = run("gan", "train", "@rec.nc", "--out", "@gan", "--epochs", 3, *OPTIONS, "--resume")
    assert again.exit_code == 0, again.output
    assert "3 epochs" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("sample", "@gan", "--out", "@x.nc", "--stimulus", "aud "), 1, "did you mean 'aud'"),
        (("sample", "@nowhere", "--out", "@x.nc"), 1, "there is no such folder"),
        (("sample", "@", "--out", "@x.nc"), 1, "config.json"),
        (("sample", "@gan", "--out", "@rec.nc"), 1, "give --overwrite"),
        (("sample", "@gan", "--out", "@x.csv"), 1, "must end in .nc or .zarr"),
        (("sample", "@gan", "--out", "@x.nc", "--checkpoint", 77), 1, "there are those of 0, 1, 2"),
        (("sample", "@gan", "--out", "@x.nc", "--trials", 0), 2, "Invalid value"),
        (("train", "@rec.nc", "--out", "@gan"), 1, "give --overwrite"),
        (("train", "@none.nc", "--out", "@g"), 1, "there is no such file"),
        (("train", "@rec.nc", "--out", "@g", "--batch-size", 32), 1, "--batch-size 7"),
        (("train", "@rec.nc", "--out", "@g", "--model", "r2gan"), 1, "did you mean 'r3gan'"),
        (("train", "@rec.nc", "--out", "@g", "--resume", "--overwrite"), 2, "exclude each other"),
    ],
)
def test_command_line_refuses(shell, arguments, code, words):
    folder, run, _ = shell
    done = run("gan", *arguments)
    assert done.exit_code == code
    assert words in done.stderr
    assert "Traceback" not in done.output
    assert not (folder / "x.nc").exists()
    assert not (folder / "g").exists()


@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_damaged_model_is_one_clear_sentence(shell, tmp_path, damage):
    import shutil

    folder, run, _ = shell
    shutil.copytree(folder / "gan", tmp_path / "gan")
    model = tmp_path / "gan" / "model.safetensors"
    if damage == "other":
        config = json.loads((tmp_path / "gan" / "config.json").read_text())
        config["shape"]["neurons"] += 1
        (tmp_path / "gan" / "config.json").write_text(json.dumps(config))
    else:
        model.write_bytes(model.read_bytes()[: 5000 if damage == "cut" else 0])
    done = run("gan", "sample", tmp_path / "gan", "--out", tmp_path / "x.nc")
    assert done.exit_code == 1
    assert str(model) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "unforeseen" not in done.stderr
    assert not (tmp_path / "x.nc").exists()


def test_two_processes_train_one_generator_and_resume(tmp_path):
    import os
    import shutil
    import subprocess
    import sys

    save_recording(trials(40, 4, 4), tmp_path / "rec.nc")
    brainsim = shutil.which("brainsim", path=f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}")
    together = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", brainsim]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}

    def train(command, out, epochs, *more):
        options = map(str, (*OPTIONS, "--epochs", epochs, "--seed", 3, *more))
        arguments = [*command, "gan", "train", str(tmp_path / "rec.nc"), "--out", str(tmp_path / out), *options]
        return subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=300)

    for out, epochs, more in (("whole", 4, ()), ("parts", 2, ()), ("parts", 4, ("--resume",))):
        done = train(together, out, epochs, *more)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("the model is that of") == 1
    left, right = (read_tensors(tmp_path / out / "training.safetensors") for out in ("whole", "parts"))
    assert left["random_state"].shape[0] == 2
    assert not torch.equal(*left["random_state"])  # each draws noise of its own
    assert all(torch.equal(left[key], right[key]) for key in left)
    alone = train([brainsim], "parts", 5, "--resume")
    assert alone.returncode == 1
    assert "trained by 2 processes, not 1" in alone.stderr


def test_half_precision_trains_and_keeps_single_precision_weights(monkeypatch):
    from brainsim.training import Trainer

    monkeypatch.setattr(Trainer, "precision", lambda _: torch.autocast("cpu", torch.bfloat16))
    for model in MODELS:
        trained = ConditionalGAN(model, **SMALL).fit(trials())
        assert np.isfinite(trained.learning_curve_["critic_loss"]).all()
        assert {p.dtype for p in trained.generator_.parameters()} == {torch.float32}


def test_bench_holds_models_beside_rivals_on_trials_that_nobody_has_seen(tmp_path):
    rng = np.random.default_rng(0)
    recording = trials(60, 1, 6).assign(calcium=(("trial", "time", "neuron"), rng.poisson(2.0, (60, 1, 6)) / 4))
    save_recording(recording, tmp_path / "rec.nc")
    command = entry_points(group="console_scripts", name="brainsim")["brainsim"].load()
    arguments = [
        "bench",
        "gan",
        tmp_path / "rec.nc",
        "--out",
        tmp_path / "bench",
        "--seeds",
        2,
        "--epochs",
        2,
        "--json",
    ]
    done = CliRunner().invoke(command, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    kinds = {row["method"]: row["kind"] for row in rows}
    assert {"r3gan", "wgan-gp", "photocopy of training trials", "recorded held-out trials"} < set(kinds)
    for row in rows:
        assert all(len(values) == 2 for values in row["values"].values()), row["method"]
        assert "c2st_forest" in row["values"]
    page = (tmp_path / "bench" / "table.md").read_text()
    assert "## rec" in page
    assert "| `tstr` |" in page


def test_an_epoch_is_timed_beside_dense_networks(monkeypatch):
    from brainsim import bench_gan_cost

    monkeypatch.setattr(bench_gan_cost, "GENERATOR_WIDTH", 20)
    monkeypatch.setattr(bench_gan_cost, "CRITIC_WIDTH", 20)
    monkeypatch.setattr(bench_gan_cost, "TRIALS", 80)
    parameters, seconds, _ = bench_gan_cost.measure(bench_gan_cost.ORIGINAL, 0)
    outputs = 259 * 29
    generator = (526 + 1) * 20 + (20 + 1) * 20 + (20 + 1) * outputs
    critic = (outputs + 14 + 1) * 20 + (20 + 1) * 20 + 21
    assert parameters == generator + critic
    assert seconds > 0
