import json
import re
from importlib.metadata import entry_points

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from made_up import calcium_trials, continuous, fraction_trials, independent_gaussian, trials_dataset

from brainsim import store, verdict
from brainsim.alignment import align
from brainsim.binning import bin_spikes
from brainsim.compare import compare
from brainsim.error import InputError
from brainsim.statistic.c2st_forest import C2STForest
from brainsim.statistic.noise_correlation_r import NoiseCorrelationR
from brainsim.yardstick import Score

FIELDS = {"value", "floor", "rival", "rival_name", "ci95", "unit", "rivals"}
FAIR = ("class mean + any trial's residual", "independent Gaussian", "shrinkage Gaussian", "dichotomised Gaussian")


def run(*arguments):
    (entry,) = entry_points(group="console_scripts", name="brainsim")
    return CliRunner().invoke(entry.load(), [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def recorded():
    return fraction_trials(0, trials=160)


@pytest.fixture(scope="module")
def result(recorded):
    rng = np.random.default_rng(3)
    photocopies = recorded.isel(trial=np.sort(rng.integers(160, size=160)))
    others = {
        "copies": photocopies,
        "fresh": fraction_trials(1, trials=160),
        "gaussian": independent_gaussian(recorded),
    }
    return compare(recorded, others)


def test_photocopies_are_called_copies(result):
    assert result.verdict["copies"].startswith("copies your trials")
    assert result.scores["copies"]["nn_ratio"].value < 0.01


def test_fresh_trials_are_indistinguishable(result):
    assert result.verdict["fresh"].startswith("indistinguishable from held-out recorded trials")
    assert result.missed["fresh"] == ()


def test_an_independent_gaussian_misses_the_noise_correlations(result):
    assert "misses the noise correlations" in result.verdict["gaussian"]
    assert result.verdict["gaussian"].startswith("not better than resampling your own trials")
    assert abs(result.scores["gaussian"]["noise_correlation_r"].value) < 0.2


def test_every_metric_stands_beside_floor_rival_and_interval(result):
    for scores in result.scores.values():
        for name, score in scores.items():
            if score.value is None:
                assert score.why
                continue
            assert score.floor is not None
            if score.ci95:
                assert score.ci95[0] <= score.value <= score.ci95[1]
            else:
                assert name.startswith(("calciumgan", "ldns"))
            if name not in ("trtr", "inception_score_real"):
                assert score.rival_name in FAIR
                assert set(score.rivals) == {"photocopy of training trials", *FAIR}
            if name.endswith("_kl"):
                assert score.n > 0


def test_the_residual_rival_keeps_noise_correlations_and_the_gaussian_one_loses_them(result):
    rivals = result.scores["fresh"]["noise_correlation_r"].rivals
    assert rivals["class mean + any trial's residual"] > 0.6
    assert abs(rivals["independent Gaussian"]) < 0.2
    assert result.scores["fresh"]["copy_share"].rivals["photocopy of training trials"] == 1


def test_json_is_the_contract(result):
    facts = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert set(facts) == {"reference", "sources", "verdict", "splits", "warnings"}
    for metrics in facts["sources"].values():
        assert len(metrics) == 26
        for entry in metrics.values():
            assert set(entry) - {"n", "note"} == (FIELDS if entry["value"] is not None else FIELDS | {"why"})


def test_the_dataset_holds_the_same_numbers(result):
    table = result.to_dataset()
    assert dict(table.sizes) == {"source": 3, "metric": 26}
    value = float(table["value"].sel(source="fresh", metric="tstr"))
    assert value == result.scores["fresh"]["tstr"].value
    assert np.isnan(table["value"].sel(source="fresh", metric="psd_rmse"))


def test_the_same_seed_gives_the_same_result(recorded):
    once, again = (compare(recorded, {"x": fraction_trials(1)}, seed=5).to_dict() for _ in range(2))
    assert once == again


def test_drift_within_a_stimulus_lowers_decoding_in_blocks():
    calm = fraction_trials(0, trials=160)
    late = np.arange(160) >= 80
    values = calm["calcium"].values.copy()
    values[late] = values[late][:, :, ::-1]
    drifting = calm.assign(calcium=(calm["calcium"].dims, values))
    without, with_drift = (compare(d, {"x": calm}).scores["x"]["trtr"].floor for d in (calm, drifting))
    assert with_drift < without - 0.2


def test_continuous_recordings_are_cut_at_onset_and_deconvolved():
    trials = calcium_trials(0)
    aligned = align({"a": continuous(trials), "b": calcium_trials(1)})
    assert aligned.samples["a"].trace == pytest.approx(trials["calcium"].values)
    assert set(np.unique(aligned.samples["b"].event)) == {0, 1}
    assert aligned.rule.threshold.shape == (16,)


def test_a_free_run_without_stimuli_is_cut_into_pseudo_trials():
    free = continuous(calcium_trials(1, trials=60)).drop_vars(["stimulus", "onset", "duration"])
    scores = compare(continuous(calcium_trials(0)), {"free": free})
    for name in ("noise_correlation_r", "tstr", "inception_score"):
        assert scores.scores["free"][name].value is None
        assert "stimul" in scores.scores["free"][name].why
    assert scores.scores["free"]["rate_wasserstein"].value is not None
    assert any("no stimuli" in warning for warning in scores.warnings)
    both = align({"a": free, "b": free})
    assert both.samples["a"].frames == 30


def spike_times(seed, seconds=100, rate=None):
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0, seconds, 3000))
    attrs = {"source": "recorded", "duration_s": float(seconds), **({"sampling_rate_hz": rate} if rate else {})}
    parts = {"spike_time": ("spike", time), "spike_neuron": ("spike", rng.integers(8, size=3000).astype(np.int32))}
    return xr.Dataset(parts, coords={"neuron": np.arange(8)}, attrs=attrs)


