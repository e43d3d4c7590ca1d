"""The trust report: a network that made the recording passes, one that did not is said to."""

import numpy as np
import pytest
import xarray as xr

from brainsim import freerun, gradient, trust
from brainsim.encoding import encode
from brainsim.folds import blocked_folds
from brainsim.gradient import Settings
from brainsim.hidden import _expected, share_hidden
from brainsim.network import SpikingNetwork
from brainsim.recorded import Events
from brainsim.trait import Missing, Train
from brainsim.trust import trust_report


def made(n=6, bins=12000, bin_s=0.005, binned=False):
    """A fit written by hand: half of the pairs connected, 12 spikes per second, a stimulus that doubles the rate."""
    rng = np.random.default_rng(3)
    weight = rng.normal(0.3, 0.3, (n, n)) * (rng.random((n, n)) < 0.5)
    np.fill_diagonal(weight, 0)
    onset = np.arange(100, bins - 100, 400)
    fit = xr.Dataset(
        {
            "weight": (("pre", "post"), weight),
            "bias": ("neuron", rng.normal(-2.8, 0.2, n)),
            "history": ("neuron", np.full(n, -0.5)),
            "largest": ("neuron", np.full(n, 0.5)),
            "count": ("neuron", np.full(n, 700.0)),
            "spike_unit_used": ("neuron", np.full(n, 1.0)),
            "covariate_weight": (("covariate", "neuron"), np.full((1, n), 0.7)),
            "jump_covariate": ("jump", np.zeros(2 * len(onset))),
            "jump_bin": ("jump", np.sort(np.concatenate([onset, onset + 100])).astype(float)),
            "jump_size": ("jump", np.tile([1.0, -1.0], len(onset))),
            "stretch_bin": ("stretch", [0.0]),
            "stretch_time": ("stretch", [0.0]),
        },
        coords={"neuron": np.arange(n), "covariate": ["stimulus a"]},
        attrs={"rule": "ml", "neuron_model": "lif", "bin_s": bin_s, "bins": bins, "tau_s": 2 * bin_s, "delay_s": bin_s},
    )
    fit = fit.assign_coords(onset=("trial", onset * bin_s), stimulus=("trial", ["a"] * len(onset)))
    return fit.assign_attrs(input="binned" if binned else "events", sampling_rate_hz=1 / bin_s if binned else 10.0)


def drawn(fit, seed=11):
    return freerun.sample(fit, seed, "numpy")


@pytest.fixture(scope="module")
def fit():
    return made()


@pytest.fixture(scope="module")
def recorded(fit):
    return drawn(fit)


def test_the_network_that_made_the_recording_is_trusted(fit, recorded):
    report = trust_report(recorded, fit, 1, "numpy")
    assert report.attrs["trust"] == "the free network runs like the recording on 4 of 4 checks"
    assert report.attrs["trust_checks_passed"] == report.attrs["trust_checks"] == 4
    assert 0.8 < report.attrs["trust_rate_ratio"] < 1.25
    assert report.attrs["trust_seconds"] == pytest.approx(12, rel=0.1)
    assert report.attrs["trust_share_hidden"] < 0.4
    np.testing.assert_allclose(report["rate_simulated"], report["rate_recorded"], rtol=0.4)
    np.testing.assert_allclose(report["cv_simulated"], report["cv_recorded"], atol=0.4)
    for name in ("rate", "cv", "correlation", "psth"):
        assert report.attrs[f"trust_{name}_floor"] > 0
    for name in fit.variables:
        xr.testing.assert_identical(report[name], fit[name])
    xr.testing.assert_identical(trust_report(recorded, fit, 1, "numpy"), report)


def test_weights_five_times_too_large_are_not(fit, recorded):
    wild = fit.copy(deep=True)
    wild["weight"] *= 5
    report = trust_report(recorded, wild, 1, "numpy")
    assert "do not trust its connections" in report.attrs["trust"]
    assert "times as often as the recording" in report.attrs["trust"]
    assert "rates" in report.attrs["trust"]
    assert report.attrs["trust_rate_ratio"] > 2
    assert report.attrs["trust_checks_passed"] < 3


