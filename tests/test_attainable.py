"""What frames can tell: features by hand, no network teaches itself, what is there is found; table and figure."""

import json

import numpy as np
import pytest
import xarray as xr

from brainsim import attainable
from brainsim.attainable import FLUORESCENCE, SIGHTS, TRUE_SPIKES, WIRING, Network, correlation, features, partial, told
from brainsim.error import InputError, UnknownName
from brainsim.folder import BENCHMARK
from brainsim.indicator import Indicator
from brainsim.peer import Inferred

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    """Grow enough for a dozen cells."""
    monkeypatch.setitem(attainable.TREES, "max_iter", 20)


def test_correlations_are_those_made_by_hand():
    rng = np.random.default_rng(0)
    first = rng.standard_normal(400)
    held = np.stack([first, np.roll(first, 2), np.zeros(400)], axis=1)
    found = correlation(held)
    by_hand = np.sum((first[:-3] - first.mean()) * (held[3:, 1] - first.mean())) / first.var() / 20
    assert found[0, 1, 8 + 3] == pytest.approx(by_hand)
    assert found[0, 1].argmax() == 8 + 2
    assert found[1, 0].argmax() == 8 - 2
    assert not found[2].any()


def test_partial_correlations_leave_out_what_goes_through_a_third():
    rng = np.random.default_rng(1)
    first = rng.standard_normal(4000)
    second = np.roll(first, 1) + rng.standard_normal(4000)
    third = np.roll(second, 1) + rng.standard_normal(4000)
    held = np.stack([first, second, third], axis=1)
    whole, direct = np.abs(correlation(held)).max(2), np.abs(partial(held)).max(2)
    assert whole[0, 2] > 20
    assert direct[0, 2] < 4
    assert direct[0, 1] > 15


def made_up(seed, told_by=3.0, neurons=12):
    """Return a network of which the first feature of a pair tells its effect, and the second nothing."""
    rng = np.random.default_rng(seed)
    excitatory = np.arange(neurons) >= 3
    pairs = neurons * (neurons - 1)
    sign = np.repeat(np.where(excitatory, 1, -1), neurons - 1)
    effect = sign * (rng.uniform(size=pairs) < 0.4)
    seen = np.stack([told_by * effect + rng.standard_normal(pairs), rng.standard_normal(pairs)], axis=1)
    return Network((seen, np.stack([10.0 * effect, seen[:, 1]], axis=1)), effect, excitatory)


def test_what_can_be_seen_is_learned_and_what_cannot_is_not():
    networks = [made_up(seed) for seed in range(8)]
    clear, blind = told(networks, FLUORESCENCE), told([made_up(seed, 0.0) for seed in range(8)], FLUORESCENCE)
    assert np.mean([each["ei_accuracy"] for each in clear]) > 0.95
    assert np.mean([each["ap"] for each in clear]) > 0.9
    assert np.mean([each["ei_accuracy"] for each in blind]) == pytest.approx(0.75, abs=0.06)
    assert np.mean([each["ap"] for each in blind]) == pytest.approx(0.4, abs=0.06)
    true = told(networks, TRUE_SPIKES)
    assert all(each["ap"] == 1 for each in true)
    wired = told(networks, WIRING)
    assert np.mean([each["ei_accuracy"] for each in wired]) > 0.99
    assert all(np.isnan(each["ap"]) for each in wired)


def test_no_network_teaches_itself():
    """A network whose features say the contrary of all others is judged by the others: wrongly."""
    networks = [made_up(seed) for seed in range(8)]
    odd = networks[5]
    turned = tuple(seen * [-1, 1] for seen in odd.seen)
    said = told([*networks[:5], Network(turned, odd.effect, odd.excitatory), *networks[6:]], FLUORESCENCE)
    assert said[5]["ei_accuracy"] < 0.5
    assert np.mean([said[k]["ei_accuracy"] for k in range(8) if k != 5]) > 0.9