def test_spike_times_are_binned_and_told():
    result = compare(spike_times(0), {"other": spike_times(1)})
    assert result.aligned.samples["recorded"].rate == 10
    assert result.aligned.samples["recorded"].trace.sum() == pytest.approx(3000, abs=100)
    assert any("spike times of recorded and other were counted in frames of 0.1 s" in w for w in result.warnings)
    assert result.scores["other"]["population_count_kl"].value is not None
    assert align({"a": spike_times(0), "b": spike_times(1, rate=20.0)}).samples["a"].rate == 20


def test_spikes_of_a_recording_with_trials_and_calcium_are_binned_in_its_frames():
    recorded = continuous(calcium_trials(0))
    spikes, neurons = spike_times(1, seconds=float(recorded["time"][-1])), recorded.sizes["neuron"]
    some = {name: spikes[name] % neurons if name == "spike_neuron" else spikes[name] for name in spikes.data_vars}
    aligned = align(
        {"real": recorded.assign(some), "free": spikes.drop_dims("neuron").assign_coords(neuron=recorded["neuron"])}
    )
    assert aligned.variable == "spikes"
    assert aligned.samples["real"].stimuli
    assert aligned.samples["real"].frames == aligned.samples["free"].frames
    with pytest.raises(InputError, match="neither `calcium` nor binned `spikes`"):
        align({"real": recorded, "free": spikes})


def test_bins_keep_every_spike_in_its_frame_and_gaps_empty():
    time = np.r_[np.arange(5), np.arange(20, 25)] / 10
    parts = {"spike_time": ("spike", [0.1, 0.15, 0.7, 2.0, 2.49]), "spike_neuron": ("spike", [0, 1, 1, 1, 0])}
    attrs = {"sampling_rate_hz": 10.0, "source": "recorded"}
    made = bin_spikes(xr.Dataset(parts, {"neuron": [0, 1], "time": time}, attrs), 10.0)
    assert np.argwhere(made["spikes"].values).tolist() == [[1, 0], [1, 1], [5, 1], [9, 0]]


def test_missing_frames_are_left_out_and_told():
    other = calcium_trials(1)
    values = other["calcium"].values.copy()
    values[:10, :, 3] = np.nan
    values[:, 4:6, 5] = np.nan
    values[:, :, 7] = np.nan
    result = compare(calcium_trials(0), {"gaps": other.assign(calcium=(other["calcium"].dims, values))})
    assert all(score.value is not None for score in result.scores["gaps"].values())
    assert any("3 neurons miss frames" in warning for warning in result.warnings)


def test_neurons_are_matched_by_name():
    one = fraction_trials(0)
    turned = one.isel(neuron=slice(None, None, -1))
    aligned = align({"a": one, "b": turned})
    assert np.array_equal(aligned.samples["a"].trace, aligned.samples["b"].trace)
    assert any("order of the reference" in warning for warning in aligned.warnings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.isel(neuron=slice(5)), ("40 neurons", "has 5")),
        (lambda d: d.assign_attrs(units="dF/F"), ("'active fraction'", "'dF/F'")),
    ],
)
def test_recordings_that_do_not_fit_are_refused_with_both_names(change, words):
    with pytest.raises(InputError) as caught:
        compare(fraction_trials(0), {"other": change(fraction_trials(1))}, reference="mouse")
    assert all(word in str(caught.value) for word in (*words, "mouse", "other"))


