"""The card is honest at the size of a real recording: copies, real trials, and trials without correlations."""

import numpy as np
import pytest
from made_up import fraction_trials, independent_gaussian, trials_dataset

from brainsim.compare import compare

TRIALS, NEURONS = 320, 150


def shuffled(dataset, seed=0):
    """Every neuron's trials in another order within a stimulus: marginals and tuning stay, correlations go."""
    rng, values, labels = np.random.default_rng(seed), dataset["calcium"].values.copy(), dataset["stimulus"].values
    for name in np.unique(labels):
        rows = np.flatnonzero(labels == name)
        for neuron in range(values.shape[2]):
            values[rows, :, neuron] = values[rng.permutation(rows), :, neuron]
    return trials_dataset(values, labels, "simulated", dataset.attrs["units"])


@pytest.fixture(scope="module")
def card():
    recorded = fraction_trials(0, trials=TRIALS, neurons=NEURONS)
    rng = np.random.default_rng(3)
    copies = recorded.isel(trial=np.sort(rng.integers(TRIALS, size=TRIALS)))
    blurred = copies["calcium"].values * rng.uniform(0.95, 1.05, copies["calcium"].shape)
    return compare(
        recorded,
        {
            "copies": copies,
            "blurred": trials_dataset(blurred, copies["stimulus"].values, units="active fraction"),
            "fresh": fraction_trials(1, trials=TRIALS, neurons=NEURONS),
            "gaussian": independent_gaussian(recorded),
            "shuffled": shuffled(fraction_trials(2, trials=TRIALS, neurons=NEURONS)),
        },
    )


def test_photocopies_are_called_copies_also_where_they_are_blurred(card):
    for name in ("copies", "blurred"):
        assert card.verdict[name].startswith("copies your trials"), name
        assert card.scores[name]["copy_share"].value > 0.9
    assert card.scores["copies"]["nn_ratio"].value < 0.01


def test_new_real_trials_are_indistinguishable(card):
    assert card.verdict["fresh"].startswith("indistinguishable from held-out recorded trials")
    assert 0.9 < card.scores["fresh"]["nn_ratio"].value < 1.1
    assert card.scores["fresh"]["copy_share"].value < 0.12


def test_missing_correlations_are_named_first(card):
    for name in ("gaussian", "shuffled"):
        assert "misses the noise correlations" in card.verdict[name], name
        score = card.scores[name]["noise_correlation_r"]
        assert abs(score.value) < 0.1
        assert score.floor > 0.6
        assert score.ci95[1] < score.floor - 0.3
    assert "c2st_forest" in card.missed["gaussian"]


def test_what_a_shuffle_leaves_alone_is_not_missed(card):
    assert not {"rate_wasserstein", "signal_correlation_r", "tstr"} & set(card.missed["shuffled"])
