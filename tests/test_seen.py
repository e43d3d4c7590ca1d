"""What a source was trained on decides what it is held against; doubts about the data are said loudly."""

import numpy as np
import pytest
from made_up import NAMES, calcium_trials, continuous, fraction_trials, trials_dataset

from brainsim.alignment import align
from brainsim.compare import compare
from brainsim.error import InputError
from brainsim.evidence import Sample, split
from brainsim.seen import seen
from brainsim.trial import held_out
from brainsim.yardstick import Yardstick


@pytest.fixture(autouse=True)
def small_forest(monkeypatch):
    """No test here is about the forest."""
    monkeypatch.setattr("brainsim.decoder.TREES", 40)


def generated(seed, trained=None, **options):
    made = fraction_trials(seed, source="generated", **options)
    return made if trained is None else made.assign_attrs(training_trials=",".join(map(str, trained)))


def warnings_of(recorded, other=None):
    return " | ".join(align({"rec": recorded, "other": other if other is not None else recorded}).warnings)


def test_the_split_of_the_card_is_the_one_of_the_training():
    recorded = fraction_trials(0)
    sample = Sample(recorded["calcium"].values, 1.0, recorded["stimulus"].values.astype(str))
    interleaved = np.flatnonzero(~held_out(sample.labels, "interleaved"))
    sources = {"default": generated(1), "same": generated(1, interleaved), "early": generated(1, range(60))}
    result = compare(recorded, sources)
    assert result.splits["same"].startswith("the trials that it was trained on")
    assert "72 trials for training, 48 held out" in result.splits["same"]
    assert "60 trials for training, 60 held out" in result.splits["early"]
    default, same, early = (result.scores[name]["noise_correlation_r"] for name in ("default", "same", "early"))
    assert (default.value, default.floor) == (same.value, same.floor)
    assert early.floor != same.floor
    assert any("default: is said to be trained on unknown trials" in w for w in result.warnings)
    assert not any(w.startswith(("same:", "early:")) for w in result.warnings)


def test_decoding_says_what_the_source_has_seen_of_the_test():
    recorded = fraction_trials(0)
    sources = {"first": generated(1, range(60)), "mixed": generated(1, range(0, 120, 3)), "mute": generated(1)}
    result = compare(recorded, sources)
    for name in ("tstr", "decoding_blocked"):
        assert result.scores["first"][name].note == ""
        assert result.scores["mixed"][name].note == "it was trained on 20 of the 60 trials of this test"
        assert "may have been trained" in result.scores["mute"][name].note
    assert result.to_dict()["sources"]["mixed"]["tstr"]["note"]
    assert [name for name, score in result.scores["mixed"].items() if score.note] == ["decoding_blocked", "tstr"]


def test_training_on_everything_or_on_another_recording_is_said():
    recorded = fraction_trials(0)
    everything = seen(generated(1, range(120)), "g", 120)
    assert everything.training is None
    assert "every trial" in everything.warning
    assert "40 of the 40" in everything.of_block(np.arange(120) < 40, True)
    other = seen(generated(1, range(200)), "g", 120)
    assert not other.known
    assert "this is not the recording that it was trained on" in other.warning
    assert seen(recorded, "r", 120).warning == ""
    for wrong in ("0,one", "", "-3,4"):
        with pytest.raises(InputError, match="training_trials"):
            seen(recorded.assign_attrs(training_trials=wrong), "g", 120)


def test_rivals_are_made_from_the_trials_of_the_training():
    recorded = fraction_trials(0)
    sample = Sample(recorded["calcium"].values, 1.0, recorded["stimulus"].values.astype(str))
    training = np.arange(120) < 50
    yardstick = Yardstick(sample, lambda s: s, 0, training)
    known = {trial.tobytes() for trial in sample.trace[training]}
    copies = yardstick.rivals["interleaved"]["photocopy of training trials"].trace
    assert all(trial.tobytes() in known for trial in copies)
    assert len(yardstick.splits["interleaved"].held_out) == 70
    assert len(yardstick.splits["blocks"].held_out) == len(split(sample, "blocks").held_out)


def test_stimuli_in_runs_are_said_and_those_in_turn_are_not():
    recorded = fraction_trials(0, trials=160)
    assert "of one stimulus" not in warnings_of(recorded)
    stimulus = np.tile(np.repeat(NAMES, 20), 2)
    in_runs = recorded.assign_coords(stimulus=("trial", stimulus))
    assert "the 160 trials come in 8 blocks of one stimulus" in warnings_of(in_runs)


def test_values_scaled_before_the_split_are_said():
    recorded = calcium_trials(0)
    values = recorded["calcium"]
    scaled = (values - values.mean(("trial", "time"))) / values.std(("trial", "time"))
    unit = values - values.min(("trial", "time"))
    unit = unit / unit.max(("trial", "time"))
    for made, words in ((scaled, "have mean 0 and standard deviation 1"), (unit, "run from 0 to 1")):
        assert f"all neurons {words}" in warnings_of(recorded.assign(calcium=(values.dims, made.values)))
    assert "scaled" not in warnings_of(recorded)
    events = (values > 0.5).astype(float)
    assert "scaled" not in warnings_of(recorded.assign(calcium=(values.dims, events.values)))


def test_windows_that_overlap_are_found_in_the_values():
    whole = continuous(calcium_trials(0, trials=40))["calcium"].values
    windows = np.stack([whole[at : at + 20] for at in range(0, 700, 15)])
    overlapping = trials_dataset(windows, np.resize(NAMES, len(windows)))
    assert f"{len(windows) - 1} trials hold frames of the trial before" in warnings_of(overlapping)
    assert "hold frames" not in warnings_of(calcium_trials(0))
    silent = calcium_trials(0)
    assert "hold frames" not in warnings_of(silent.assign(calcium=silent["calcium"] * 0))


def test_labels_that_are_not_one_for_each_trial_are_refused():
    recorded = fraction_trials(0)
    wrong = recorded.drop_vars("stimulus").assign_coords(stimulus=("label", ["aud"] * 119))
    with pytest.raises(InputError, match="119 stimuli for 120 trials"):
        compare(wrong, {"x": fraction_trials(1)})


def test_labels_of_other_trials_are_suspected():
    recorded = fraction_trials(0, trials=200)
    rng = np.random.default_rng(0)
    shuffled = recorded.assign_coords(stimulus=("trial", rng.permutation(recorded["stimulus"].values)))
    good, bad = (compare(each, {"x": fraction_trials(1)}).warnings for each in (recorded, shuffled))
    assert any("labels belong to other trials" in warning for warning in bad)
    assert not any("labels belong" in warning for warning in good)
