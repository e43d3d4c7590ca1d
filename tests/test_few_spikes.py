"""Recordings in which nothing, or next to nothing, can be seen: no connection is made up, and the fit says so."""

import numpy as np
import pytest
import xarray as xr
from sklearn.metrics import roc_auc_score

from brainsim.calcium import deconvolve
from brainsim.connectivity import infer
from brainsim.correlogram import Correlograms
from brainsim.dataset import load_dataset
from brainsim.edge import best_cut
from brainsim.encoding import encode
from brainsim.gradient import doubts
from brainsim.kernel import lags
from brainsim.posterior import ANY, Null
from brainsim.recorded import Events
from brainsim.residual import Reading, remainder, solve, survey

FRAME, BIN = 0.1, 0.001


def independent(neurons, spikes, bins, seed=0):
    """Neurons that fire so often in all, whenever it happens; one spike of each at least."""
    rng = np.random.default_rng(seed)
    source = np.concatenate([np.arange(neurons), rng.integers(0, neurons, spikes - neurons)])
    return Events.of(source, rng.integers(0, bins, spikes), np.ones(spikes), neurons)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("neurons", "spikes", "bins", "width"),
    [
        (40, 400, 200_000, BIN),
        (40, 4000, 200_000, BIN),  # 942 of 1560 pairs were told above .5
        (40, 40_000, 200_000, BIN),
        (100, 10_000, 200_000, BIN),  # 1549 of 9900
        (40, 40, 500, FRAME),
        (40, 400, 2000, FRAME),  # 353 of 1560
        (40, 4000, 2000, FRAME),
        (100, 1000, 20_000, 0.02),
    ],
)
def test_independent_neurons_are_not_connected(neurons, spikes, bins, width, seed):
    found = infer(independent(neurons, spikes, bins, seed), bins, width)
    assert found.any < 0
    assert found.edges.probability.max() < 0.1
    assert not (found.edges.probability >= found.edges.cut).any()
    assert (found.types.cell_type == "unknown").all()


def driven(neurons, bins, rate, copies, seed=0):
    """Independent neurons, of which each even one makes the next fire with some chance, 3 bins later."""
    rng = np.random.default_rng(seed)
    counts = rng.random((bins, neurons)) < rate
    for pre in range(0, neurons, 2):
        follows = np.flatnonzero(counts[:-3, pre] & (rng.random(bins - 3) < copies))
        counts[follows + 3, pre + 1] = True
    step, source = np.nonzero(counts)
    return Events.of(source, step, np.ones(len(step)), neurons)


def test_the_same_number_of_spikes_with_synapses_is_told():
    found = infer(driven(20, 400_000, 0.0005, 0.2), 400_000, BIN)  # 200 spikes of each neuron
    true = np.zeros((20, 20), bool)
    true[np.arange(0, 20, 2), np.arange(1, 20, 2)] = True
    assert found.any > 10
    assert found.edges.probability[true].min() > 0.9
    assert found.edges.probability[~true].mean() < 0.03
    assert ((found.edges.probability >= found.edges.cut) != true).sum() <= 1


def test_many_weak_couplings_in_frames_are_told():
    """In frames no pair alone stands out, all of them together do."""
    recorded = load_dataset("pairing-small").isel(time=slice(0, 4200))  # seven minutes
    encoded = encode(deconvolve(recorded.drop_vars(["spike_time", "spike_neuron"])), "auto", BIN)
    found = infer(encoded.spikes, encoded.bins, encoded.bin_s)
    assert found.any > 10
    true = np.nan_to_num(recorded["true_weight"].transpose("pre", "post").values) != 0
    assert roc_auc_score(true[found.usable], found.edges.probability[found.usable]) > 0.53


def test_where_few_counts_have_their_middle_no_common_input_is_seen():
    rng = np.random.default_rng(0)
    few = rng.normal(-0.3, 0.7, (400, 2))
    told = Null.of(few, 20, np.array([-0.28, -5.0])).middle
    assert abs(told[0]) < 0.1
    assert told[1] == 0, "nothing is lifted"
    lifted = Null.of(few + 1, 20, np.array([-0.28, 0.0])).middle
    assert lifted == pytest.approx(np.full(2, 0.7), abs=0.1)
    assert Null.of(few, 20).middle.tolist() == [0, 0]


def test_no_spread_is_below_that_of_noise():
    scores = np.zeros((400, 1))
    scores[::100] = 4.0  # most pairs have no coincidence
    null = Null.of(scores, 20)
    assert null.spread < 0.1
    told = null.standardised(np.array([[4.0], [0.0]]), np.ones(2, bool), 0, slice(0, 2))
    assert told.ravel() == pytest.approx([4.0, 0.0])


@pytest.mark.parametrize("bins", [4000, 20_000])
def test_in_frames_noise_has_the_size_of_noise(bins):
    """A neuron is among its own regressors there: what is left of it is small, and is told in its own size."""
    neurons, grid = 30, lags(FRAME)
    found = Correlograms(independent(neurons, bins * neurons // 20, bins), bins, 40)
    read = Reading.of(grid, None, found.lags)
    (made,) = survey(found, [read], 0, neurons)
    size = neurons * grid.model.shape[1]
    parts = solve(made["gram"].reshape(size, size), np.asfortranarray(made["drive"].reshape(size, -1)), size // neurons)
    left = remainder(found, read, (parts["root"], parts["weight"], parts["added"]), 0, neurons)
    others = left["value"][:, ~np.eye(neurons, dtype=bool)]
    np.testing.assert_allclose(others.std(1), 1.0, atol=0.12)


def test_where_no_pair_is_told_from_another_nothing_is_called():
    assert best_cut(np.full(1000, 0.05) + 1e-7 * np.random.default_rng(0).random(1000)) == 1.0
    assert best_cut(np.concatenate([np.full(1000, 0.05), np.full(20, 0.4)])) == 0.4


def test_the_fit_says_that_nothing_was_seen():
    attrs = {"bin_s": BIN, "null_inflation": 1.0, "silent_neurons": 0}
    assert doubts(xr.Dataset(attrs=attrs | {"any_connections": 0.9})) == []
    (said,) = doubts(xr.Dataset(attrs=attrs | {"any_connections": 1 / (1 + np.exp(ANY))}))
    assert "do not tell connected pairs from others" in said
