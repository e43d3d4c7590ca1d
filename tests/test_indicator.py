"""The forward model against the sum of kernels written out, and what each stage does."""

import numpy as np
import pytest

from brainsim.error import InputError
from brainsim.indicator import Indicator

BARE = {"noise": 0.0, "drift": 0.0, "neuropil": 0.0, "variation": 0.0}


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_equals_the_sum_of_kernels_across_gap_and_jitter():
    model = Indicator(**BARE, saturation=np.inf)
    time = np.sort(rng().uniform(0, 20, 60))
    cells = rng().integers(0, 3, 60)
    frames = np.concatenate([np.arange(50) / 10 + rng().uniform(0, 0.02, 50), 12 + np.arange(80) / 10])
    kernel = lambda t: np.where(t >= 0, np.exp(-t / model.decay) - np.exp(-t / model.rise), 0)  # noqa: E731
    peak = kernel(np.linspace(0, 1, 200_001)).max()
    sums = np.stack([sum(kernel(frames - t) for t in time[cells == n]) for n in range(3)], axis=1)
    trace = model.fluorescence(time, cells, 3, frames, rng())
    np.testing.assert_allclose(trace, sums * model.amplitude / peak, rtol=1e-8, atol=1e-12)


def test_lone_spike_peaks_at_amplitude_and_saturation_bends_it():
    frames = np.arange(5000) / 1000
    linear = Indicator(**BARE, saturation=np.inf).fluorescence(np.array([0.1]), np.array([0]), 1, frames, rng())
    assert linear.max() == pytest.approx(0.15, rel=1e-3)
    many = np.full(200, 0.1)
    bent = Indicator(**BARE, saturation=2.0).fluorescence(many, np.zeros(200, int), 1, frames, rng())
    assert bent.max() == pytest.approx(30 / (1 + 30 / 2), rel=1e-3)


def test_noise_drift_and_neuropil_have_the_size_they_are_given():
    frames = np.arange(6000) / 10
    none = np.array([]), np.array([], int)
    noise = Indicator(noise=0.2, drift=0, variation=0).fluorescence(*none, 4, frames, rng())
    assert noise.std(0) == pytest.approx(0.2, rel=0.05)
    drift = Indicator(noise=0, drift=0.1, drift_time=2.0).fluorescence(*none, 20, frames, rng())
    assert drift.std() == pytest.approx(0.1, rel=0.1)
    assert np.mean(drift[20:] * drift[:-20]) / drift.var() == pytest.approx(np.exp(-1), abs=0.08)
    time, cells = rng().uniform(0, 600, 20_000), rng().integers(0, 40, 20_000)
    clean = Indicator(**BARE).fluorescence(time, cells, 40, frames, rng())
    shared = Indicator(**{**BARE, "neuropil": 0.5}).fluorescence(time, cells, 40, frames, rng()) - clean
    assert shared.std() / clean.std(0).mean() == pytest.approx(0.5, rel=0.15)
    values = np.linalg.svd(shared - shared.mean(0), compute_uv=False)
    assert values[3] < 1e-9 * values[0]
    assert values[2] > 0.01 * values[0]


def test_same_seed_same_trace_and_cells_differ():
    time, cells = rng().uniform(0, 60, 600), rng().integers(0, 5, 600)
    frames = np.arange(600) / 10
    one = Indicator().fluorescence(time, cells, 5, frames, rng())
    np.testing.assert_array_equal(one, Indicator().fluorescence(time, cells, 5, frames, rng()))
    order = rng().permutation(600)
    np.testing.assert_allclose(one, Indicator().fluorescence(time[order], cells[order], 5, frames, rng()), rtol=1e-9)
    same = np.arange(0, 60, 1.5)
    varied = Indicator(**{**BARE, "variation": 0.3})
    twice = varied.fluorescence(np.tile(same, 2), np.repeat([0, 1], 40), 2, frames, rng())
    assert abs(np.log(twice[:, 0].max() / twice[:, 1].max())) > 0.01


@pytest.mark.parametrize(
    "change", [{"rise": 0.7}, {"noise": -1}, {"decay": float("nan")}, {"saturation": 0}, {"drift_time": 0}]
)
def test_senseless_parameters_are_refused(change):
    with pytest.raises(InputError, match="indicator, field"):
        Indicator(**change)


@pytest.mark.parametrize(
    ("time", "cells", "frames", "field"),
    [
        ([np.nan], [0], [0.0, 0.1], "spike_time"),
        ([0.1], [2], [0.0, 0.1], "spike_neuron"),
        ([0.1], [-1], [0.0, 0.1], "spike_neuron"),
        ([0.1], [0], [0.1, 0.1], "time"),
        ([0.1], [0], [], "time"),
    ],
)
def test_senseless_spikes_and_frames_are_refused(time, cells, frames, field):
    with pytest.raises(InputError, match=f"field '{field}'"):
        Indicator().fluorescence(np.array(time), np.array(cells), 2, np.array(frames), rng())
