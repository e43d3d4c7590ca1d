"""What a file or a Dataset may not hold, or a user ask for: each is refused in one sentence, or told in a notice."""

import formats
import h5py
import numpy as np
import pytest
import torch
import xarray as xr
from made_up import calcium_trials, continuous, fraction_trials
from paired import experiment

from brainsim import schema
from brainsim.cells import Settings
from brainsim.ensemble import responsive
from brainsim.error import InputError, UnknownName
from brainsim.export import write_csv
from brainsim.gan import ConditionalGAN
from brainsim.ground_truth import read_truth, shortened
from brainsim.reader import ReadOptions
from brainsim.reading import read_recording
from brainsim.study_report import summary
from brainsim.transient import features

WIDE = "time_s,a,b\n0.0,1,2\n0.1,3,5\n0.2,4,2\n0.3,0.5,0.25\n"
ROWS = "0.1,0.2,0.3\n0.4,0.5,0.6\n"
CODES = " ".join(["1"] * 4)

TABLES = [  # format, recording, stimuli, options, words
    ("csv-wide", "0,1,2\n1,3,4\n", None, {}, "do not tell which are the neurons"),
    ("csv-wide", "time_s,a\n", None, {}, "no frame in it"),
    ("csv-wide", "time_s\n0\n0.1\n", None, {}, "no column of a neuron"),
    ("csv-wide", WIDE, "onset_s,stimulus\n0.1,aud\n", {}, "no column duration_s"),
    ("csv-wide", WIDE, "onset_s,duration_s,stimulus\n", {}, "no stimulus in it"),
    ("csv-long", "neuron,time_s\n", None, {}, "no spike"),
    ("trial-table", "a,b\n0.1,0.2\n", None, {"orientation": "time-neuron"}, "first line holds names"),
    ("trial-table", ROWS, "aud\nair\nvis\naud\n", {}, "4 (labels|tags)"),
    ("trial-table", ROWS, "aud,1\nair,2\n", {}, "2 rows and 2 columns"),
    ("cilva", "a,b\n1,2\n", None, {"sampling_rate": 10.0}, "names, not numbers"),
    ("cilva", "1 2 3 4\n4 3 2 1\n", "code x\n1 2\n", {"sampling_rate": 10.0}, "is no stimulus code"),
    ("cilva", "1 2 3 4\n4 3 2 1\n", "1 nan 1 1\n", {"sampling_rate": 10.0}, "1 codes are missing"),
]


@pytest.mark.parametrize(("format", "content", "stimuli", "options", "words"), TABLES)
def test_a_table_that_lacks_something_is_refused_with_field_and_remedy(
    format, content, stimuli, options, words, tmp_path
):
    source = tmp_path / "rec.csv"
    source.write_text(content)
    if stimuli is not None:
        (tmp_path / "stimuli.csv").write_text(stimuli)
        options = {**options, "stimuli": tmp_path / "stimuli.csv"}
    with pytest.raises(InputError, match=words) as caught:
        read_recording([source], format, ReadOptions(**options))
    assert caught.value.remedy
    assert "field '" in caught.value.where


def test_a_trial_table_takes_units_and_rate_and_tells_what_it_assumed(tmp_path):
    (tmp_path / "one_day.csv").write_text("1.5,-0.2,0.3\n0.4,0.5,0.6\n")
    (tmp_path / "two_tag.csv").write_text("stimulus\naud\nair\n")
    plain = read_recording([tmp_path / "one_day.csv"], "trial-table", ReadOptions(orientation="time-neuron"))
    assert plain["calcium"].attrs["units"] == "dF/F"
    assert "outside 0..1" in plain.attrs["notices"]
    assert dict(plain["calcium"].sizes) == {"trial": 2, "time": 1, "neuron": 3}
    turned = read_recording([tmp_path / "one_day.csv"], "trial-table", ReadOptions(orientation="neuron-time"))
    np.testing.assert_array_equal(turned["calcium"].values[:, 0], plain["calcium"].values[:, 0].T)
    told = ReadOptions(stimuli=tmp_path / "two_tag.csv", units="dF/F", sampling_rate=30.0)
    tagged = read_recording([tmp_path / "one_day.csv"], "trial-table", told)
    assert tagged.attrs["sampling_rate_hz"] == 30.0
    assert tagged["stimulus"].values.tolist() == ["aud", "air"]
    assert "outside 0..1" not in tagged.attrs["notices"]


