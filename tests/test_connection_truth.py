"""Fits to a source with the same couplings agree with those to the recording; fits to shuffled trials do not."""

import json

import numpy as np
import pytest
import xarray as xr

from brainsim import gradient
from brainsim.compare import compare
from brainsim.connection_truth import HALVES, agreement, as_recording, check_truth, conclusion, with_connectivity
from brainsim.error import InputError
from brainsim.gradient import Settings
from brainsim.rule.ml import Ml
from brainsim.store import save_recording

NEURONS, TRIALS, FRAMES = 8, 60, 60


def couplings():
    rng = np.random.default_rng(4)
    weight = np.where(rng.random((NEURONS, NEURONS)) < 0.2, rng.choice([1.2, -1.5], (NEURONS, 1)), 0.0)
    np.fill_diagonal(weight, 0)
    return weight


def simulated(seed, source="simulated"):
    """Neurons that raise or lower each other's rate in the next frame, at 50 frames/s."""
    rng, weight = np.random.default_rng(seed), couplings()
    spikes = np.zeros((TRIALS, FRAMES, NEURONS))
    for frame in range(FRAMES):
        drive = spikes[:, frame - 1] @ weight if frame else 0.0
        spikes[:, frame] = rng.poisson(np.minimum(0.25 * np.exp(drive), 3.0) * np.ones((TRIALS, NEURONS)))
    return xr.Dataset(
        {"spikes": (("trial", "time", "neuron"), spikes), "true_weight": (("pre", "post"), weight)},
        coords={
            "time": np.arange(FRAMES) / 50,
            "neuron": np.arange(NEURONS),
            "pre": np.arange(NEURONS),
            "post": np.arange(NEURONS),
            "stimulus": ("trial", np.resize(["a", "b"], TRIALS)),
        },
        attrs={"source": source, "sampling_rate_hz": 50.0},
    )


def frames_shuffled(dataset):
    values = np.random.default_rng(0).permuted(dataset["spikes"].values, axis=1)
    return dataset.drop_vars("true_weight").assign(spikes=(dataset["spikes"].dims, values))


def regression(recording, rule, settings, progress=None):
    """Stands for the fit, which takes minutes in NumPy: least squares of spikes on those one frame before."""
    spikes = recording["spikes"].values
    x, y = (part.reshape(-1, NEURONS) for part in (spikes[:, :-1], spikes[:, 1:]))
    x, y = x - x.mean(0), y - y.mean(0)
    inverse = np.linalg.inv(x.T @ x)
    weight = inverse @ x.T @ y
    z = weight / np.sqrt(np.outer(np.diag(inverse), (y - x @ weight).var(0)))
    pairs = {
        "weight": weight,
        "z": z,
        "edge_probability": (np.abs(z) > 3).astype(float),
        "q_value": 1.0 * (np.abs(z) < 3),
    }
    return xr.Dataset({name: (("pre", "post"), values) for name, values in pairs.items()}, attrs={"ridge": 1.0})


@pytest.fixture(scope="module")
def judged():
    recorded = simulated(0)
    sources = {"same network": simulated(1).drop_vars("true_weight"), "shuffled": frames_shuffled(simulated(2))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("brainsim.decoder.TREES", 40)
        patch.setattr("brainsim.gradient.fit", regression)
        card, told = compare(recorded, sources), []
        return card, with_connectivity(card, recorded, progress=lambda *done: told.append(done)), told


def test_the_same_network_gives_the_same_connectivity(judged):
    found = judged[1].connectivity["same network"]
    assert found["weight_r"] > 0.7
    assert found["weight_r"] > found["weight_r_floor"] - 0.05
    assert found["verdict"] == "leads to the connectivity that recorded trials lead to"
    assert found["ap_source"] > found["share_connected"] + 0.3
    assert found["ap_recorded"] > found["share_connected"] + 0.3
    assert found["share_connected"] == pytest.approx((couplings() != 0).sum() / (NEURONS * (NEURONS - 1)))


def test_trials_without_couplings_do_not(judged):
    found = judged[1].connectivity["shuffled"]
    assert found["weight_r"] < 0.5 * found["weight_r_floor"]
    assert found["verdict"] == "does not lead to the connectivity that recorded trials lead to"
    assert found["ap_source"] < judged[1].connectivity["same network"]["ap_source"] - 0.2


def test_nothing_else_changes_and_every_fit_is_told(judged):
    before, after, told = judged
    assert before.connectivity == {}
    assert "connectivity" not in before.to_dict()
    assert after.scores is before.scores
    assert json.loads(json.dumps(after.to_dict()))["connectivity"]["shuffled"]["ap_source"] is not None
    assert told[-1][:2] == (5, 5)
    assert {f"fit: {name}" for name in HALVES} < {note for *_, note in told}


def test_spikes_of_a_trial_are_the_recorded_ones(judged):
    aligned = judged[0].aligned
    made = as_recording(aligned.samples["recorded"], aligned)
    np.testing.assert_array_equal(made["spikes"].values, simulated(0)["spikes"].values)


def test_a_fit_of_the_rule_holds_what_is_compared(judged):
    aligned = judged[0].aligned
    few = aligned.samples["recorded"].take(np.arange(2))
    made = as_recording(few, aligned).isel(neuron=slice(3))
    fit = gradient.fit(made, Ml(), Settings(ridge=10.0, target="numpy", check=False))
    found = agreement(dict.fromkeys(("rec", "src", *HALVES), fit), "rec", "src", np.eye(3, k=1))
    assert found["weight_r"] == pytest.approx(1)
    assert fit.attrs["ridge"] == 10
    assert 0 < found["ap_source"] <= 1


def test_nothing_follows_where_the_recording_itself_tells_nothing():
    blind = {"ap_recorded": 0.13, "share_connected": 0.1, "ap_source": 0.12, "ap_halves": 0.12}
    weights = {"weight_r": 0.9, "weight_r_floor": 0.1}
    assert conclusion(blind | weights).startswith("nothing follows")
    assert conclusion(blind | weights | {"ap_recorded": 0.5}).startswith("leads to")
    other = {"ap_recorded": 0.5, "weight_r": -0.1}
    assert conclusion(blind | weights | other).endswith("with other weights")


def test_an_unknown_truth_is_refused():
    recorded = simulated(0)
    with pytest.raises(InputError, match=r"true weights are not known.*--connectivity"):
        check_truth(recorded.drop_vars("true_weight"), "rec")
    with pytest.raises(InputError, match="8 neurons"):
        check_truth(recorded.assign(true_weight=recorded["true_weight"] * 0), "rec")


def test_the_command_refuses_before_it_works(cli, tmp_path):
    plain = simulated(0).drop_vars(["true_weight", "pre", "post"])
    for name in ("a", "b"):
        save_recording(plain, tmp_path / f"{name}.nc")
    done = cli("compare", tmp_path / "a.nc", tmp_path / "b.nc", "--connectivity", "--out", tmp_path / "card")
    assert done.exit_code == 1
    assert "true weights are not known" in done.stderr
    assert not (tmp_path / "card").exists()
