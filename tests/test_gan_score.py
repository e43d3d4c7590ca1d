"""The card over checkpoints, and what generated trials add to a decoder."""

import json

import numpy as np
import pandas as pd
import pytest
from made_up import NAMES, fraction_trials

from brainsim.augmentation import augment
from brainsim.error import InputError
from brainsim.gan import ConditionalGAN
from brainsim.gan_score import distance_of, saved_epochs, score_checkpoints, source_name, trials_per_stimulus
from brainsim.store import open_recording, save_recording

SMALL = {"epochs": 4, "batch_size": 8, "latent_dim": 8, "width": 16, "sample_interval": 1}


@pytest.fixture(autouse=True)
def small_forest(monkeypatch):
    """No test here is about the forest."""
    monkeypatch.setattr("brainsim.decoder.TREES", 40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("score")
    recorded = fraction_trials(0, trials=80, neurons=12)
    save_recording(recorded, base / "rec.nc")
    ConditionalGAN(**SMALL).fit(recorded, folder=base / "gan")
    return base


class Model:
    """Stands for a generator: what it makes is drawn by `make`."""

    stimuli_ = NAMES

    def __init__(self, make):
        self.make = make

    def sample(self, trials, seed=0):
        made = self.make(1000 + seed, trials * len(NAMES)).assign_attrs(training_trials=",".join(map(str, range(100))))
        return made.assign_attrs(source="generated")


def fresh(seed, trials):
    return fraction_trials(seed, trials=trials, neurons=30)


def mislabelled(seed, trials):
    made = fresh(seed, trials)
    return made.assign_coords(stimulus=("trial", np.roll(made["stimulus"].values, 1)))


def test_checkpoints_are_chosen_evenly_with_both_ends(folder):
    assert saved_epochs(folder / "gan", 12) == [0, 1, 2, 3, 4]
    assert saved_epochs(folder / "gan", 2) == [0, 4]
    assert saved_epochs(folder / "gan", 3) == [0, 2, 4]
    with pytest.raises(InputError, match="no such folder"):
        saved_epochs(folder / "none", 3)


def test_every_checkpoint_has_a_card_and_the_best_is_the_nearest(folder):
    recorded = open_recording(folder / "rec.nc")
    score = score_checkpoints(folder / "gan", recorded, most=2)
    assert score.epochs == [0, 4]
    assert list(score.comparison.scores) == [source_name(0), source_name(4)]
    assert trials_per_stimulus(recorded) == 20
    values = {e: score.comparison.scores[source_name(e)]["inception_score"].value for e in score.epochs}
    assert len(set(values.values())) == 2
    assert score.distance[score.best] == min(score.distance.values())
    worse = dict(score.comparison.scores[source_name(4)])
    far = score.comparison.scores[source_name(4)]["noise_correlation_r"]
    worse["noise_correlation_r"] = type(far)(-1.0, far.floor, error=far.error)
    assert distance_of(worse, score.comparison.statistics) > score.distance[4]


def test_new_trials_help_a_decoder_and_wrong_labels_harm_it():
    recorded = fraction_trials(0, trials=160, neurons=30)
    good, bad = (augment(Model(make), recorded) for make in (fresh, mislabelled))
    assert good.held_out == 60
    assert good.ci95[0] > 0
    assert good.ci95[0] < good.gain < good.ci95[1]
    assert good.sentence().startswith("generated trials help a decoder: +")
    assert bad.ci95[1] < 0
    assert bad.sentence().startswith("generated trials harm")
    assert good.accuracy_training == bad.accuracy_training
    assert good.gain == pytest.approx(good.accuracy_generated - good.accuracy_photocopied)
    assert good.warning == ""


def test_photocopies_add_nothing():
    recorded = fraction_trials(0, trials=160, neurons=30)
    first = recorded.isel(trial=slice(100))

    def copies(seed, trials):
        return first.isel(trial=np.random.default_rng(seed).permutation(np.resize(np.arange(100), trials)))

    found = augment(Model(copies), recorded, draws=3)
    assert found.sentence().startswith("generated trials neither help nor harm")
    assert found.dataset.sizes["trial"] == 200
    assert (found.dataset["trial_origin"].values == "recorded").sum() == 100
    np.testing.assert_array_equal(found.dataset["calcium"].values[:100], first["calcium"].values)


def test_the_command_writes_table_figure_and_augmented_trials(folder, cli):
    out = folder / "out"
    done = cli("gan", "score", folder / "gan", folder / "rec.nc", "--out", out, "--most", 2, "--augment")
    assert done.exit_code == 0, done.output
    assert "best: epoch" in done.stdout
    names = {path.name for path in out.iterdir()}
    assert names == {"report.html", "metrics.json", "scores.csv", "figures", "augmented.nc"}
    facts = json.loads((out / "metrics.json").read_text())
    assert facts["epochs"] == {"epoch 0": 0, "epoch 4": 4}
    assert facts["best_epoch"] in (0, 4)
    low, high = facts["augmentation"]["ci95"]
    assert low <= facts["augmentation"]["gain"] <= high
    table = pd.read_csv(out / "scores.csv")
    stored = table.set_index(["epoch", "metric"]).loc[(4, "inception_score"), "value"]
    assert stored == pytest.approx(facts["sources"]["epoch 4"]["inception_score"]["value"])
    assert open_recording(out / "augmented.nc")["trial_origin"].values[-1] == "generated"
    page = (out / "report.html").read_text()
    assert "As training data for a decoder" in page
    assert "http" not in page.split("base64,")[0]
    again = cli("gan", "score", folder / "gan", folder / "rec.nc", "--out", out)
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr


def test_another_recording_is_refused_with_both_sizes(folder, cli):
    save_recording(fraction_trials(0, trials=80, neurons=13), folder / "other.nc")
    done = cli("gan", "score", folder / "gan", folder / "other.nc", "--out", folder / "never")
    assert done.exit_code == 1
    assert "13 neurons" in done.stderr
    assert not (folder / "never").exists()