def test_frames_of_matlab_whose_time_stands_still_are_left_out_and_told(tmp_path):
    values, time = np.random.default_rng(0).random((50, 3)), np.arange(50) / 10
    time[20] = time[19]
    found = formats.read(formats.matlab5(tmp_path / "rec.mat", dff=values, t=time))
    assert found.sizes["time"] == 49
    assert "1 frame(s) were left out" in found.attrs["notices"]
    raw = formats.read(formats.matlab5(tmp_path / "raw.mat", dff=values, t=np.arange(50) / 10), units="dF/F")
    assert "does not tell its unit" not in raw.attrs.get("notices", "")


def test_a_matrix_of_matlab_without_a_usual_name_is_taken_where_it_is_the_only_one(tmp_path):
    values = np.random.default_rng(0).random((50, 3))
    source = formats.matlab5(tmp_path / "rec.mat", mystery=values)
    found = formats.read(source, sampling_rate=10.0, orientation="time-neuron")
    np.testing.assert_allclose(found["calcium"], values)
    stopped = formats.matlab5(tmp_path / "bad.mat", mystery=values, fs=0.0)
    formats.refused(stopped, "the frame rate is 0", orientation="time-neuron")


def test_rois_of_nwb_that_are_images_have_their_centres(tmp_path):
    path = formats.nwb(tmp_path / "rec.nwb")
    y_and_x = np.array([[np.nan, np.nan], [5.0, 2.0], [1.0, 4.0]])  # an image is x across y
    with h5py.File(path, "r+") as file:
        table = file["processing/my pipeline/Segments/Plane"]
        del table["pixel_mask"], table["pixel_mask_index"]
        images = np.zeros((3, 6, 8))
        images[1, 2, 4:7] = images[2, 3:6, 1] = 1.0
        table["image_mask"] = images
    found = formats.read(path, rois="all")
    np.testing.assert_allclose(found["position"].values, y_and_x)


def test_rois_of_nwb_with_one_name_twice_are_numbered(tmp_path):
    path = formats.nwb(tmp_path / "rec.nwb")
    with h5py.File(path, "r+") as file:
        file["processing/my pipeline/Segments/Plane/id"][...] = [11, 11, 13]
    found = formats.read(path, rois="all")
    assert found["neuron"].values.tolist() == [0, 1, 2]
    assert found["roi_id"].values.tolist() == [11, 11, 13]


def test_windows_of_responses_are_checked_and_shortened_with_a_notice():
    recording = experiment(trials=8)
    with pytest.raises(InputError, match=r"the window is -1 s"):
        responsive(recording, window=-1.0)
    assert responsive(recording, window=0.5, source="calcium").attrs["window_s"] == 0.5
    onset = recording["onset"].values.copy()
    onset[1] = onset[0] + 1.2
    crowded = responsive(recording.assign_coords(onset=("trial", onset)))
    assert crowded.attrs["window_s"] == pytest.approx(0.6)
    assert "two trials begin 1.2 s from each other" in crowded.attrs["notices"]


def test_spike_times_need_onsets_with_room_around_them():
    times = np.sort(np.random.default_rng(0).uniform(0, 40, 400))
    spikes = xr.Dataset(
        {"spike_time": ("spike", times), "spike_neuron": ("spike", np.arange(400) % 4)},
        coords={"neuron": np.arange(4), "stimulus": ("trial", ["a", "b"] * 8)},
        attrs={"source": "recorded", "duration_s": 40.0},
    )
    with pytest.raises(InputError, match="spike times need onsets"):
        responsive(spikes)
    onset = np.linspace(50, 90, 16)
    with pytest.raises(InputError, match="no trial has 1 s before and after its onset"):
        responsive(spikes.assign_coords(onset=("trial", onset)))


