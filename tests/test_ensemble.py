import numpy as np
import pytest
import xarray as xr

from brainsim import ensemble, grouping, trial
from brainsim.error import BrainsimError, InputError

CELLS = 40
FIRST, SECOND, NEW = slice(0, 8), slice(4, 14), slice(14, 18)
# answers to (conditioned before, unconditioned before, conditioned after)
TONE, PUFF, LEARNED = np.zeros((3, CELLS), bool)
TONE[FIRST], PUFF[SECOND], PUFF[NEW] = True, True, True
LEARNED[NEW] = True


def experiment(seed=0, trials=20, size=2.0, names=("aud", "air"), shared=0.0, rate=10.0):
    """Sessions of tone, puff, both together, tone, puff: calcium of 40 cells, those that respond rise after onset."""
    rng, period, (tone, puff) = np.random.default_rng(seed), 3.0, names
    answers = {tone: TONE, puff: PUFF, f"{tone}_{puff}": TONE | PUFF, f"{tone} again": TONE | LEARNED}
    sessions = [(tone, tone), (puff, puff), (f"{tone}_{puff}",) * 2, (tone, f"{tone} again"), (puff, puff)]
    frames, onset, stimulus, session = int(rate * (period * trials + 3)), [], [], []
    values = rng.normal(0, 1, (len(sessions) * frames, CELLS))
    common = np.zeros(len(values))
    for k, (name, key) in enumerate(sessions):
        for n in range(trials):
            at = k * frames + int(rate * (2 + period * n))
            values[at : at + int(rate)] += size * answers[key] * rng.gamma(2, 0.5)
            common[at : at + int(rate)] += 1.0
            onset.append(at / rate)
            stimulus.append(name)
            session.append(f"{k}")
    slow = np.convolve(rng.normal(0, 1, len(values)), np.ones(10) / 3, "same")
    values += shared * (common + slow)[:, None]
    return xr.Dataset(
        {"calcium": (("time", "neuron"), values)},
        coords={
            "time": np.arange(len(values)) / rate,
            "neuron": np.arange(CELLS),
            "onset": ("trial", np.array(onset)),
            "stimulus": ("trial", np.array(stimulus)),
            "session": ("trial", np.array(session)),
        },
        attrs={"source": "recorded", "sampling_rate_hz": rate},
    )


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
    with pytest.raises(InputError, match="no stimulus has 6 trials"):
        ensemble.responsive(case.isel(trial=slice(0, 4)))


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
