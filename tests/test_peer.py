"""Peers find planted edges: the right pair, direction and sign; correlograms are the counts that one makes by hand."""

from importlib.util import find_spec

import numpy as np
import pytest
import scipy.sparse as sp
from test_gradient import as_events

from brainsim import catalog
from brainsim.error import ToolError
from brainsim.peer import glm_nemos, tspe
from brainsim.peer._correlogram import both_sides, correlograms, hollow_gaussian
from brainsim.peer._spikes import binned

SIGNED = ["glm-nemos", "smoothed-correlogram", "tspe"]
OTHER = ~np.eye(5, dtype=bool)


def planted(seconds=200, seed=0):
    """Spikes of five neurons at 20 Hz: 0 excites 1 after 3 ms, 2 silences 3 for 5 ms from the next millisecond on."""
    rng = np.random.default_rng(seed)
    spikes = rng.random((1000 * seconds, 5)) < 0.02
    spikes[3:, 1] |= spikes[:-3, 0] & (rng.random(len(spikes) - 3) < 0.3)
    for later in range(1, 6):
        spikes[later:, 3] &= ~spikes[:-later, 2]
    return spikes.astype(float)


@pytest.fixture(scope="module")
def recording():
    return as_events(planted())


def infer(name, dataset, **how):
    if name == "glm-nemos" and find_spec("nemos") is None:
        pytest.skip("nemos is not installed: pip install 'brainsim-toolkit[bench]'")
    return catalog.get("peer", name)(**how).infer(dataset, 0.001)


@pytest.mark.parametrize("name", SIGNED)
def test_a_peer_finds_the_planted_edges_with_direction_and_sign(name, recording):
    found = infer(name, recording)
    for pre, post in ((0, 1), (2, 3)):
        assert np.argmax(np.where(OTHER, found.score, -1)[pre]) == post
    assert found.called[0, 1]
    assert (found.sign[0, 1], found.sign[2, 3]) == (1, -1)
    assert found.score[0, 1] > 3 * found.score[1, 0]
    assert found.score[2, 3] > 2 * found.score[3, 2]
    assert not np.diag(found.called).any()


def test_the_correlogram_calls_the_planted_edges_and_no_others(recording):
    found = infer("smoothed-correlogram", recording)
    assert {tuple(map(int, pair)) for pair in np.argwhere(found.called)} == {(0, 1), (2, 3)}


def test_partial_correlation_finds_the_pair_without_direction(recording):
    found = infer("partial-correlation", recording)
    np.testing.assert_allclose(found.score, found.score.T, atol=1e-9)
    assert np.unravel_index(np.argmax(found.score), (5, 5)) in [(0, 1), (1, 0)]
    assert found.sign[0, 1] == 1
    assert found.called[0, 1]
    counts = planted().reshape(-1, 10, 5).sum(1)
    precision = np.linalg.inv(np.corrcoef(counts.T))
    wanted = -precision[0, 1] / np.sqrt(precision[0, 0] * precision[1, 1])
    np.testing.assert_allclose(np.tanh(found.score[0, 1] / np.sqrt(len(counts) - 6)), wanted, atol=1e-4)


def test_elephant_returns_post_pre_and_the_peer_turns_it(recording):
    raw = tspe._estimate(binned(recording, 0.001), 25)
    assert raw[1, 0] > 3 * abs(raw[0, 1])
    np.testing.assert_allclose(infer("tspe", recording).score[0, 1], raw[1, 0])


def test_another_width_of_the_baseline_gives_other_scores(recording):
    narrow, wide = (infer("smoothed-correlogram", recording, width=width) for width in (5.0, 20.0))
    assert np.abs(wide.score - narrow.score)[OTHER].min() > 0
    assert wide.called[2, 3]
    assert narrow.called[2, 3]


def test_correlograms_are_the_counts_made_by_hand():
    count = np.random.default_rng(1).poisson(0.3, (3, 60)).astype(float)
    found = correlograms(sp.csr_matrix(count), 4)
    for lag in range(5):
        np.testing.assert_array_equal(found[:, :, lag], count[:, : 60 - lag] @ count[:, lag:].T)
    whole = both_sides(found, 0)
    assert whole.shape == (3, 9)
    np.testing.assert_array_equal(whole[1, 4 - 2], (count[0, 2:] * count[1, :-2]).sum())
    np.testing.assert_array_equal(whole[1, 4 + 3], (count[0, :-3] * count[1, 3:]).sum())


def test_the_hollow_gaussian_keeps_a_level_and_misses_a_peak():
    kernel = hollow_gaussian(5.0)
    assert kernel.sum() == pytest.approx(1)
    assert kernel[len(kernel) // 2] == pytest.approx(0.4 * kernel[len(kernel) // 2 + 1] * np.exp(0.5 / 25))


def test_scores_of_independent_neurons_have_the_spread_of_noise():
    spikes = (np.random.default_rng(3).random((100_000, 12)) < 0.02).astype(float)
    found = infer("smoothed-correlogram", as_events(spikes))
    score = found.score[~np.eye(12, dtype=bool)]
    assert 1.2 < np.median(score) < 2.6, "the extreme of about ten independent z"
    assert score.max() < 5.5
    assert not found.called.any()


def test_inferred_spikes_are_taken_per_frame_and_as_events_of_half_a_spike():
    frames = np.zeros((40, 2))
    frames[5, 0], frames[9, 0], frames[7, 1] = 2.0, 0.1, 2.0
    dataset = (
        as_events(planted(1))
        .drop_vars(["spike_time", "spike_neuron", "neuron"])
        .assign(spikes=(("time", "neuron"), frames), time=np.arange(40) / 10)
    )
    dataset.attrs["sampling_rate_hz"] = 10.0
    spikes = binned(dataset, 0.001, events=True)
    assert (spikes.bin_s, spikes.bins, spikes.framed) == (0.1, 40, True)
    np.testing.assert_array_equal(spikes.count.toarray(), (frames >= 1).T)
    assert spikes.within(0.02, 0.2) == 2
    assert infer("smoothed-correlogram", dataset).score.shape == (2, 2)
    assert np.isfinite(infer("tspe", dataset).score).all()


@pytest.mark.parametrize("name", [n for n in catalog.names("peer") if n != "glm-nemos"])
def test_a_silent_neuron_is_not_called(name):
    spikes = planted(20)
    spikes[:, 4] = 0
    found = infer(name, as_events(spikes))
    assert np.isfinite(found.score).all()
    assert not found.called[4].any()
    assert not found.called[:, 4].any()


def test_without_nemos_the_remedy_is_named(recording, monkeypatch):
    monkeypatch.setattr(glm_nemos, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match=r"brainsim-toolkit\[bench\]"):
        catalog.get("peer", "glm-nemos")().infer(recording, 0.001)


def test_a_dense_design_that_is_too_large_is_refused(recording, monkeypatch):
    monkeypatch.setattr(glm_nemos, "find_spec", lambda name: True)
    monkeypatch.setattr(glm_nemos, "LARGEST_GIB", 0.001)
    with pytest.raises(ToolError, match=r"200000 bins x 5 neurons x 3 functions.*--duration"):
        catalog.get("peer", "glm-nemos")().infer(recording, 0.001)
    monkeypatch.setattr(tspe, "LARGEST_GIB", 0.001)
    with pytest.raises(ToolError, match="TSPE would need"):
        infer("tspe", recording)
