"""A fitted network that runs freely: a recording in order, as active as the one it was fitted to."""

import numpy as np
import pytest
import xarray as xr
from test_gradient import as_events, as_frames, recording, wiring

from brainsim import freerun, schema
from brainsim.error import InputError
from brainsim.gradient import Settings
from brainsim.network import SpikingNetwork
from brainsim.rule.ml import Ml

FIXED = Settings(ridge=10.0)


@pytest.fixture(scope="module")
def recorded():
    """Twenty seconds of events with calcium frames, in two segments, and three trials."""
    data = as_events(recording(wiring(6), seconds=20.0, seed=4))
    time = np.concatenate([np.arange(80) / 10, 10 + np.arange(100) / 10])
    data = data.assign_coords(
        time=time,
        cell_type=("neuron", ["E"] * 5 + ["I"]),
        onset=("trial", [1.0, 4.0, 12.0]),
        duration=("trial", [0.3, 0.3, 0.3]),
        stimulus=("trial", ["sound"] * 3),
        session=("trial", ["a", "a", "b"]),
    )
    data["calcium"] = (("time", "neuron"), np.ones((180, 6)))
    late = (data["spike_time"] < 8) | (data["spike_time"] >= 10)
    data = data.isel(spike=late.values)
    data.attrs.update(sampling_rate_hz=10.0, trial_frames=8)
    return schema.validate(data)


@pytest.fixture(scope="module")
def network(recorded):
    return SpikingNetwork(Ml(), settings=FIXED, seed=9).fit(recorded)


@pytest.fixture(scope="module")
def simulated(network):
    return network.sample()


def test_a_free_run_is_a_recording_in_order(simulated, recorded):
    assert [f for f in schema.check(simulated) if f.severity == "error"] == []
    assert simulated.attrs["source"] == "simulated"
    assert simulated.attrs["seed"] == 9
    assert simulated.attrs["model"] == "ml/lif"
    np.testing.assert_array_equal(simulated["neuron"], recorded["neuron"])
    np.testing.assert_array_equal(simulated["time"], recorded["time"])
    assert simulated["calcium"].dims == ("time", "neuron")
    assert np.isfinite(simulated["calcium"]).all()


def test_it_has_the_trials_of_the_recording(simulated, recorded):
    for name in ("onset", "duration", "stimulus", "session"):
        np.testing.assert_array_equal(simulated[name], recorded[name])
    assert simulated.attrs["trial_frames"] == 8


def test_it_fires_as_often_as_the_recording_and_each_neuron_too(simulated, recorded):
    ratio = simulated.sizes["spike"] / recorded.sizes["spike"]
    assert simulated.attrs["rate_ratio"] == pytest.approx(ratio)
    assert 0.7 < ratio < 1.4
    assert "notices" not in simulated.attrs
    ours, theirs = (np.bincount(d["spike_neuron"], minlength=6) for d in (simulated, recorded))
    np.testing.assert_allclose(ours, theirs, rtol=0.5)


def test_a_seed_decides_it(network, simulated):
    xr.testing.assert_identical(network.sample(), simulated)
    other = network.sample(10)
    assert other.attrs["seed"] == 10
    assert other.sizes["spike"] != simulated.sizes["spike"]


def test_weights_act_in_the_free_run(network):
    fit = network.fit_.copy(deep=True)
    fit["bias"].values[:] = [-3.0, -12, -12, -12, -12, -12]
    fit["covariate_weight"].values[:] = 0
    fit["history"].values[:] = 0
    fit["weight"].values[:] = 0
    quiet = np.bincount(freerun.sample(fit, 1)["spike_neuron"], minlength=6)
    assert quiet[0] > 100
    assert (quiet[1:] < 5).all()
    fit["weight"].values[0, 2] = 9.0
    fit["largest"].values[:] = 1.0
    driven = freerun.sample(fit, 1)
    count = np.bincount(driven["spike_neuron"], minlength=6)
    assert count[2] > 20
    assert (count[[1, 3, 4, 5]] < 5).all()
    first = driven["spike_time"].values[driven["spike_neuron"].values == 0]
    for t in driven["spike_time"].values[driven["spike_neuron"].values == 2]:
        assert ((first < t) & (first > t - 0.1)).any(), "it fires after its only input only"


def test_a_runaway_is_said_and_stays_finite(network):
    fit = network.fit_.copy(deep=True)
    fit["weight"].values[:] = 3.0
    fit["history"].values[:] = 1.0
    fit["largest"].values[:] = 1.0
    wild = freerun.sample(fit)
    assert wild.attrs["rate_ratio"] > 3
    assert "do not trust it" in wild.attrs["notices"]
    assert np.isfinite(wild["calcium"]).all()


@pytest.mark.parametrize("cut", [False, True])
def test_a_fit_of_frames_gives_frames(cut):
    data = as_frames(recording(wiring(5, size=0.4), seconds=6.0, seed=5))
    assert data["spikes"].mean() < 0.05, "it is no runaway itself"
    if cut:
        values = data["spikes"].values.reshape(6, 1000, 5)
        data = xr.Dataset(
            {"spikes": (("trial", "time", "neuron"), values)},
            coords={"time": np.arange(1000) / 1000, "neuron": data["neuron"].values, "stimulus": ("trial", ["a"] * 6)},
            attrs=data.attrs,
        )
    else:
        data = data.isel(time=np.r_[0:2500, 3000:6000])
    simulated = SpikingNetwork(settings=FIXED).fit(data).sample(2)
    assert [f for f in schema.check(simulated) if f.severity == "error"] == []
    assert simulated["spikes"].dims == data["spikes"].dims
    assert simulated["calcium"].shape == data["spikes"].shape
    np.testing.assert_allclose(simulated["time"], data["time"], atol=1e-9)
    assert 0.7 < float(simulated["spikes"].sum() / data["spikes"].sum()) < 1.4


def test_only_a_fit_of_the_rule_ml_runs_freely():
    with pytest.raises(InputError, match=r"'nearest-stdp' does not run freely; fit with --rule ml"):
        freerun.sample(xr.Dataset(attrs={"rule": "nearest-stdp"}))
    with pytest.raises(InputError, match=r"field 'rule'"):
        freerun.sample(xr.Dataset())
    with pytest.raises(InputError, match="nothing was fitted yet"):
        SpikingNetwork().sample()
