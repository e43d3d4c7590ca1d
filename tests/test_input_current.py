"""The input current of an online rule: the steps of the original study, and whether the stimulus survives them."""

import numpy as np
import pytest
import xarray as xr
from test_online import fluorescence

from brainsim.input_current import decodability, input_course, rises


def published(trace, rate):
    """The published steps on raw fluorescence (time,), frame by frame: smoothed, rises, offset, relative, scaled."""
    a = 2 * np.pi * 0.2 / rate
    smooth = [trace[0]]
    for value in trace[1:]:
        smooth.append(a * value + (1 - a) * smooth[-1])
    x = np.maximum(np.diff(smooth, prepend=smooth[0]), 0) + trace.min()
    relative = (x - np.median(x)) / np.median(x)
    return 5 * relative / relative.std()


def test_the_current_is_that_of_the_published_steps_for_raw_fluorescence():
    data = fluorescence(frames=300)
    raw = 100 * (1 + data["calcium"].values)
    current = input_course(rises(data)).current
    for neuron in range(6):
        np.testing.assert_allclose(current[:, neuron], published(raw[:, neuron], 10.0), rtol=1e-4, atol=1e-4)


def test_a_rise_drives_a_cell_whatever_the_offset_of_its_trace():
    """With the smallest dF/F added, the median is negative and the published quotient would turn the current around."""
    data = fluorescence(frames=300)
    current = input_course(rises(data)).current
    for offset in (-3.0, 0.5, 40.0):
        moved = input_course(rises(data.assign(calcium=data["calcium"] + offset))).current
        np.testing.assert_allclose(moved, current, rtol=1e-4, atol=1e-4)
    assert ((current**3).mean(0) > 0).all()
    low = data["calcium"].values[:, 0] - 3
    np.testing.assert_allclose(-published(low, 10.0), current[:, 0], rtol=1e-4, atol=1e-4)


def test_the_input_is_scaled_and_missing_frames_give_none():
    data = fluorescence(frames=200)
    course = input_course(rises(data))
    np.testing.assert_allclose(course.current.std(0), 5, rtol=1e-5)
    data["calcium"].values[50:60, 2] = np.nan
    torn = input_course(rises(data))
    assert (torn.current[50:60, 2] == 0).all()
    assert np.isfinite(torn.slope).all()
    np.testing.assert_array_equal(torn.current[:, 1], course.current[:, 1])


def evoked(strength, drift=0.0, trials=40, frames=10):
    """Noise in which each of two stimuli makes its own cells rise, and every cell drifts; stimuli come in blocks."""
    rng = np.random.default_rng(3)
    n, cells = trials * frames, 8
    stimulus = np.repeat(["a", "b"], trials // 2)
    trace = rng.normal(0, 1, (n, cells)) + drift * np.linspace(0, 1, n)[:, None] * rng.normal(size=cells)
    for k, name in enumerate(stimulus):
        trace[k * frames + 2 : (k + 1) * frames, slice(0, 4) if name == "a" else slice(4, 8)] += strength
    return xr.Dataset(
        {"calcium": (("time", "neuron"), trace, {"units": "dF/F"})},
        coords={
            "time": np.arange(n) / 10,
            "onset": ("trial", np.arange(trials) * frames / 10),
            "stimulus": ("trial", stimulus),
        },
        attrs={"source": "recorded", "sampling_rate_hz": 10.0, "trial_frames": frames},
    )


def test_the_stimulus_is_decoded_from_later_trials():
    found = decodability(rises(evoked(4.0)))
    assert found["decoding_accuracy"] > 0.9
    assert found["decoding_chance"] == 0.5
    assert found["decoding_trials"] == 20
    assert found["decoding_p"] < 1e-3


def test_what_is_not_there_is_not_decoded():
    found = decodability(rises(evoked(0.0)))
    assert abs(found["decoding_accuracy"] - 0.5) < 0.3
    assert found["decoding_p"] > 0.05


def test_trials_out_of_order_are_split_by_time():
    data = evoked(4.0)
    shuffled = data.isel(trial=np.random.default_rng(1).permutation(40))
    assert decodability(rises(shuffled)) == decodability(rises(data))


@pytest.mark.parametrize("drop", ["stimulus", "onset"])
def test_without_stimuli_nothing_is_decoded(drop):
    assert decodability(rises(evoked(4.0).drop_vars(drop))) == {}


def test_one_stimulus_cannot_be_decoded():
    data = evoked(4.0)
    assert decodability(rises(data.assign_coords(stimulus=("trial", ["a"] * 40)))) == {}
