"""Online rules: `nearest-stdp` against a plain loop over its equations, and the route from fluorescence to weights."""

import numpy as np
import pytest
import xarray as xr

from brainsim import assembly, online, repeat
from brainsim.blueprint import values
from brainsim.engine import Network
from brainsim.error import InputError
from brainsim.gradient import Settings
from brainsim.network import SpikingNetwork
from brainsim.neuron.izhikevich import Izhikevich
from brainsim.neuron.lif import Lif
from brainsim.recorded import RecordedInput
from brainsim.rule.nearest_stdp import NearestStdp
from brainsim.rule.static import Static

NEURONS, STEPS, FRAME = 20, 2000, 10
RULE = NearestStdp(A_plus=0.02, A_minus=-0.01)


@pytest.fixture(scope="module")
def case():
    return drawn_case(0)


def drawn_case(seed):
    """Cells, weights and a current of pulses: under a steady one rounding grows, in this chaotic network, to spikes."""
    rng = np.random.default_rng(seed)
    excitatory = np.arange(NEURONS) % 5 != 4
    cells = Izhikevich().per_cell(excitatory, rng)
    current = np.where(rng.random((STEPS // FRAME, NEURONS)) < 0.15, 20, 0).astype(np.float32)
    return excitatory, cells, repeat.random_weights(excitatory, rng), current


def transcribed(excitatory, cell, weight, current, rule):
    """The original loop: threshold, kick, learning, reset, two half steps; all in plain Python.

    Cells that fire now are paired with those that fired when any cell last fired before now.
    """
    weight, n = weight.copy(), len(excitatory)
    v, u = cell["v"].copy(), cell["u"].copy()
    last_time, last_fired, spikes = None, [], []
    for t in range(STEPS):
        fired = [i for i in range(n) if v[i] >= 30]
        spikes += [(t, i) for i in fired]
        kick = [sum(weight[j, i] for j in fired) for i in range(n)]
        if last_time is not None:
            for post in fired:  # the post fires now, the pre fired last time: pre before post
                for pre in last_fired:
                    weight[pre, post] *= 1 + sign(excitatory, pre, post) * rule.A_plus * np.exp(
                        -(t - last_time) / rule.tau_plus
                    )
            for pre in fired:  # the pre fires now, the post fired last time: post before pre
                for post in last_fired:
                    weight[pre, post] *= 1 + sign(excitatory, pre, post) * rule.A_minus * np.exp(
                        -(t - last_time) / rule.tau_minus
                    )
        if fired:
            last_time, last_fired = t, fired
        for i in range(n):
            if i in fired:
                v[i], u[i] = cell["c"][i], u[i] + cell["d"][i]
            drive = kick[i] + float(current[t // FRAME, i])
            for _ in range(2):
                v[i] += 0.5 * (0.04 * v[i] ** 2 + 5 * v[i] + 140 - u[i] + drive)
            u[i] += cell["a"][i] * (cell["b"][i] * v[i] - u[i])
    return spikes, weight


def sign(excitatory, pre, post):
    """E->E and I->E as the formula says, E->I reversed, I->I fixed."""
    if excitatory[post]:
        return 1
    return -1 if excitatory[pre] else 0


def run(case, rule=RULE, plastic=1.0, target="numpy"):
    excitatory, cells, weight, current = case
    network = Network(assembly.free_running(Izhikevich(), rule, NEURONS), target)
    arrays = {
        "synapse.w": weight,
        "synapse.direction": repeat.directions(excitatory),
        "synapse.plastic": plastic,
        "neuron.current_gain": 1.0,
        **values(Izhikevich(), "neuron"),
        **values(rule, "synapse"),
        **{f"neuron.{k}": v for k, v in (rule.initial | cells).items()},
    }
    steady = np.repeat(current, FRAME, axis=0)
    recorded = RecordedInput(STEPS, current=steady, current_slope=np.zeros_like(steady), frame_steps=1)
    found = network.run(recorded, arrays, ["synapse.w", "neuron_spikes.i", "neuron_spikes.t"])
    times = np.round(found["neuron_spikes.t"] * 1000).astype(int)
    return sorted(zip(times.tolist(), found["neuron_spikes.i"].tolist(), strict=True)), found["synapse.w"].reshape(
        NEURONS, NEURONS
    )


@pytest.fixture(scope="module")
def learned(case):
    return run(case)


@pytest.fixture(scope="module")
def published(case):
    return transcribed(*case, RULE)


@pytest.mark.parametrize("target", ["numpy", "cpp"])
def test_nearest_stdp_is_the_plain_loop(case, published, target):
    excitatory, cells, weight, current = case
    spikes, expected = published
    found = run(case, target=target)
    assert len(spikes) > 500
    assert found[0] == spikes
    np.testing.assert_allclose(found[1], expected, rtol=1e-9, atol=1e-15)
    assert (np.diag(found[1]) == 0).all()
    assert np.abs(expected[weight != 0] / weight[weight != 0] - 1).max() > 0.1, "weights did change"
    assert run((excitatory, cells, 0 * weight, current), target=target)[0] != spikes, "the synapses drive the cells"


def test_cells_that_fire_together_or_further_back_are_not_paired():
    """Three cells made to fire at chosen times: only the last firing time of the network counts."""
    at = {0: (10, 40), 1: (10, 20), 2: (40,)}
    current = np.zeros((60, 3), np.float32)
    for cell, times in at.items():
        for t in times:
            current[t - 1, cell] = 400
    excitatory, cells = np.ones(3, bool), Izhikevich().per_cell(np.ones(3, bool), np.random.default_rng(0))
    network = Network(assembly.free_running(Izhikevich(), RULE, 3), "numpy")
    arrays = {
        "synapse.w": 1e-9,
        "synapse.direction": repeat.directions(excitatory),
        "synapse.plastic": 1.0,
        "neuron.current_gain": 1.0,
        **values(Izhikevich(), "neuron"),
        **values(RULE, "synapse"),
        **{f"neuron.{k}": v for k, v in (RULE.initial | cells).items()},
    }
    recorded = RecordedInput(60, current=current, current_slope=np.zeros_like(current))
    found = network.run(recorded, arrays, ["synapse.w", "neuron_spikes.i", "neuron_spikes.t"])
    fired = {(round(t * 1000), i) for t, i in zip(found["neuron_spikes.t"], found["neuron_spikes.i"], strict=True)}
    assert fired == {(t, cell) for cell, times in at.items() for t in times}
    up, down = (lambda dt: 1 + 0.02 * np.exp(-dt / 20)), (lambda dt: 1 - 0.01 * np.exp(-dt / 60))
    expected = np.ones((3, 3))
    expected[0, 1] = up(10) * down(20)  # 0 at 10, 1 at 20; then 1 at 20, 0 at 40
    expected[1, 0] = up(20) * down(10)
    expected[1, 1] = up(10) * down(10)  # 1 at 10 and at 20
    expected[1, 2], expected[2, 1] = up(20), down(20)  # 1 at 20, 2 at 40
    expected[0, 0] = 1.0  # between its spikes at 10 and 40 the network fired at 20
    np.testing.assert_allclose(found["synapse.w"].reshape(3, 3) / 1e-9, expected, rtol=1e-9)


def test_each_pair_of_cell_types_learns_with_its_sign(case, learned):
    excitatory, _, weight, _ = case
    np.testing.assert_array_equal(repeat.directions(np.array([True, False])), [[1, -1], [1, 0]])
    inhibitory = ~excitatory
    np.testing.assert_array_equal(learned[1][np.ix_(inhibitory, inhibitory)], weight[np.ix_(inhibitory, inhibitory)])
    growth = np.divide(learned[1], weight, out=np.ones_like(weight), where=weight != 0)
    plus, minus = (
        run(case, NearestStdp(A_plus=a, A_minus=b))[1] / np.where(weight == 0, 1, weight)
        for a, b in ((0.002, 0.0), (0.0, -0.002))
    )
    other = ~np.eye(NEURONS, dtype=bool)
    for pre, post, direction in (
        (excitatory, excitatory, 1),
        (inhibitory, excitatory, 1),
        (excitatory, inhibitory, -1),
    ):
        pair = np.outer(pre, post) & other
        assert (direction * (plus[pair] - 1) > 0).mean() > 0.9
        assert (direction * (minus[pair] - 1) < 0).mean() > 0.9
        assert (growth[pair] != 1).mean() > 0.9


@pytest.mark.parametrize("seed", range(12))
def test_no_weight_changes_its_sign_and_the_diagonal_stays_zero(seed):
    """Other cells, weights, inputs and strengths of learning in every case, up to the strongest that are possible."""
    rng = np.random.default_rng(seed)
    excitatory, cells, weight, current = drawn_case(100 + seed)
    rule = NearestStdp(A_plus=rng.uniform(0, 0.9), A_minus=-rng.uniform(0, 0.9))
    spikes, learned = run((excitatory, cells, weight, current * rng.uniform(0.5, 1.5)), rule, target="cpp")
    assert len(spikes) > 20
    assert (learned[excitatory] >= 0).all()
    assert (learned[~excitatory] <= 0).all()
    assert (np.diag(learned) == 0).all()
    assert (learned != weight).mean() > 0.2


def test_without_plasticity_weights_stay(case):
    np.testing.assert_array_equal(run(case, plastic=0.0)[1], case[2])


def fluorescence(neurons=6, frames=60, types=True, trials=()):
    """A recording of sawtooths; `trials` are names of stimuli that take turns."""
    rng = np.random.default_rng(4)
    trace = np.cumsum(rng.normal(0, 0.2, (frames, neurons)), axis=0) % 1 + 1
    coords = {"time": np.arange(frames) / 10, "neuron": [f"n{i}" for i in range(neurons)]}
    if types:
        coords["cell_type"] = ("neuron", np.where(np.arange(neurons) < neurons - 1, "E", "I"))
    if trials:
        onset = np.arange(1, frames / 10 - 1)
        coords |= {"onset": ("trial", onset), "stimulus": ("trial", np.resize(trials, len(onset)))}
    return xr.Dataset(
        {"calcium": (("time", "neuron"), trace, {"units": "dF/F"})},
        coords=coords,
        attrs={"source": "recorded", "sampling_rate_hz": 10.0},
    )


def network_of(repeats=1, seed=5, target="numpy", workers=1):
    return SpikingNetwork(NearestStdp(), settings=Settings(target=target, workers=workers), repeats=repeats, seed=seed)


def test_repeats_are_the_same_bit_for_bit_for_any_number_of_workers():
    told = []
    data = fluorescence(NEURONS, 300, trials=("a", "b"))
    fits = [
        network_of(4, target="cpp", workers=workers).fit(data, lambda done, total, note="": told.append((done, total)))
        for workers in (1, 3)
    ]
    one, three = (fit.fit_.drop_attrs() for fit in fits)
    xr.testing.assert_identical(one, three)
    assert told == [(k, 4) for k in range(1, 5)] * 2
    for name in ("weight", "weight_initial", "spike_count", "simulated_response", "simulated_count", "resemblance"):
        assert one[name].dims[0] == "repeat"
        assert (one[name][0] != one[name][1]).any(), name
    attrs = [{k: v for k, v in fit.fit_.attrs.items() if not k.startswith("seconds")} for fit in fits]
    assert attrs[0] == pytest.approx(attrs[1], nan_ok=True)


@pytest.fixture(scope="module")
def repeated():
    return network_of(repeats=3).fit(fluorescence()).fit_


def test_repeats_give_a_dimension_and_scores(repeated):
    assert repeated["weight"].dims == repeated["weight_initial"].dims == ("repeat", "pre", "post")
    assert repeated["z"].dims == ("pre", "post")
    start = repeated["weight_initial"].values
    assert (start[0] != start[1]).sum() == 30
    growth = np.log(np.divide(repeated["weight"].values, start, out=np.ones_like(start), where=start != 0))
    mean, error = growth.mean(0), growth.std(0, ddof=1) / np.sqrt(3)
    pair = error > 1e-12
    assert pair.sum() > 15
    np.testing.assert_allclose(repeated["z"].values[pair], mean[pair] / error[pair], rtol=1e-6)
    assert ((repeated["q_value"] >= 0) & (repeated["q_value"] <= 1)).all()
    assert repeated.attrs["repeats"] == 3


def test_one_run_is_the_first_of_the_repeats_and_a_seed_decides_it(repeated):
    one = network_of().fit(fluorescence()).fit_
    assert one["weight"].dims == ("pre", "post")
    np.testing.assert_array_equal(one["weight"], repeated["weight"].isel(repeat=0))
    other = network_of(seed=6).fit(fluorescence()).fit_
    assert (other["weight"].values != one["weight"].values).sum() == 30
    assert one.attrs["simulated_rate_hz"] > 1


def test_dales_law_holds_before_and_after(repeated):
    for name in ("weight", "weight_initial"):
        values_ = repeated[name].values
        assert (values_[:, :5] >= 0).all()
        assert (values_[:, 5] <= 0).all()
        assert (np.diagonal(values_, axis1=1, axis2=2) == 0).all()


def test_unknown_cell_types_are_drawn_and_said():
    fit = network_of().fit(fluorescence(types=False)).fit_
    assert fit.attrs["cell_types"] == "6 of 6 drawn at random"
    np.testing.assert_allclose(fit["cell_type_probability"], 0.8)
    drawn = np.array([online.known_types(fluorescence(20, types=False), np.random.default_rng(s)) for s in range(40)])
    assert drawn.mean() == pytest.approx(0.8, abs=0.06)


def test_spikes_per_trial_are_those_of_the_run():
    data = fluorescence(NEURONS, 300, trials=("a", "b"))
    data.attrs["trial_frames"] = 10
    fit = network_of(target="cpp").fit(data).fit_
    counts = fit["simulated_count"]
    assert counts.dims == ("condition", "neuron")
    assert counts["condition"].values.tolist() == ["a", "b"]
    np.testing.assert_allclose(counts.values * 14, np.round(counts.values * 14), atol=1e-9)  # 14 trials of each
    in_trials = (counts * 14).sum("condition")
    assert (in_trials <= fit["spike_count"]).all()
    assert float(in_trials.sum() / fit["spike_count"].sum()) == pytest.approx(28 / 30, abs=0.04)


def test_a_silent_network_is_said():
    data = fluorescence(frames=40)
    data["calcium"].values[:] = 1.0
    fit = network_of().fit(data).fit_
    assert fit.attrs["simulated_rate_hz"] == 0
    assert "hardly fires (0.00 Hz)" in fit.attrs["notices"]
    assert "resemblance" not in fit


@pytest.mark.parametrize(
    ("network", "data", "words"),
    [
        (SpikingNetwork(NearestStdp()), fluorescence(frames=2), "needs fluorescence over time.*--rule ml"),
        (SpikingNetwork(NearestStdp()), fluorescence().drop_vars("calcium"), "field 'calcium'"),
        (SpikingNetwork(NearestStdp(), Lif()), fluorescence(), "driven by a current.*izhikevich"),
        (SpikingNetwork(Static()), fluorescence(), "'static' learns nothing"),
        (SpikingNetwork(neuron=Izhikevich()), fluorescence(), "'ml' fits the neuron 'lif' only"),
    ],
)
def test_what_does_not_go_together_is_said(network, data, words):
    with pytest.raises(InputError, match=words):
        network.fit(data)
