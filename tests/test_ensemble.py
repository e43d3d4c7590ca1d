import numpy as np
import pytest
from paired import LEARNED, NEW, PUFF, TONE, experiment

from brainsim import ensemble, grouping, simulate, trial
from brainsim.anatomy import draw_anatomy
from brainsim.dataset import load_dataset
from brainsim.error import BrainsimError, InputError
from brainsim.preset.pairing_small import PairingSmall


def test_responsive_cells_are_those_that_respond():
    found = ensemble.responsive(experiment())
    assert found["responsive"].dims == ("stimulus", "neuron")
    aud = found.sel(stimulus="aud")
    assert aud["responsive"].values[TONE].all()
    assert found["responsive"].sel(stimulus="air").values[PUFF].all()
    assert aud["responsive"].values[~TONE & ~LEARNED].sum() <= 1
    assert int(aud["trials"]) == 40
    assert aud["effect"].values[TONE].min() > 1


def test_where_nobody_responds_nobody_is_found():
    found = [ensemble.responsive(experiment(seed, size=0.0)) for seed in range(8)]
    assert sum(bool(each["responsive"].sum("neuron").max() > 0) for each in found) <= 4
    p = np.concatenate([each["p_value"].values.ravel() for each in found])
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.025)


def test_a_signal_that_all_cells_share_is_no_response():
    case = experiment(shared=1.0)
    kept = ensemble.responsive(case, keep_shared=True).sel(stimulus="aud")["responsive"].values
    assert kept.sum() > 30
    found = ensemble.responsive(case).sel(stimulus="aud")["responsive"].values
    assert found[TONE].all()
    assert found[~TONE & ~LEARNED].sum() <= 2


def test_groups_of_the_original_experiment():
    found = ensemble.groups(experiment())
    assert list(found) == ["aud", "air", "audair", "nonair"]
    assert found["audair"][NEW].all()
    assert found["audair"].sum() == 4
    assert found["aud"][TONE].all()
    assert found["aud"].sum() <= TONE.sum() + 2
    np.testing.assert_array_equal(found["nonair"], found["air"] & ~found["audair"])
    also = ensemble.groups(experiment(), definitions=grouping.PAIRING_ALL)["audair"]
    np.testing.assert_array_equal(also, PUFF & (TONE | LEARNED))


def test_groups_with_other_names_and_without_paired_trials():
    case = experiment(names=("tone-4", "puff"))
    with pytest.raises(InputError, match="no stimulus aud"):
        ensemble.groups(case)
    found = ensemble.groups(case, "tone-4", "puff")
    assert list(found) == ["tone-4", "puff", "tone-4puff", "nonpuff"]
    renamed = np.where(case["session"].values == "3", "tone-9", case["stimulus"].values)
    alone = case.assign_coords(stimulus=("trial", renamed)).isel(trial=case["session"].values != "2")
    by_name = ensemble.groups(alone, "tone-4", "puff", conditioned_after="tone-9")
    np.testing.assert_array_equal(by_name["tone-4puff"], found["tone-4puff"])
    with pytest.raises(InputError, match="never paired"):
        ensemble.groups(alone, "tone-4", "puff")


def test_spike_times_and_cut_trials_say_the_same():
    case = experiment(trials=24)
    values = case["calcium"].values > 1.7
    frame, cell = np.nonzero(values)
    events = case.drop_vars(["calcium", "time"]).assign(
        spike_time=("spike", case["time"].values[frame] + 0.05), spike_neuron=("spike", cell)
    )
    found = ensemble.groups(events.assign_attrs(duration_s=float(case["time"][-1]) + 0.1))
    assert found["audair"][NEW].all()
    early = trial.cut_trials(case.assign_coords(onset=case["onset"] - 1.0), 20)
    early = early.assign_coords(time=early["time"] - 1.0)
    np.testing.assert_array_equal(ensemble.groups(early)["audair"], ensemble.groups(case)["audair"])