def test_sampling_rates_and_lengths_of_trials_must_agree():
    one, other = calcium_trials(0), calcium_trials(1)
    with pytest.raises(InputError, match="10 Hz, other has 30 Hz"):
        compare(one, {"other": other.assign_attrs(sampling_rate_hz=30.0)})
    with pytest.raises(InputError, match="20 frames in recorded and 12 in other"):
        compare(one, {"other": other.isel(time=slice(12))})
    with pytest.raises(InputError, match="nothing to compare"):
        compare(one, {})


def test_stimuli_of_one_side_only_are_left_out_and_told():
    other = fraction_trials(1)
    some = other.isel(trial=other["stimulus"].values != "air")
    result = compare(fraction_trials(0), {"some": some})
    assert any("stimuli air are only in the recording" in warning for warning in result.warnings)
    assert result.scores["some"]["noise_correlation_r"].value > 0.5


def test_overlapping_trials_and_blocks_of_stimuli_are_flagged():
    trials = calcium_trials(0, trials=40)
    long = continuous(trials).assign_attrs(trial_frames=30)
    sorted_trials = fraction_trials(0)
    sorted_trials = sorted_trials.isel(trial=np.argsort(sorted_trials["stimulus"].values, kind="stable"))
    assert any("overlap the next one" in warning for warning in align({"a": long}).warnings)
    assert any("contiguous block" in warning for warning in align({"a": sorted_trials}).warnings)


def test_a_silent_source_is_not_taken_for_a_copy():
    one = calcium_trials(0)
    result = compare(one, {"silent": trials_dataset(one["calcium"].values * 0, one["stimulus"].values, "simulated")})
    assert not result.verdict["silent"].startswith("copies")
    assert len(result.missed["silent"]) > 4


def test_a_metric_is_missed_beyond_tolerance_and_three_standard_errors():
    noise, forest = NoiseCorrelationR(), C2STForest()
    assert verdict.is_missed(noise, Score(0.5, 0.8, error=0.05))
    assert not verdict.is_missed(noise, Score(0.75, 0.8, error=0.01))
    assert not verdict.is_missed(noise, Score(0.5, 0.8, error=0.2))
    assert not verdict.is_missed(noise, Score(0.95, 0.8, error=0.01))
    assert verdict.excess(forest, Score(0.7, 0.4)) == pytest.approx(2)


@pytest.fixture(scope="module")
def files(tmp_path_factory, recorded):
    folder = tmp_path_factory.mktemp("files")
    store.save_recording(recorded, folder / "rec.nc")
    store.save_recording(independent_gaussian(recorded), folder / "gen.nc")
    return folder


def test_the_command_writes_everything_and_prints_verdicts(files):
    out = files / "card"
    done = run("compare", files / "rec.nc", files / "gen.nc", "--out", out)
    assert done.exit_code == 0, done.output
    assert "gen: not better than resampling your own trials: misses the noise correlations" in done.output
    assert str(out / "report.html") in done.output
    assert sorted(path.name for path in out.iterdir()) == ["figures", "metrics.json", "metrics.nc", "report.html"]
    text = (out / "metrics.json").read_text()
    assert not re.search(r"\b(NaN|Infinity)\b", text)
    assert json.loads(text)["reference"] == "rec"
    with xr.open_dataset(out / "metrics.nc", engine="h5netcdf") as table:
        stored = float(table["value"].sel(source="gen", metric="coverage"))
    assert stored == json.loads(text)["sources"]["gen"]["coverage"]["value"]
    again = run("compare", files / "rec.nc", files / "gen.nc", "--out", out)
    assert again.exit_code == 1
    assert "--overwrite" in again.output
    assert not [path for path in files.iterdir() if path.name.startswith(".brainsim")]


def test_the_command_prints_json(files):
    done = run("compare", files / "rec.nc", files / "gen.nc", "--out", files / "as_json", "--json", "--seed", 2)
    assert done.exit_code == 0
    assert json.loads(done.stdout) == json.loads((files / "as_json" / "metrics.json").read_text())


def test_overwrite_never_replaces_a_folder_that_holds_something_else(files):
    precious = files / "home"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years")
    done = run("compare", files / "rec.nc", files / "gen.nc", "--out", precious, "--overwrite")
    assert done.exit_code == 1
    assert (precious / "thesis.txt").read_text() == "years"


def test_a_failure_leaves_nothing_behind(files):
    store.save_recording(fraction_trials(0, neurons=7), files / "small.nc")
    before = set(files.iterdir())
    done = run("compare", files / "rec.nc", files / "small.nc", "--out", files / "never")
    assert done.exit_code == 1
    assert "rec has 40 neurons, small has 7" in done.output
    assert "Traceback" not in done.output
    assert set(files.iterdir()) == before


def test_two_files_of_one_name_are_refused(files):
    done = run("compare", files / "rec.nc", files / "gen.nc", files / "gen.nc", "--out", files / "twice")
    assert done.exit_code == 1
    assert "two files are called 'gen'" in done.output
