"""Simulated beside recorded responses: windows, standardised responses, rank correlation, both controls."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import spearmanr

from brainsim.resemblance import Windows, resemblance, sentence


def recording(frames=60, cells=3, gap=True):
    time = np.arange(frames) / 10
    time[40:] += 5 if gap else 0
    return xr.Dataset(
        {"calcium": (("time", "neuron"), np.random.default_rng(0).normal(size=(frames, cells)), {"units": "dF/F"})},
        coords={
            "time": time,
            "onset": ("trial", time[[2, 12, 22, 45]]),
            "stimulus": ("trial", ["b", "a", "b", "a"]),
        },
        attrs={"source": "recorded", "sampling_rate_hz": 10.0, "trial_frames": 8},
    )


def test_responses_are_those_of_a_loop_and_windows_cross_no_gap():
    data = recording()
    activity = data["calcium"].values.copy()
    activity[3, 1] = np.nan
    windows = Windows.of(data)
    assert windows.conditions == ["b", "a"]
    starts = [*range(33), *range(40, 53)]
    assert windows.every.tolist() == starts
    every = np.array([np.nanmean(activity[s : s + 8], 0) for s in starts])
    at = {"b": [2, 22], "a": [12, 45]}
    expected = [
        (np.mean([np.nanmean(activity[s : s + 8], 0) for s in at[name]], 0) - every.mean(0)) / every.std(0)
        for name in ("b", "a")
    ]
    np.testing.assert_allclose(windows.response(activity), expected, rtol=1e-9)


def test_a_recording_cut_into_trials_has_its_trials_as_windows():
    data = recording(gap=False)
    cut = xr.Dataset(
        {"calcium": (("trial", "time", "neuron"), np.zeros((4, 8, 3)), {"units": "dF/F"})},
        coords={"time": np.arange(8) / 10, "stimulus": ("trial", ["b", "a", "b", "a"])},
        attrs=data.attrs,
    )
    windows = Windows.of(cut)
    assert windows.first.tolist() == windows.every.tolist() == [0, 8, 16, 24]


def test_without_stimuli_there_are_no_windows():
    assert Windows.of(recording().drop_vars("stimulus")) is None
    assert Windows.of(recording().drop_vars("onset")) is None


def test_a_cell_that_never_changes_has_no_response_and_a_missing_one_none_at_all():
    activity = np.random.default_rng(1).normal(size=(60, 3))
    activity[:, 1], activity[:, 2] = 4.0, np.nan
    response = Windows.of(recording()).response(activity)
    assert (response[:, 1] == 0).all()
    assert np.isnan(response[:, 2]).all()
    assert (response[:, 0] != 0).all()


@pytest.fixture
def patterns():
    rng = np.random.default_rng(2)
    recorded = rng.normal(size=(4, 40))
    simulated = recorded + rng.normal(0, 0.6, (3, 4, 40))
    return simulated, recorded


NAMES = ["a", "b", "c", "d"]


def test_resemblance_is_spearmans_correlation_and_beats_both_controls(patterns):
    simulated, recorded = patterns
    recorded = recorded.copy()
    recorded[:, 5] = np.nan
    found = resemblance(simulated, recorded, NAMES, 0)
    seen = np.arange(40) != 5
    expected = [[spearmanr(s[c, seen], recorded[c, seen]).statistic for c in range(4)] for s in simulated]
    np.testing.assert_allclose(found["resemblance"], expected, atol=1e-12)
    other = np.mean([[spearmanr(simulated[r, 0, seen], recorded[c, seen])[0] for c in (1, 2, 3)] for r in range(3)])
    assert float(found["resemblance_other"][0]) == pytest.approx(other)
    assert (found["resemblance"].mean("repeat") > found["resemblance_shuffled"].sel(bound=0.975)).all()
    assert (found["resemblance_p"] < 0.01).all()
    assert found.attrs["resemblance_p_stimuli"] == pytest.approx(1 / 24, abs=0.03)  # 24 orders of four stimuli
    assert "4 of 4 above chance" in sentence(found)


def test_the_shuffled_band_is_that_of_unrelated_patterns(patterns):
    simulated, _ = patterns
    rng = np.random.default_rng(5)
    found = resemblance(simulated[:1], rng.normal(size=(4, 40)), NAMES, 0)
    low, high = found["resemblance_shuffled"].values
    np.testing.assert_allclose(high, 1.96 / np.sqrt(39), rtol=0.15)
    np.testing.assert_allclose(low, -1.96 / np.sqrt(39), rtol=0.15)
    p = [resemblance(simulated[:1], rng.normal(size=(4, 40)), NAMES, k)["resemblance_p"].values for k in range(10)]
    assert 0.3 < np.mean(p) < 0.7
    assert (np.array(p) < 0.05).mean() < 0.2


def test_a_pattern_that_is_the_same_for_every_stimulus_does_not_beat_other_stimuli():
    rng = np.random.default_rng(7)
    common = rng.normal(size=40)
    recorded = common + rng.normal(0, 0.3, (4, 40))
    simulated = np.stack([common + rng.normal(0, 0.3, (4, 40))])
    found = resemblance(simulated, recorded, NAMES, 0)
    assert (found["resemblance_p"] < 0.01).all()
    assert float(found["resemblance_other"].mean()) == pytest.approx(found.attrs["resemblance_mean"], abs=0.05)
    assert found.attrs["resemblance_p_stimuli"] > 0.05


def test_silent_cells_alone_resemble_nothing():
    found = resemblance(np.zeros((2, 1, 10)), np.arange(10.0)[None], ["a"], 0)
    assert np.isnan(found["resemblance"]).all()
    assert np.isnan(found["resemblance_p"]).all()
    assert np.isnan(found.attrs["resemblance_p_stimuli"])


def test_the_seed_decides_the_permutations(patterns):
    one, same, other = (resemblance(*patterns, NAMES, seed)["resemblance_shuffled"] for seed in (1, 1, 2))
    assert one.identical(same)
    assert not one.identical(other)