def test_a_silent_free_network_is_not_either(fit, recorded):
    quiet = fit.copy(deep=True)
    quiet["bias"] -= 50
    report = trust_report(recorded, quiet, 1, "numpy")
    assert "fires 0 times as often" in report.attrs["trust"]
    assert "do not trust" in report.attrs["trust"]


def test_without_stimuli_there_are_three_checks(fit, recorded):
    report = trust_report(recorded.drop_vars(["stimulus", "onset"]), fit, 1, "numpy")
    assert report.attrs["trust_checks"] == 3
    assert not [name for name in report.attrs if "psth" in name]


def test_one_neuron_has_no_correlations():
    alone = made(1)
    report = trust_report(drawn(alone), alone, 1, "numpy")
    assert np.isnan(report.attrs["trust_correlation"])
    assert report.attrs["trust"] == "the free network runs like the recording on 3 of 3 checks"


def test_inferred_spikes_have_no_intervals():
    frames = made(bins=6000, bin_s=0.05, binned=True).assign_attrs(tau_s=0.05)
    data = drawn(frames)
    data["spikes"] = data["spikes"].where((data["time"] < 100) | (data["neuron"] != 2))  # missing from there on
    report = trust_report(data, frames, 1, "numpy")
    assert report.attrs["trust"] == "the free network runs like the recording on 3 of 3 checks"
    assert "cv_simulated" not in report
    assert float(report["rate_recorded"][2]) == pytest.approx(float(report["rate_simulated"][2]), rel=0.4)


def test_few_spikes_and_many_neurons_are_said(fit, recorded, monkeypatch):
    few = recorded.isel(spike=slice(None, None, 60))
    assert trust_report(few, fit, 1, "numpy").attrs["trust"].startswith("cannot be told: ")
    monkeypatch.setattr(trust, "MOST_NEURONS", 5)
    assert trust_report(recorded, fit).attrs["trust"].startswith("not checked: 6 neurons are more than 5")


def test_where_nothing_is_held_out_it_says_so():
    short = made(60, bins=50)
    report = trust_report(drawn(short), short, 1, "numpy")
    assert not blocked_folds(50, 2).held(50).any()
    assert report.attrs["trust_seconds"] == pytest.approx(0.25)
    assert "no time was held out" in report.attrs["trust"]


def test_at_most_ten_minutes_run_freely(fit, monkeypatch):
    monkeypatch.setattr(trust, "LONGEST_S", 15.0)
    held, controls, blocked = trust._blocks(fit)
    assert blocked
    assert len(held) == 1000
    assert all(len(each) == 1000 and not np.isin(each, held).any() for each in controls)


def test_the_expected_counts_are_those_of_the_dense_model(fit, recorded):
    encoded, bins = encode(recorded, "events", 0.005), 12000
    counts = np.zeros((bins, 6))
    counts[encoded.spikes.step, encoded.spikes.source_of_each()] = encoded.spikes.amplitude
    trace, level, expected = np.zeros(6), np.zeros(bins), np.zeros((bins, 6))
    np.add.at(level, fit["jump_bin"].values.astype(int), fit["jump_size"].values)
    weight = fit["weight"].values + np.diag(fit["history"].values)
    for t in range(bins):
        trace = trace * np.exp(-0.5) + (counts[t - 1] if t else 0)
        drive = fit["bias"].values + trace @ weight + level[: t + 1].sum() * fit["covariate_weight"].values[0]
        expected[t] = np.exp(drive)
    chosen = np.r_[3000:5000, 9000:9980]
    dense = expected[chosen].reshape(-1, 20, 6).sum(1)
    np.testing.assert_allclose(_expected(fit, encoded, chosen, 20), dense, rtol=1e-6)


