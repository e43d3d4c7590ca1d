"""Every preset, shortened: a recording in order whose truth holds together, decided by its seed."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from brainsim import catalog, schema
from brainsim.preset import Wiring
from brainsim.simulate import random_network, simulate

NEURONS, FRAMES = 12, 14


def shortened(preset):
    """The same experiment with 12 neurons and at most three sessions of 14 frames, a plastic one among them."""

    class Short(type(preset)):
        name = preset.name

        def sessions(self):
            every = super().sessions()
            some = [every[0], *[s for s in every[1:] if s.stimulus][:1], *[s for s in every[1:] if s.plastic][:1]]
            return tuple(replace(s, frames=FRAMES) for s in some)

        def afferents(self):
            return replace(super().afferents(), trial_frames=5, interval_s=0.8)

    short = Short(**vars(preset))
    return replace(short, neurons=NEURONS, inhibitory=3)


@pytest.fixture(scope="module", params=catalog.names("preset"))
def made(request):
    preset = shortened(catalog.get("preset", request.param)())
    return preset, simulate(preset, 1, "numpy")


def test_a_preset_makes_a_recording_in_order(made):
    preset, data = made
    assert [f for f in schema.check(data) if f.severity == "error"] == []
    assert data.attrs["source"] == "simulated"
    assert data.attrs["seed"] == 1
    assert data["calcium"].dims == ("time", "neuron")
    sessions = preset.sessions()
    assert data.sizes["time"] == FRAMES * len(sessions)
    assert np.isfinite(data["calcium"]).all()
    assert (np.diff(data["spike_time"]) >= 0).all()
    assert data.sizes["spike"] > 0
    assert set(data["spike_neuron"].values.tolist()) <= set(range(NEURONS))
    assert data["calcium"].std("time").min() > 0


def test_the_truth_obeys_dales_law(made):
    _, data = made
    excitatory = (data["cell_type"] == "E").values
    assert 0 < excitatory.sum() < NEURONS
    for name in ("true_weight", "true_weight_before"):
        if name in data:
            assert (data[name].values[excitatory] >= 0).all()
            assert (data[name].values[~excitatory] <= 0).all()
            assert (np.diag(data[name]) == 0).all()
    assert (data["true_weight"] != 0).any()


def test_a_seed_decides_everything(made):
    preset, data = made
    xr.testing.assert_identical(simulate(preset, 1, "numpy"), data)
    other = simulate(preset, 2, "numpy")
    assert not np.array_equal(other["calcium"], data["calcium"])
    assert not np.array_equal(other["true_weight"], data["true_weight"])
    assert not np.array_equal(other["position"], data["position"])


def test_trials_lie_in_their_sessions(made):
    preset, data = made
    if "onset" not in data.coords:
        assert not any(s.stimulus for s in preset.sessions())
        return
    by_name = {s.name: s for s in preset.sessions()}
    start = {s.name: k * (FRAMES / preset.frame_rate_hz + preset.pause_s) for k, s in enumerate(preset.sessions())}
    for onset, stimulus, session in zip(*(data[n].values for n in ("onset", "stimulus", "session")), strict=True):
        assert stimulus == by_name[session].label
        frame = round((onset - start[session]) * preset.frame_rate_hz)
        assert 0 <= frame <= FRAMES - 5
        assert np.isclose(data["time"], onset, atol=1e-6).any(), "a trial begins on a frame"


def test_only_plastic_sessions_change_weights(made):
    preset, data = made
    plastic = any(s.plastic for s in preset.sessions())
    assert plastic == ("true_weight_before" in data)
    if not plastic:
        return
    before, after = data["true_weight_before"].values, data["true_weight"].values
    np.testing.assert_array_equal(before == 0, after == 0)
    assert (before != after).any()

    class Still(type(preset)):
        def sessions(self):
            return tuple(replace(s, plastic=False) for s in super().sessions())

    still = simulate(Still(**vars(preset)), 1, "numpy")
    assert "true_weight_before" not in still
    np.testing.assert_array_equal(still["true_weight"], before)


def test_a_stimulus_makes_its_cells_fire():
    preset = replace(shortened(catalog.get("preset", "pairing-small")()), neurons=30, inhibitory=6)
    data = simulate(preset, 0, "numpy")
    onset = data["onset"].values[:, None]
    times = data["spike_time"].values
    inside = ((times >= onset) & (times < onset + 0.5)).any(0).sum() / (len(onset) * 0.5)
    outside = ((times < onset) & (times >= onset - 0.5)).any(0).sum() / (len(onset) * 0.5)
    assert inside > 1.3 * outside


def test_random_networks_have_the_wiring_asked_for():
    excitatory = np.arange(200) < 160
    wiring = Wiring(probability=0.1, excitatory=2.0, inhibitory=5.0, spread=0.5, strongest=3.0)
    weight = random_network(excitatory, wiring, np.random.default_rng(0))
    other = ~np.eye(200, dtype=bool)
    assert (weight[other] != 0).mean() == pytest.approx(0.1, abs=0.01)
    assert (np.diag(weight) == 0).all()
    up, down = weight[weight > 0], -weight[weight < 0]
    assert up.mean() == pytest.approx(2.0, rel=0.05)
    assert down.mean() == pytest.approx(5.0, rel=0.05)
    assert up.max() <= 6
    assert down.max() <= 15
    assert np.log(up).std() == pytest.approx(0.5, rel=0.1)
