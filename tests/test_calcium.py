"""Deconvolution against ground truth of the indicator, and traces that are not as they should be."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

from brainsim import catalog
from brainsim.calcium import deconvolve
from brainsim.deconvolution.lowpass_diff import LowpassDiff
from brainsim.deconvolution.oasis import Oasis
from brainsim.error import InputError
from brainsim.fluorescence import delta_f_over_f
from brainsim.indicator import Indicator
from brainsim.trial import cut_trials

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
METHODS = [Oasis(), Oasis(order=2), Oasis(penalty=0), Oasis(optimize_g=4), LowpassDiff(), LowpassDiff(offset=False)]


@pytest.fixture(scope="module")
def truth():
    """Eight cells at 0.5 Hz, 20 Hz imaging, with a gap of 10 s after 150 s, and ten trials."""
    rng = np.random.default_rng(3)
    frames = np.concatenate([np.arange(3000) / 20, 160 + np.arange(2000) / 20])
    time, cells = rng.uniform(0, 260, 1040), rng.integers(0, 8, 1040)
    trace = Indicator().fluorescence(time, cells, 8, frames, rng)
    counts = np.stack([np.histogram(time[cells == n], np.append(frames, 260))[0] for n in range(8)], axis=1)
    counts[2999] = 0  # its bin would hold the spikes within the gap
    coords = {
        "time": frames,
        "neuron": [f"n{n}" for n in range(8)],
        "onset": ("trial", np.arange(10) * 12.0),
        "duration": ("trial", np.ones(10)),
        "stimulus": ("trial", list("abcdeabcde")),
    }
    traces = {"calcium": (("time", "neuron"), trace, {"units": "dF/F"}), "counts": (("time", "neuron"), counts)}
    return xr.Dataset(traces, coords=coords, attrs={"sampling_rate_hz": 20.0, "source": "simulated"})


def agreement(spikes: np.ndarray, counts: np.ndarray, frames: int = 8) -> float:
    """Mean correlation over cells after a running sum of 0.4 s."""
    smooth = lambda x: np.convolve(x, np.ones(frames), "same")  # noqa: E731
    return float(np.mean([np.corrcoef(smooth(s), smooth(c))[0, 1] for s, c in zip(spikes.T, counts.T, strict=True)]))


@pytest.mark.parametrize(("method", "bar"), [(Oasis(), 0.72), (Oasis(order=2), 0.75), (Oasis(penalty=0), 0.72)])
def test_spikes_are_found(method, bar, truth):
    found = deconvolve(truth, method)
    assert agreement(found.spikes.values, truth.counts.values) > bar
    rises = np.maximum(np.diff(truth.calcium.values, axis=0, prepend=0), 0)
    assert agreement(found.spikes.values, truth.counts.values) > agreement(rises, truth.counts.values) + 0.1
    shifted = np.roll(truth.counts.values, 400, axis=0)
    assert abs(agreement(found.spikes.values, shifted)) < 0.2
    assert found.decay_time.values == pytest.approx(0.6, abs=0.25)
    assert found.spikes.dims == truth.calcium.dims
    assert (found.spikes.values >= 0).all()
    assert found.drop_vars(set(found.variables) - set(truth.variables)).equals(truth)


def test_noise_and_unit_are_those_of_the_indicator(truth):
    rng = np.random.default_rng(0)
    time = np.sort(rng.uniform(0, 400, 60))
    frames = np.arange(8000) / 20
    model = Indicator(rise=0, noise=0.02, drift=0, neuropil=0, variation=0, saturation=np.inf)
    trace = model.fluorescence(time, np.zeros(60, int), 1, frames, rng)
    spikes, estimates = Oasis(penalty=0)(trace[:, 0], 20.0)
    assert estimates["noise"] == pytest.approx(0.02, rel=0.15)
    assert np.sum(spikes**2) / np.sum(spikes) == pytest.approx(0.15, rel=0.35)
    assert np.sum(spikes) / 0.15 == pytest.approx(60, rel=0.25)


@pytest.mark.parametrize("method", [*METHODS[:3], METHODS[-1]], ids=repr)
def test_no_segment_knows_of_another(method, truth):
    found = deconvolve(truth, method).spikes.values
    np.testing.assert_array_equal(found[[0, 3000]], 0)
    assert (found[1:40] > 0).any()
    one, other = truth.calcium.values[2000:3000, 0].copy(), truth.calcium.values[3000:, 0].copy()
    (first, second), _ = method.runs([one, other], 20.0)
    (again_second, again_first), _ = method.runs([other, one], 20.0)
    np.testing.assert_allclose(first, again_first, atol=0.02 * first.max())
    np.testing.assert_allclose(second, again_second, atol=0.02 * second.max())


def test_lowpass_diff_is_the_recipe_written_out(truth):
    trace = truth.calcium.values[:3000, 0]
    a = 2 * np.pi * 0.2 / 20
    smooth = [trace[0]]
    for value in trace[1:]:
        smooth.append(a * value + (1 - a) * smooth[-1])
    rises = [0.0, *(max(after - before, 0) for before, after in pairwise(smooth))]
    spikes, _ = LowpassDiff()(trace, 20.0)
    np.testing.assert_allclose(spikes, np.array(rises) + trace.min(), atol=1e-12)
    with pytest.raises(InputError, match="sampling_rate_hz"):
        LowpassDiff()(trace, 1.0)


@pytest.mark.parametrize("method", [Oasis(), Oasis(order=2), LowpassDiff()], ids=repr)
def test_one_bad_neuron_stops_no_other(method, truth):
    bad = truth.copy(deep=True)
    bad.calcium[:, 0] = 0.0
    bad.calcium[:, 1] = np.nan
    bad.calcium[100:120, 2] = np.nan
    bad.calcium[:7, 3] = np.nan
    bad.calcium[50, 4] = np.inf
    bad.calcium[:, 5] = 3.5
    bad.calcium[2:, 6] = np.nan
    with pytest.warns(UserWarning, match="n0, n5: its trace never changes"):
        found = deconvolve(bad, method)
    spikes = found.spikes.values
    np.testing.assert_array_equal(np.isnan(spikes).sum(0), [0, 5000, 20, 7, 1, 0, 5000, 0])
    np.testing.assert_array_equal(spikes[:, [0, 5]], 0)
    np.testing.assert_array_equal(spikes[:, 7], deconvolve(truth, method).spikes.values[:, 7])
    assert "neuron n1, n6: no usable run" in found.attrs["notices"]
    kept = ~np.isnan(spikes[:, 2])
    assert np.corrcoef(spikes[kept, 2], deconvolve(truth, method).spikes.values[kept, 2])[0, 1] > 0.95


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.astype(">f8"),
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x.astype("f4"),
        lambda x: np.round(x * 1000).astype("i2"),
    ],
)
def test_any_number_type_and_layout(change, truth):
    plain = truth.isel(time=slice(0, 1000), neuron=slice(0, 3)).drop_vars("counts")
    values = change(plain.calcium.values)
    odd = deconvolve(plain.assign(calcium=(("time", "neuron"), values, {"units": "dF/F"})))
    same = deconvolve(plain.assign(calcium=(("time", "neuron"), values.astype(float).copy("C"), {"units": "dF/F"})))
    np.testing.assert_array_equal(odd.spikes.values, same.spikes.values)
    assert odd.spikes.values.any(0).all()


@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize("length", [3, 4, 9, 30, 51, 80, 101])
def test_short_and_odd_runs_give_finite_spikes(method, length):
    rng = np.random.default_rng(length)
    noise = rng.normal(size=length)
    for trace in (noise, rng.random(length).cumsum(), np.eye(length)[-1], 1e8 * noise):
        spikes, estimates = method(trace, 10.0)
        assert spikes.shape == (length,)
        assert np.isfinite(spikes).all()
        assert all(np.isfinite(value) for value in estimates.values())


@pytest.mark.parametrize("decay", [0.4, 0.8, 1.5])
def test_the_decay_does_not_shrink_with_the_frame_rate(decay):
    rng = np.random.default_rng(1)
    time, cells = rng.uniform(0, 150, 360), rng.integers(0, 4, 360)
    found = {}
    for rate in (20, 60, 120):
        frames = np.arange(150 * rate) / rate
        trace = Indicator(decay=decay).fluorescence(time, cells, 4, frames, np.random.default_rng(2))
        found[rate] = np.median([Oasis()(one.copy(), float(rate))[1]["decay_time"] for one in trace.T])
    assert found[60] == pytest.approx(found[20], rel=0.15)
    assert found[120] == pytest.approx(found[20], rel=0.15)
    assert found[20] == pytest.approx(decay, rel=0.45)


def test_a_known_decay_counts_as_much_as_the_estimate(truth):
    part = truth.isel(neuron=slice(0, 2), time=slice(0, 1500))
    own, told = deconvolve(part).decay_time.values, 1.2
    for known in (deconvolve(part, Oasis(known_decay=told)), deconvolve(part.assign_attrs(indicator_decay_s=told))):
        np.testing.assert_allclose(known.decay_time.values, np.sqrt(own * told))
        assert "known_decay=1.2" in known.attrs["deconvolution"]
    mine = deconvolve(part.assign_attrs(indicator_decay_s=told), Oasis(known_decay=0.3))
    np.testing.assert_allclose(mine.decay_time.values, np.sqrt(own * 0.3))
    other = deconvolve(part.assign_attrs(indicator_decay_s=told), LowpassDiff())
    assert "known_decay" not in other.attrs["deconvolution"]
    short = part.isel(time=slice(0, 25))
    assert deconvolve(short, Oasis(known_decay=told)).decay_time.values == pytest.approx(told)


def test_infinite_frames_become_missing_and_are_named(truth):
    bad = truth.copy(deep=True)
    bad.calcium[50, 4] = -np.inf
    bad.calcium[60, 4] = 1e200
    bad.calcium[70, 5] = np.inf
    with pytest.warns(UserWarning, match="neuron n4, n5: infinite frames are missing frames"):
        found = deconvolve(bad)
    assert np.isnan(found.calcium.values[50, 4])
    assert np.isnan(found.spikes.values[:, 4]).all()
    assert "neuron n4: its numbers are beyond 1e+100: its spikes are missing" in found.attrs["notices"]
    assert np.isfinite(found.spikes.values[:, 5]).sum() == 4999
    assert np.isinf(bad.calcium.values[50, 4]), "what was given is not changed"


def test_undecidable_decay_is_assumed_and_told():
    noise = np.random.default_rng(0).normal(size=(25, 1))
    made = xr.Dataset(
        {"calcium": (("time", "neuron"), noise, {"units": "dF/F"})},
        coords={"time": np.arange(25) / 10, "neuron": ["x"]},
        attrs={"sampling_rate_hz": 10.0, "source": "recorded"},
    )
    found = deconvolve(made)
    assert found.decay_time.item() == pytest.approx(0.6)
    assert "neuron x: the trace cannot tell its decay" in found.attrs["notices"]


@pytest.mark.parametrize("method", [Oasis(), LowpassDiff()], ids=repr)
def test_workers_do_not_change_a_bit(method, truth):
    told = []
    one = deconvolve(truth, method, workers=1, progress=lambda done, total, note="": told.append((done, total)))
    assert told == [(n, 8) for n in range(1, 9)]
    assert deconvolve(truth, method, workers=2).identical(one)


def test_estimates_of_an_earlier_method_do_not_stay(truth):
    part = truth.isel(neuron=slice(0, 2), time=slice(0, 600))
    twice = deconvolve(deconvolve(part, Oasis(order=2)), LowpassDiff())
    assert twice.identical(deconvolve(part, LowpassDiff()))
    assert "rise_time" not in twice.coords


def test_trials_are_deconvolved_one_by_one(truth):
    cut = cut_trials(truth.drop_vars("counts"), 240)
    found = deconvolve(cut)
    assert found.spikes.dims == ("trial", "time", "neuron")
    counts = cut_trials(truth.drop_vars("counts").assign(calcium=truth.counts.astype(float)), 240).calcium.values
    assert agreement(found.spikes.values.reshape(-1, 8), counts.reshape(-1, 8)) > 0.65
    assert found.decay_time.values == pytest.approx(0.6, abs=0.35)


def test_raw_fluorescence_becomes_delta_f(truth):
    raw = truth.assign(calcium=(200 * (1 + truth.calcium)).assign_attrs(units="raw fluorescence"))
    raw.calcium[:, 3] = 0
    ratio = delta_f_over_f(raw)
    assert np.isnan(ratio.values[:, 3]).all()
    np.testing.assert_allclose(np.corrcoef(ratio.values[:, 0], truth.calcium.values[:, 0])[0, 1], 1, atol=0.05)
    found = deconvolve(raw)
    assert "raw fluorescence" in found.attrs["notices"]
    assert "neuron n3: its baseline (8th percentile of the fluorescence) is not above 0" in found.attrs["notices"]
    assert np.isnan(found.spikes.values[:, 3]).all()
    np.testing.assert_array_equal(found.calcium.values, raw.calcium.values)
    good = [0, 1, 2, 4, 5, 6, 7]
    assert agreement(found.spikes.values[:, good], truth.counts.values[:, good]) > 0.7


def test_the_baseline_of_raw_fluorescence_is_level_in_a_short_recording():
    rng = np.random.default_rng(0)
    values = 100 + rng.normal(size=(300, 1)) + 50 * (np.arange(300) % 100 < 10)[:, None]
    made = xr.Dataset(
        {"calcium": (("time", "neuron"), values)},
        coords={"time": np.arange(300) / 10},
        attrs={"sampling_rate_hz": 10.0},
    )
    floor = values / (1 + delta_f_over_f(made).values)
    np.testing.assert_allclose(floor, np.percentile(values, 8), atol=0.2)
    assert np.ptp(floor) < 1e-9


@pytest.mark.parametrize(("units", "message"), [("active fraction", "no time course"), ("volts", "units are 'volts'")])
def test_what_is_no_fluorescence_is_refused(units, message, truth):
    with pytest.raises(InputError, match=message):
        deconvolve(truth.assign(calcium=truth.calcium.assign_attrs(units=units)))


SENSELESS = [{"order": 3}, {"penalty": 2}, {"order": 2, "penalty": 0}, {"optimize_g": -1}, {"known_decay": -1.0}]


@pytest.mark.parametrize("change", SENSELESS)
def test_senseless_parameters_are_refused(change):
    with pytest.raises(InputError, match="oasis, field"):
        Oasis(**change)


def test_every_method_documents_itself_and_runs(truth):
    assert {"oasis", "lowpass-diff"} <= set(catalog.names("deconvolution"))
    part = truth.isel(neuron=slice(0, 2), time=slice(0, 600))
    for kind in catalog.entries("deconvolution").values():
        assert kind.summary().endswith(".")
        found = deconvolve(part, kind())
        assert found.spikes.attrs["method"] == kind.name
        assert found.spike_unit.notnull().all()