def test_trials_without_time_before_onset_are_held_against_blank_or_other_stimuli():
    cut = trial.cut_trials(experiment())
    others = ensemble.responsive(cut)
    assert others.attrs["reference"] == "trials of all others"
    assert "answers all alike" in others.attrs["notices"]
    assert others["responsive"].sel(stimulus="air").values[PUFF & ~TONE & ~LEARNED].all()
    blank = np.where(cut["session"].values == "4", "blank", cut["stimulus"].values)
    rested = cut.assign_coords(stimulus=("trial", blank))
    rested["calcium"] = rested["calcium"].where(rested["stimulus"] != "blank", 0.0)
    found = ensemble.responsive(rested)
    assert found.attrs["reference"] == "trials of blank"
    assert "blank" not in found["stimulus"].values
    assert found["responsive"].sel(stimulus="aud").values[TONE].all()
    with pytest.raises(InputError, match="nothing before it"):
        ensemble.responsive(cut, reference="onset")


def test_too_few_trials_are_unknown_not_unresponsive():
    case = experiment()
    few = case.isel(trial=(case["stimulus"].values != "air") | (np.arange(case.sizes["trial"]) % 10 == 0))
    found = ensemble.responsive(few)
    assert np.isnan(found["q_value"].sel(stimulus="air")).all()
    assert "unknown" in found.attrs["notices"]
    with pytest.raises(InputError, match="2 trials of air alone before pairing"):
        ensemble.groups(few)
    with pytest.raises(InputError, match=r"no stimulus has 6 trials.*--reference others"):
        ensemble.responsive(case.isel(trial=slice(0, 4)))
    five = case.isel(trial=np.arange(case.sizes["trial"]) % 4 == 0).isel(trial=slice(0, 10))
    apart = ensemble.responsive(five, reference="others", keep_shared=True)
    assert apart["responsive"].sel(stimulus="aud").values[:4].sum() >= 3
    assert int(apart["trials"].min()) == 5


def test_missing_frames_and_silent_cells_do_no_harm():
    case = experiment()
    case["calcium"][:, 39] = 0.0
    case["calcium"][:, 38] = np.nan
    case["calcium"][::7, 3] = np.nan
    found = ensemble.responsive(case).sel(stimulus="aud")
    assert not found["responsive"].values[[38, 39]].any()
    assert np.isnan(found["q_value"].values[38])
    assert found["responsive"].values[3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "spikes"}, "holds no spikes"),
        ({"window": 0.0}, "window is 0"),
        ({"reference": "baseline"}, "baseline"),
        ({"reference": "blank", "blank": "dark"}, "no stimulus dark"),
    ],
)
def test_what_cannot_be_done_is_said(options, message):
    with pytest.raises(BrainsimError, match=message):
        ensemble.responsive(experiment(), **options)


def test_a_trial_that_begins_in_a_gap_is_left_out():
    case = experiment()
    time = case["time"].values + 60.0 * (np.arange(case.sizes["time"]) >= 630)
    moved = case.assign_coords(time=time)
    cut = trial.cut_trials(moved, 10)
    assert cut.attrs["trials_left_out"] == int(((moved["onset"] > 62) & (moved["onset"] < 123)).sum())


def test_the_cells_that_a_stimulus_drives_are_found_in_the_bundled_recording():
    case = load_dataset()
    anatomy = draw_anatomy(PairingSmall(), np.random.default_rng(case.attrs["seed"]).spawn(len(simulate.STREAMS))[0])
    np.testing.assert_allclose(anatomy.weight, case["true_weight_before"])
    channels = PairingSmall().afferents().channels
    driven = (anatomy.fibre_weight.reshape(len(channels), -1, case.sizes["neuron"]) > 0).any(1)
    found = ensemble.responsive(case)["responsive"].sel(stimulus=list(channels)).values
    assert (found & driven).sum() >= 0.9 * driven.sum()
    assert (found & driven).sum() >= 0.9 * found.sum()
    groups = ensemble.groups(case)
    assert (groups["aud"] & driven[1]).sum() >= 0.7 * driven[1].sum()
    assert groups["audair"].sum() <= 2