def recording(seed, rate=30.0, seconds=120.0):
    """Return a recording of eight cells; the first excites the second, the last inhibits the third."""
    rng, neurons = np.random.default_rng(seed), 8
    trains = [np.sort(rng.uniform(0, seconds, 240)) for _ in range(neurons)]
    trains[1] = np.sort(np.concatenate([trains[1], trains[0][rng.uniform(size=240) < 0.8] + 0.003]))
    near = np.abs(trains[2][:, None] - trains[7]).min(1)
    trains[2] = trains[2][near > 0.05]
    time = np.concatenate(trains)
    cells = np.repeat(np.arange(neurons), [len(each) for each in trains])
    order = np.argsort(time)
    frames = np.arange(round(seconds * rate)) / rate
    trace = Indicator().fluorescence(time[order], cells[order], neurons, frames, rng)
    weight = np.zeros((neurons, neurons))
    weight[0, 1], weight[7, 2] = 1.0, -2.0
    held = {
        "calcium": (("time", "neuron"), trace, {"units": "dF/F"}),
        "spike_time": ("spike", time[order]),
        "spike_neuron": ("spike", cells[order]),
        "true_weight": (("pre", "post"), weight),
    }
    kinds = ("neuron", ["E"] * 7 + ["I"])
    attrs = {"sampling_rate_hz": rate, "duration_s": seconds, "source": "simulated"}
    return xr.Dataset(held, {"time": frames, "neuron": np.arange(neurons), "cell_type": kinds}, attrs)


def test_a_recording_is_seen_by_its_light_and_by_its_true_spikes():
    made = Network.of(recording(0), Indicator())
    assert [each.shape[0] for each in made.seen] == [56, 56]
    assert made.seen[0].shape[1] == 2 * made.seen[1].shape[1]
    assert np.isfinite(made.seen[0]).all()
    assert made.effect.sum() == 0
    assert np.flatnonzero(made.effect).tolist() == [0, 7 * 7 + 2]
    assert made.excitatory.sum() == 7
    same_frame = made.seen[1][:, attainable.LAGS]
    assert same_frame.argmax() in (0, 7)
    assert same_frame.argmin() in (7 * 7 + 2, 2 * 7 + 6)


def test_features_of_silent_neurons_are_numbers():
    assert np.isfinite(features(np.zeros((200, 4)))).all()


class Ours:
    """Calls the first pair, and everybody excitatory."""

    modules = ()

    def infer(self, dataset, bin_s):
        assert "true_weight" not in dataset
        assert "spike_time" not in dataset
        score = np.zeros((8, 8))
        score[0, 1] = 1
        return Inferred(score, np.ones((8, 8)), score > 0, np.full(8, "E"), score)


def test_the_command_writes_table_figure_and_json(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("brainsim.attainable.simulate", lambda kind, seed: recording(seed))
    monkeypatch.setattr("brainsim.bench.method_of", lambda name, seed: Ours())
    out = tmp_path / "bench"
    asked = ["bench", "attainable", "--preset", "calcium-30hz", "--networks", "4", "--out", out]
    done = cli(*asked, "--json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert [row["method"] for row in rows] == ["brainsim", *SIGHTS]
    assert rows[0]["ei_accuracy"] == 7 / 8
    assert rows[0]["ap"] == pytest.approx(0.5, abs=0.1)
    assert rows[2]["ap"] is None
    assert json.loads((out / BENCHMARK).read_text()) == rows
    assert sorted(path.name for path in out.iterdir()) == ["figure.png", "table.json", "table.md"]
    assert "all called E" in (out / "table.md").read_text()
    prose = cli(*asked, "--overwrite")
    assert prose.stdout.splitlines()[0].split()[:3] == ["data", "method", "networks"]
    assert cli(*asked).exit_code == 1


def test_presets_that_cannot_be_seen_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'calcium-10hz'"):
        attainable.compete(["calcium-10h"], 4, 0, lambda seed: Ours())
    with pytest.raises(InputError, match="preset 'lif-dense'"):
        attainable.compete(["lif-dense"], 4, 0, lambda seed: Ours())
    with pytest.raises(InputError, match="at least 4"):
        attainable.compete(["calcium-10hz"], 3, 0, lambda seed: Ours())