def test_trials_of_one_frame_are_written_as_a_table_and_a_file_of_tags_and_read_again(tmp_path):
    trials = fraction_trials(0, trials=12, neurons=5)
    written = write_csv(trials, tmp_path / "day.csv")
    assert [path.name for path in written] == ["day.csv", "day_tag.csv"]
    again = read_recording([tmp_path / "day.csv", tmp_path / "day_tag.csv"], "trial-table")
    np.testing.assert_array_equal(again["calcium"].values, trials["calcium"].values)
    assert again["stimulus"].values.tolist() == trials["stimulus"].values.tolist()
    with pytest.raises(InputError, match="trials of 20 frames fit no flat table"):
        write_csv(calcium_trials(0), tmp_path / "none.csv")
    broken = continuous(calcium_trials(0)).assign_coords(neuron=["a\nb", *map(str, range(15))])
    with pytest.raises(InputError, match="does not survive in a CSV file"):
        write_csv(broken, tmp_path / "n.csv")


def test_the_schema_tells_spikes_without_owners_and_words_for_numbers():
    recording = continuous(calcium_trials(0))
    alone = recording.assign(spike_time=("spike", [0.1, 0.2]))
    assert "come together" in " ".join(f.found for f in schema.check(alone))
    words = alone.assign(spike_neuron=("spike", ["a", "b"]))
    assert any("not numbers" in f.found for f in schema.check(words) if f.severity == "error")


@pytest.mark.parametrize(("field", "value"), [("prior", 0.0), ("prior", 1.0), ("sure", 0.4)])
def test_probabilities_of_cell_types_lie_within_their_bounds(field, value):
    with pytest.raises(InputError, match=f"it is {value:g}") as caught:
        Settings(**{field: value})
    assert field in caught.value.where


def test_devices_and_decays_of_a_generator_are_checked():
    trials = calcium_trials(0, trials=16, neurons=3, frames=4)
    with pytest.raises(UnknownName, match="cpu"):
        ConditionalGAN(device="cpuu", epochs=1).fit(trials)
    with pytest.raises(InputError, match=r"not in \[0, 1\)"):
        ConditionalGAN(b1=1.0, epochs=1).fit(trials)
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="no CUDA device"):
            ConditionalGAN(device="cuda", epochs=1).fit(trials)


def test_a_recording_is_shortened_with_its_trials_and_a_table_of_truth_is_checked(tmp_path):
    recording = continuous(calcium_trials(0))
    short = shortened(recording.assign_attrs(trial_frames=20), 10.0)
    assert float(short["time"].max()) < 10.0
    assert float(short["onset"].max()) + 2.0 < 10.0
    (tmp_path / "truth.csv").write_text("pre,post\na,b\n")
    with pytest.raises(InputError, match="weight"):
        read_truth(tmp_path / "truth.csv", np.array(["a", "b"]))
    with pytest.raises(InputError, match="cannot be read"):
        read_truth(tmp_path / "none.csv", np.array(["a", "b"]))


def test_a_flat_trace_has_no_features():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (600, 2)).cumsum(0)
    values[:, 1] = 0.5
    recording = continuous(calcium_trials(0, trials=30, neurons=2)).assign(calcium=(("time", "neuron"), values))
    table = np.asarray(features(recording))
    assert np.isfinite(table[0]).any()
    assert np.isnan(table[1]).all()


FACTS = {
    "response": {"resemblance_shuffled_low": -0.2, "resemblance_shuffled_high": 0.2, "resemblance_mean": 0.5},
    "change_events": {"auc_grew": 0.9, "auc_grew_types": 0.6, "auc_more": 0.95, "rank": 0.8, "auc_grew_learned": 0.7},
}


@pytest.mark.parametrize(("more", "verb"), [(0.95, "tells"), (0.5, "does not tell"), (None, None)])
def test_the_summary_of_a_study_says_who_is_right_where_the_truth_is_known(more, verb):
    told = " ".join(summary({**FACTS, "change_events": FACTS["change_events"] | {"auc_more": more}}))
    assert "Simulated responses resemble the recorded ones" in told
    assert "AUC 0.90 for which groups' weights grew" in told
    assert "The original rule: AUC 0.70" in told
    assert verb is None or f"it {verb} which grew more than others" in told
    assert "The truth is not known" not in told
    unknown = " ".join(summary({"response": FACTS["response"]}))
    assert "The truth is not known here" in unknown
