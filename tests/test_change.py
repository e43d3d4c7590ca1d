"""What changed between two parts of a recording: sessions, two fits, groups, the truth, the command."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from brainsim import before_after, change, frame_coupling, growth, session, store
from brainsim.error import FitError, InputError, UnknownName
from brainsim.gradient import Settings
from brainsim.rule.ml import Ml

ORDER = ("baseline", "aud", "air", "aud_air", "aud_again", "air_again", "baseline_again")
LABEL = {"aud_again": "aud", "air_again": "air"}
TRIALS, LENGTH = 8, 20


def experiment(neurons=6, seed=0, **attrs):
    """Seven sessions at 10 Hz, each gap-free, with ten seconds between; neurons 0, 1 answer sound, 2, 3 the airpuff."""
    rng = np.random.default_rng(seed)
    frames = TRIALS * LENGTH + LENGTH
    start = np.arange(len(ORDER)) * (frames / 10 + 10)
    time = np.concatenate([s + np.arange(frames) / 10 for s in start])
    spikes = rng.poisson(0.3, (len(time), neurons)).astype(float)
    onset, stimulus, names = [], [], []
    for k, name in enumerate(ORDER):
        if name.startswith("baseline"):
            continue
        for trial in range(TRIALS):
            first = k * frames + LENGTH // 2 + trial * LENGTH
            label = LABEL.get(name, name)
            for cell, channel in ((0, "aud"), (1, "aud"), (2, "air"), (3, "air")):
                spikes[first : first + 8, cell] += 2 * (channel in label.split("_"))
            onset.append(time[first])
            stimulus.append(label)
            names.append(name)
    return xr.Dataset(
        {"spikes": (("time", "neuron"), spikes)},
        coords={
            "time": time,
            "neuron": np.arange(neurons),
            "onset": ("trial", onset),
            "stimulus": ("trial", stimulus),
            "session": ("trial", names),
        },
        attrs={"source": "recorded", "sampling_rate_hz": 10.0, "trial_frames": LENGTH, **attrs},
    )


def test_sessions_are_runs_of_frames_and_those_without_trials_are_known_where_all_are_named():
    named = session.sessions(experiment(sessions=", ".join(ORDER)))
    assert [each.name for each in named] == list(ORDER)
    assert named[1].end - named[1].begin == pytest.approx(18.0)
    assert [each.name for each in session.sessions(experiment())] == list(ORDER[1:-1])


def test_sessions_that_follow_each_other_without_a_pause_end_where_the_next_trial_begins():
    data = experiment()
    data = data.assign_coords(time=np.arange(data.sizes["time"]) / 10)
    data = data.assign_coords(onset=("trial", data["time"].values[LENGTH * np.arange(data.sizes["trial"])]))
    found = session.sessions(data)
    assert [each.name for each in found] == list(ORDER[1:-1])
    assert [each.end for each in found[:-1]] == pytest.approx([each.begin for each in found[1:]])


def test_before_and_after_pairing_are_found():
    before, after = session.around_pairing(experiment(sessions=", ".join(ORDER)))
    assert [each.name for each in before] == ["baseline", "aud", "air"]
    assert [each.name for each in after] == ["aud_again", "air_again", "baseline_again"]
    before, after = session.around_pairing(experiment().drop_vars("session"))
    assert (before[0].name, after[0].name) == ("before", "after")
    both = experiment()["onset"].values[experiment()["stimulus"].values == "aud_air"]
    assert before[0].end == both[0]
    assert after[0].begin == pytest.approx(both[-1] + 2)


@pytest.mark.parametrize(
    ("drop", "said"), [("aud_air", "nothing was paired"), ("after", "recorded after"), ("before", "recorded before")]
)
def test_it_is_said_why_before_and_after_cannot_be_told(drop, said):
    data = experiment()
    keep = {
        "aud_air": data["stimulus"] != "aud_air",
        "after": ~np.char.endswith(data["session"].values, "_again"),
        "before": ~np.isin(data["session"].values, ["aud", "air"]),
    }[drop]
    with pytest.raises(InputError, match=said) as raised:
        session.around_pairing(data.isel(trial=np.flatnonzero(keep)))
    assert "--before" in str(raised.value)


def test_a_part_keeps_what_lies_inside_and_a_pause_between():
    data = experiment(sessions=", ".join(ORDER))
    times = np.sort(np.random.default_rng(0).uniform(0, float(data["time"][-1]), 500))
    data["spike_time"], data["spike_neuron"] = ("spike", times), ("spike", np.arange(500) % 6)
    chosen = session.named(data, ["aud", "air_again"])
    part = session.part(data, chosen)
    assert part.sizes["time"] == 2 * (TRIALS + 1) * LENGTH
    assert sorted(set(part["session"].values)) == ["air_again", "aud"]
    inside = [(times >= each.begin) & (times < each.end) for each in chosen]
    assert part.sizes["spike"] == sum(each.sum() for each in inside)
    first, second = session.sessions(part)
    assert (first.name, second.name) == ("aud", "air_again")
    assert second.begin - first.end == pytest.approx(1.0, abs=1e-3)
    late = part["onset"].values[part["session"].values == "air_again"]
    assert (late - second.begin)[0] == pytest.approx(1.0, abs=1e-3)
    assert part["spike_time"].values.max() <= part.attrs["duration_s"]
    with pytest.raises(UnknownName, match="awd"):
        session.named(data, ["awd"])


def test_trials_that_are_cut_are_chosen_by_their_session():
    data = experiment()
    values = np.zeros((data.sizes["trial"], LENGTH, 6))
    cut = xr.Dataset(
        {"spikes": (("trial", "time", "neuron"), values)},
        coords={k: data[k] for k in ("stimulus", "session", "neuron")} | {"time": np.arange(LENGTH) / 10},
        attrs=data.attrs,
    )
    before, after = session.around_pairing(cut)
    assert [each.name for each in before + after] == ["aud", "air", "aud_again", "air_again"]
    assert set(session.part(cut, after)["session"].values) == {"aud_again", "air_again"}


def two_fits(share, n=60, error=0.1, seed=0):
    """Estimates of weights that grew by a share; a third of the neurons inhibit, every tenth pair is connected."""
    rng = np.random.default_rng(seed)
    sign = np.where(np.arange(n) % 3, 1.0, -1.0)[:, None]
    true = sign * rng.uniform(0.4, 1.0, (n, n)) * (rng.uniform(size=(n, n)) < 0.1)
    np.fill_diagonal(true, 0)
    fits = []
    for factor in (1.0, 1 + share):
        spread = error * rng.uniform(0.7, 1.5, (n, n))
        weight = true * factor + spread * rng.standard_normal((n, n))
        np.fill_diagonal(weight, 0)
        pair = ("pre", "post")
        values = {"weight": (pair, weight), "weight_se": (pair, spread)}
        fits.append(xr.Dataset(values, {"pre": np.arange(n), "post": np.arange(n)}, {"rule": "ml"}))
    return *fits, true


def test_nothing_is_called_where_nothing_changed_and_errors_that_are_too_small_are_widened():
    before, after, _ = two_fits(0.0)
    found = change.between(before, after)
    assert found.attrs["null_spread"] == pytest.approx(1.0, abs=0.1)
    assert (found["q_value"] < 0.05).sum() < 4
    pairs = [change.between(*two_fits(0.0, seed=k)[:2]) for k in range(30)]
    z = [float(change.of_groups(each, all_of(60))["growth_z"][0, 0]) for each in pairs]
    assert np.std(z) == pytest.approx(1.0, abs=0.35)
    small = [each.assign(weight_se=each["weight_se"] / 3) for each in (before, after)]
    assert change.between(*small).attrs["null_spread"] == pytest.approx(3.0, abs=0.3)
    assert np.median(np.abs(change.between(*small)["z"])) == pytest.approx(0.67, abs=0.05)


def all_of(n):
    return {"all": np.ones(n, bool)}


@pytest.mark.parametrize("share", [0.2, -0.2])
def test_the_growth_of_groups_is_found_whatever_the_sign_of_the_weights(share):
    before, after, _ = two_fits(share)
    inhibitory = np.arange(60) % 3 == 0
    found = change.of_groups(change.between(before, after), {"E": ~inhibitory, "I": inhibitory})
    expected = share / (1 + share / 2)  # of the mean weight
    assert ((found["growth_low"] < expected) & (expected < found["growth_high"])).all()
    assert (np.sign(found["growth"]) == np.sign(share)).all()
    assert (found["growth_q"] < 0.05).all()


def test_a_group_without_synapses_cannot_be_told():
    before, after, _ = two_fits(0.2)
    none = {"weight": before["weight"] * 0, "weight_se": before["weight_se"]}
    found = change.between(before.assign(none), after.assign(none))
    told = change.of_groups(found, all_of(60))
    assert np.isnan(told["growth"]).all()
    with pytest.raises(InputError, match="different neurons"):
        change.between(before, after.isel(pre=slice(1, None)))


def events(probability, seed, bins=40_000):
    """Forty seconds of two neurons; the first makes the second fire 2 ms later with a probability."""
    rng = np.random.default_rng(seed)
    first = np.flatnonzero(rng.uniform(size=bins) < 0.02)
    driven = first[rng.uniform(size=len(first)) < probability] + 2
    second = np.union1d(np.flatnonzero(rng.uniform(size=bins) < 0.01), driven)
    steps = np.concatenate([first, second])
    order = np.argsort(steps, kind="stable")
    cells = np.repeat([0, 1], [len(first), len(second)])[order]
    data = {"spike_time": ("spike", steps[order] / 1000 + 5e-4), "spike_neuron": ("spike", cells)}
    return xr.Dataset(data, {"neuron": [0, 1]}, {"source": "simulated", "duration_s": bins / 1000 + 0.1})


def test_two_likelihood_fits_see_a_synapse_grow():
    pairs = change.between(*change.fits(events(0.1, 0), events(0.3, 1), Ml(), Settings(ridge=1.0)))
    assert pairs.attrs["rule"] == "ml"
    assert float(pairs["z"][0, 1]) > 4
    assert abs(float(pairs["z"][1, 0])) < 3
    assert float(pairs["weight_before"][0, 1]) > 0


def test_frames_are_coupled_within_the_frame_and_not_by_what_is_locked_to_a_stimulus():
    data = experiment()
    rng = np.random.default_rng(3)
    extra = rng.poisson(0.3 * data["spikes"].values[:, 4])
    data["spikes"][:, 5] += extra
    found = frame_coupling.fit(data)
    z = (found["weight"] / found["weight_se"]).values
    assert z[4, 5] > 5
    assert np.abs(z[0, 1]) < 4  # both answer sound
    assert np.corrcoef(data["spikes"].values.T)[0, 1] > 0.3
    with pytest.raises(FitError, match="frames"):
        frame_coupling.fit(data.isel(time=slice(0, 6)))
    with pytest.raises(InputError, match="spikes per frame"):
        frame_coupling.fit(data.drop_vars("spikes"))


def test_missing_frames_count_as_the_mean():
    data = experiment()
    data["spikes"][10:40, 2] = np.nan
    rest = frame_coupling.unlocked(data)
    assert np.isfinite(rest).all()
    assert (rest[10:40, 2] == 0).all()


def test_known_growth_by_hand():
    before = np.array([[0.0, 1.0, 2.0], [-1.0, 0.0, 0.0], [4.0, 0.0, 0.0]])
    fit = xr.Dataset({"weight": (("pre", "post"), before * 1.5), "weight_initial": (("pre", "post"), before)})
    fit["weight"][0, 2] = 4.0
    found, count = growth.known(fit, {"a": np.array([1, 0, 0], bool), "b": np.array([0, 1, 1], bool)})
    assert count.tolist() == [[0, 2], [2, 0]]
    assert found[0, 1] == pytest.approx(0.75)
    assert found[1, 0] == pytest.approx(0.5)
    assert np.isnan(found[0, 0])
    assert growth.truth(fit) is None


def test_auc_leaves_out_what_did_not_change():
    true = np.array([0.1, 0.2, -0.1, 0.0, np.nan])
    assert growth.auc(np.array([2.0, 1.0, -1.0, 9.0, 9.0]), true) == 1.0
    assert growth.auc(np.array([-2.0, 1.0, -1.0, 9.0, 9.0]), true) == 0.5
    assert np.isnan(growth.auc(np.ones(2), np.array([0.1, 0.2])))
    assert growth.agreement(np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.3]))["rank"] == pytest.approx(1.0)


def test_groups_are_those_that_answer_and_cell_types_where_they_are_known():
    data = experiment(sessions=", ".join(ORDER))
    before, _ = session.around_pairing(data)
    groups, notices = before_after.groups_of(data, before)
    assert "aud" not in groups  # two neurons are too few
    assert any("aud" in notice for notice in notices)
    wide = experiment(12, sessions=", ".join(ORDER))
    wide["spikes"][:, 4] = wide["spikes"][:, 1]
    wide = wide.assign_coords(cell_type=("neuron", ["I", *"EEEEEEEE", "I", "I", "I"]))
    wide["spikes"][:, 5] = wide["spikes"][:, 0]
    groups, _ = before_after.groups_of(wide, before)
    assert groups["aud"].tolist() == [False, True, False, False, True, True, *[False] * 6]
    assert groups["I"].sum() == 4
    plain = data.drop_vars(["stimulus", "session", "onset"])
    groups, notices = before_after.groups_of(plain, [session.Period("all", 0.0, 1e9)])
    assert list(groups) == ["all"]
    assert len(notices) == 2


@pytest.fixture(scope="module")
def simulated():
    """An experiment of 12 neurons whose truth is known."""
    data = experiment(12, sessions=", ".join(ORDER))
    rng = np.random.default_rng(1)
    true = rng.uniform(0.5, 1, (12, 12)) * (rng.uniform(size=(12, 12)) < 0.5)
    grown = true * np.where(rng.uniform(size=(12, 12)) < 0.5, 1.2, 0.8)
    names = {"pre": np.arange(12), "post": np.arange(12)}
    data = data.assign_coords(names | {"cell_type": ("neuron", list("EEEEEEEEEIII"))})
    data["true_weight_before"], data["true_weight"] = (("pre", "post"), true), (("pre", "post"), grown)
    learned = xr.Dataset(
        {"weight": data["true_weight"], "weight_initial": data["true_weight_before"]}, attrs=data.attrs
    )
    return data, learned


def test_the_command_writes_changes_groups_and_who_is_right(cli, tmp_path, simulated):
    data, learned = simulated
    store.save_recording(data, tmp_path / "rec.nc")
    store.save_recording(learned, tmp_path / "learned.nc")
    asked = ["--learned", tmp_path / "learned.nc", "--out", tmp_path / "c.nc", "--figure", tmp_path / "c.png", "--json"]
    done = cli("snn", "change", tmp_path / "rec.nc", *asked)
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert facts["before"] == "baseline, aud, air"
    assert facts["rule"] == "frame coupling"
    assert "within a frame" in facts["notices"]
    result = store.open_recording(tmp_path / "c.nc")
    assert {"weight_before", "weight_after", "change", "change_se", "z", "q_value"} <= set(result)
    assert result["growth"].dims == ("pre_group", "post_group")
    assert facts["auc_grew_synapses_learned"] == 1.0
    assert 0 <= facts["auc_grew_shuffled"] <= 1
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    again = cli("snn", "change", tmp_path / "rec.nc", "--out", tmp_path / "d.nc")
    assert "AUC" in again.output
    assert result["z"].equals(store.open_recording(tmp_path / "d.nc")["z"])


def test_everything_in_a_change_is_documented(simulated):
    data, learned = simulated
    groups = {"E": np.arange(12) < 9, "I": np.arange(12) >= 9}
    result = before_after.compare(data, session.around_pairing(data), groups, learned=learned)
    page = (Path(__file__).parents[1] / "docs" / "schema.md").read_text("utf-8")
    section = page.split("\n## What a change holds\n")[1].split("\n## ")[0]
    known = set(re.findall(r"`(\w+)`", section)) | {"ridge", "bin_s"}
    common = {"source", "seed", "brainsim_version", "notices"}
    assert set(result.data_vars) <= known
    assert set(result.attrs) <= known | common


def test_the_command_says_what_it_cannot_tell_and_leaves_nothing_behind(cli, tmp_path, simulated):
    data, _ = simulated
    rec, out = tmp_path / "rec.nc", tmp_path / "c.nc"
    store.save_recording(data.isel(trial=np.flatnonzero(data["stimulus"] != "aud_air")), rec)
    failed = cli("snn", "change", rec, "--out", out)
    assert failed.exit_code == 1
    assert "nothing was paired" in failed.output
    assert cli("snn", "change", rec, "--out", out, "--before", "aud").exit_code == 2
    same = cli("snn", "change", rec, "--out", out, "--before", "aud", "--after", "aud")
    assert (same.exit_code, "both before and after" in same.output) == (2, True)
    named = cli("snn", "change", rec, "--out", out, "--before", "aud", "--after", "aud_again", "--conditioned", "smell")
    assert (named.exit_code, "smell" in named.output) == (1, True)
    wrong = cli("snn", "change", rec, "--out", out, "--before", "aud", "--after", "awd_again")
    assert wrong.exit_code == 1
    assert "aud_again" in wrong.output
    assert not out.exists()
    right = cli("snn", "change", rec, "--out", out, "--before", "aud", "--after", "aud_again", "--quiet")
    assert right.exit_code == 0, right.output