def test_a_slow_hidden_drive_shows(fit):
    rng, bins = np.random.default_rng(5), 12000
    slow = np.repeat(rng.normal(0, 1.2, bins // 100), 100)
    counts = rng.poisson(np.exp(-3.5 + slow)[:, None] * np.ones(6))
    at, cell = np.nonzero(counts)
    data = xr.Dataset(
        {"spike_time": ("spike", (at + 0.5) * 0.005), "spike_neuron": ("spike", cell)},
        coords={"neuron": np.arange(6)},
        attrs={"source": "recorded", "duration_s": 60.0},
    )
    plain = fit.copy(deep=True)
    plain["weight"] *= 0
    plain["history"] *= 0
    plain["covariate_weight"] *= 0
    plain["bias"][:] = np.log(counts.mean(0))
    report = trust_report(data, plain, 1, "numpy")
    assert report.attrs["trust_share_hidden"] > 0.9
    assert "of the variance of the drive is left to hidden input" in report.attrs["trust"]
    assert "trust it with care" in report.attrs["trust"]
    encoded = encode(data, "events", 0.005)
    spikes = encoded.spikes.source_of_each(), encoded.spikes.step.astype(np.int64), encoded.spikes.amplitude
    whole = Train.of(spikes, np.arange(bins), Missing(encoded.gaps, bins))
    assert share_hidden(plain, encoded, whole) > 0.9


def test_counts_of_poisson_noise_leave_nothing_to_hidden_input(fit):
    plain = fit.copy(deep=True)
    for name in ("weight", "history", "covariate_weight"):
        plain[name] *= 0
    for seed in range(3):
        encoded = encode(drawn(plain.assign_attrs(bins=4000), seed), "events", 0.005)
        spikes = encoded.spikes.source_of_each(), encoded.spikes.step.astype(np.int64), encoded.spikes.amplitude
        whole = Train.of(spikes, np.arange(4000), Missing(encoded.gaps, 4000))
        assert not share_hidden(plain, encoded, whole) > 0


def test_traits_are_those_of_numpy():
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.2, (1000, 3))
    counts[400:430] = 0
    counts[700:800, 1] = 0
    gaps = Events.of(
        np.array([0, 0, 1, 1, 2, 2, 1, 1]), np.array([400, 430] * 3 + [700, 800]), np.tile([1.0, -1.0], 4), 3
    )
    at, cell = np.nonzero(counts)
    train = Train.of((cell, at, counts[at, cell].astype(float)), np.arange(100, 900), Missing(gaps, 1000))
    kept = np.r_[100:400, 430:900]
    np.testing.assert_array_equal(train.chosen, kept)
    np.testing.assert_array_equal(train.seen, [770, 670, 770])
    np.testing.assert_allclose(train.rate(), counts[kept].sum(0) / [770, 670, 770])
    windows = counts[kept].reshape(-1, 10, 3).sum(1)
    np.testing.assert_array_equal(train.windows(10).toarray(), windows)
    np.testing.assert_allclose(train.correlation(10), np.corrcoef(windows.T)[np.triu_indices(3, 1)])
    times = [np.flatnonzero(counts[a:b, 0]) for a, b in ((100, 400), (430, 900))]
    interval = np.concatenate([np.diff(t) for t in times])
    assert train.variation()[0] == pytest.approx(interval.std() / interval.mean())


def test_the_fit_asks_for_it_unless_told_not_to(fit, recorded, monkeypatch):
    monkeypatch.setattr(gradient, "fit", lambda *args: fit.copy(deep=True))
    report = SpikingNetwork(settings=Settings(target="numpy"), seed=1).fit(recorded).fit_
    assert report.attrs["trust"].endswith("on 4 of 4 checks")
    plain = SpikingNetwork(settings=Settings(target="numpy", check=False), seed=1).fit(recorded).fit_
    assert not [name for name in plain.attrs if name.startswith("trust")]
