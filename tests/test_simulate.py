"""Every preset, shortened: a recording in order whose truth holds together, decided by its seed."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from brainsim import catalog, schema
from brainsim.anatomy import distances, draw_anatomy, random_network
from brainsim.drive import make_drive
from brainsim.preset import Oscillations, PinkNoise, Wiring
from brainsim.simulate import simulate

NEURONS, FRAMES, SEEN = 12, 14, 8


def shortened(preset):
    """The same experiment with 12 neurons, 8 of them seen where not all are, and at most three sessions of 14 frames.

    A plastic session is among them. Fast frames become a few more, so that there are spikes.
    """

    class Short(type(preset)):
        name = preset.name

        def sessions(self):
            every = super().sessions()
            some = [every[0], *[s for s in every[1:] if s.stimulus][:1], *[s for s in every[1:] if s.plastic][:1]]
            return tuple(replace(s, frames=frames(self)) for s in some)

        def wiring(self):
            wiring = super().wiring()
            return replace(wiring, probability=max(wiring.probability, 0.5), synapses=min(wiring.synapses, 6))

        def afferents(self):
            return replace(super().afferents(), trial_frames=5, interval_s=0.8)

    short = Short(**vars(preset))
    return replace(short, neurons=NEURONS, inhibitory=3, observed=SEEN * bool(preset.observed), observed_inhibitory=2)


def frames(preset):
    """Return how many frames a session of a shortened preset has, those of 1400 time steps."""
    return round(FRAMES / 10 * preset.frame_rate_hz * preset.dt_ms)


def seen(preset):
    return preset.observed or preset.neurons


@pytest.fixture(scope="module", params=catalog.names("preset"))
def made(request):
    preset = shortened(catalog.get("preset", request.param)())
    return preset, simulate(preset, 1, "numpy")


def test_a_preset_makes_a_recording_in_order(made):
    preset, data = made
    assert [f for f in schema.check(data) if f.severity == "error"] == []
    assert data.attrs["source"] == "simulated"
    assert data.attrs["seed"] == 1
    assert ("calcium" in data) == (preset.indicator() is not None)
    sessions = preset.sessions()
    if "calcium" in data:
        assert data["calcium"].dims == ("time", "neuron")
        assert data.sizes["time"] == frames(preset) * len(sessions)
        assert np.isfinite(data["calcium"]).all()
        assert data["calcium"].std("time").min() > 0
    length = frames(preset) / preset.frame_rate_hz
    assert data.attrs["duration_s"] == pytest.approx(length * len(sessions) + preset.pause_s * (len(sessions) - 1))
    assert data.sizes["neuron"] == data.sizes["pre"] == data.sizes["post"] == seen(preset)
    assert (np.diff(data["spike_time"]) >= 0).all()
    assert data.sizes["spike"] > 0
    assert set(data["spike_neuron"].values.tolist()) <= set(range(seen(preset)))
    step = data["spike_time"].values * 1000 / preset.dt_ms
    np.testing.assert_allclose(step, np.round(step), atol=1e-6, err_msg="spikes lie on time steps")


def test_the_full_size_preset_holds_together(made):
    preset = catalog.get("preset", made[0].name)()
    assert 0 < preset.inhibitory < preset.neurons
    assert preset.observed_inhibitory <= preset.inhibitory
    assert preset.observed - preset.observed_inhibitory <= preset.neurons - preset.inhibitory
    anatomy = draw_anatomy(preset, np.random.default_rng(0))
    assert anatomy.observed == seen(preset)
    assert (~anatomy.excitatory).sum() == preset.inhibitory
    if preset.observed:
        assert (~anatomy.excitatory[: preset.observed]).sum() == preset.observed_inhibitory
    among = anatomy.weight[: anatomy.observed, : anatomy.observed]
    assert (among > 0).any()
    assert (among < 0).any()


def test_a_delay_stands_where_there_is_a_synapse(made):
    preset, data = made
    wiring = preset.wiring()
    assert ("true_delay" in data) == (wiring.delay_ms is not None)
    if "true_delay" not in data:
        return
    delay, excitatory = 1000 * data["true_delay"].values, (data["cell_type"] == "E").values
    np.testing.assert_array_equal(np.isnan(delay), data["true_weight"] == 0)
    for cells, (shortest, longest) in (
        (excitatory, wiring.delay_ms),
        (~excitatory, wiring.inhibitory_delay_ms or wiring.delay_ms),
    ):
        assert np.nanmin(delay[cells]) >= shortest - 1e-9
        assert np.nanmax(delay[cells]) <= longest + 1e-9


def test_the_truth_obeys_dales_law(made):
    _, data = made
    excitatory = (data["cell_type"] == "E").values
    assert 0 < excitatory.sum() < len(excitatory)
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
    assert not np.array_equal(other["spike_time"], data["spike_time"])
    if "calcium" in data:
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


def test_strong_synapses_make_their_targets_fire_after_their_delay():
    preset = catalog.get("preset", "lif-sampled")

    class Strong(preset):
        def wiring(self):
            return Wiring(probability=0.08, excitatory=30.0, inhibitory=0.1, spread=0.0, delay_ms=(2.0, 6.0))

        def sessions(self):
            return tuple(replace(s, frames=40) for s in super().sessions())

    data = simulate(Strong(neurons=16, inhibitory=3, observed=12, observed_inhibitory=2), 3, "numpy")
    step = np.zeros((12, 8000), bool)
    step[data["spike_neuron"], np.round(data["spike_time"] * 2000).astype(int)] = True
    follows = np.zeros((12, 12))
    for pre, post in np.argwhere(data["true_weight"].values > 0):
        begin = round(float(data["true_delay"][pre, post]) * 2000)
        at = np.flatnonzero(step[pre, :-40])
        answered = [step[post, t + begin : t + begin + 5].any() for t in at if not step[post, t - 5 : t + begin].any()]
        too_soon = [step[post, t + 1 : t + begin].any() for t in at]
        follows[pre, post] = np.mean(answered)
        assert np.mean(too_soon) < 0.5
    edges = data["true_weight"].values > 0
    assert edges.sum() > 3
    assert follows[edges].min() > 0.7


def test_a_cell_can_have_a_number_of_synapses():
    weight = random_network(np.arange(50) < 40, Wiring(synapses=7), np.random.default_rng(0))
    np.testing.assert_array_equal((weight != 0).sum(1), 7)
    assert (np.diag(weight) == 0).all()


def test_near_cells_are_connected_more_often():
    rng = np.random.default_rng(0)
    position = rng.uniform(0, 500, (200, 2))
    wiring = Wiring(probability=0.8, length_um=100.0)
    there = random_network(np.arange(200) < 160, wiring, rng, position) != 0
    far = distances(position)
    for low, high in ((10, 60), (150, 250)):
        band = (far > low) & (far < high)
        assert there[band].mean() == pytest.approx((0.8 * np.exp(-far[band] / 100)).mean(), abs=0.04)


def test_pink_noise_is_shared_by_neighbours_and_slow():
    kind = PinkNoise(strength=2.0, length_um=100.0, lowest_hz=0.1, highest_hz=20.0)
    position = np.array([[0.0, 0.0], [50.0, 0.0], [200.0, 0.0]])
    drive = make_drive(kind, position, 2000.0, 0.5, np.random.default_rng(0))
    assert drive.frame_steps == 20
    assert drive.gain is None
    assert len(drive.current) * drive.frame_steps * 0.5e-3 >= 2000
    np.testing.assert_allclose(drive.current.std(0), 2.0, rtol=0.15)
    np.testing.assert_allclose(np.corrcoef(drive.current.T), np.exp(-distances(position) / 100), atol=0.15)
    power = (np.abs(np.fft.rfft(drive.current, axis=0)) ** 2).mean(1)
    hertz = np.fft.rfftfreq(len(drive.current), 0.01)
    assert power[hertz < 0.09].max() < 1e-6 * power.max()
    octaves = [power[(hertz > f) & (hertz < 2 * f)].sum() for f in (0.5, 2.0, 8.0)]
    np.testing.assert_allclose(octaves, np.mean(octaves), rtol=0.25, err_msg="each octave has the same power")


def test_rhythms_have_their_frequencies_and_wax_and_wane():
    kind = Oscillations(strength=3.0, frequencies_hz=(7.0, 20.0), share=0.4, waxing_s=1.0)
    drive = make_drive(kind, np.zeros((400, 2)), 1000.0, 1.0, np.random.default_rng(0))
    assert drive.shared == 2
    np.testing.assert_allclose(drive.current.std(0), 1.0, rtol=0.2)
    power = np.abs(np.fft.rfft(drive.current, axis=0)) ** 2
    hertz = np.fft.rfftfreq(len(drive.current), 0.005)
    for k, wanted in enumerate(kind.frequencies_hz):
        assert np.average(hertz, weights=power[:, k]) == pytest.approx(wanted, rel=0.2)
        second = drive.current[: 200 * 1000, k].reshape(-1, 200).std(1)
        assert second.max() > 2 * np.median(second) > 4 * second.min()
    assert (drive.gain > 0).mean() == pytest.approx(0.4, abs=0.05)
    assert ((drive.gain > 0).all(0)).any(), "subgroups overlap"
    assert drive.gain[drive.gain > 0].mean() == pytest.approx(3.0, rel=0.1)
