"""Any recording that obeys the schema comes back from disk as it was: types, names, NaN, empty trials, attributes."""

import warnings

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brainsim import schema
from brainsim.error import InputError, OutputError
from brainsim.reading import read_recording
from brainsim.store import open_recording, save_recording

NUMBERS = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4")
thorough = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\x00"), max_size=8)
named = lambda n: st.lists(text, min_size=n, max_size=n, unique=True)  # noqa: E731
attributes = st.dictionaries(
    st.sampled_from(["model", "command", "notices", "seed", "bin_s"]),
    st.one_of(text, st.integers(-(2**62), 2**62), st.floats(allow_nan=False)),
)


@st.composite
def datasets(draw):
    """Draw a recording: continuous or cut, with or without trials, spikes, types and positions."""
    frames, neurons, trials = draw(st.integers(1, 5)), draw(st.integers(1, 4)), draw(st.integers(0, 3))
    dims, shape = ("time", "neuron"), (frames, neurons)
    if trials and draw(st.booleans()):
        dims, shape = ("trial", *dims), (trials, *shape)
    dtype = np.dtype(draw(st.sampled_from(NUMBERS)))
    kinds = {"allow_nan": True, "allow_infinity": False} if dtype.kind == "f" else {}
    values = draw(arrays.arrays(dtype, shape, elements=arrays.from_dtype(dtype, **kinds)))
    made = xr.Dataset({"calcium": (dims, values, {"units": draw(st.sampled_from(["dF/F", "raw fluorescence"]))})})
    made = made.assign_coords(time=np.cumsum(draw(st.lists(st.floats(0.001, 10), min_size=frames, max_size=frames))))
    made = made.assign_coords(neuron=np.array(draw(named(neurons))) if draw(st.booleans()) else np.arange(neurons))
    if draw(st.booleans()):
        made = made.assign_coords(cell_type=("neuron", draw(st.permutations("EIEI"))[:neurons]))
    if draw(st.booleans()):
        place = arrays.arrays(float, (neurons, 2), elements=st.floats(allow_infinity=False))
        made = made.assign_coords(position=(("neuron", "axis"), draw(place)))
    labels = np.array(draw(st.lists(text, min_size=trials, max_size=trials)), dtype=str)
    made = made.assign_coords(stimulus=("trial", labels), onset=("trial", np.arange(float(trials))))
    if draw(st.booleans()):
        times = np.sort(draw(arrays.arrays(float, draw(st.integers(0, 5)), elements=st.floats(0, 99))))
        made["spike_time"] = ("spike", times)
        made["spike_neuron"] = ("spike", np.arange(len(times)) % neurons)
    return made.assign_attrs({**draw(attributes), "sampling_rate_hz": 10.0, "source": "recorded"})


@thorough
@given(made=datasets())
@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_any_recording_comes_back_as_it_was(suffix, made, tmp_path):
    assert not [finding for finding in schema.check(made) if finding.severity == "error"]
    found = open_recording(save_recording(made, tmp_path / f"r{suffix}", overwrite=True))
    xr.testing.assert_identical(found, made)
    assert {name: v.dtype.kind for name, v in found.variables.items()} == {
        name: v.dtype.kind for name, v in made.variables.items()
    }
    assert found["calcium"].dtype == made["calcium"].dtype
    assert {name: type(value) for name, value in found.attrs.items() if isinstance(value, str)} == {
        name: str for name, value in made.attrs.items() if isinstance(value, str)
    }


def simple(**coords):
    return xr.Dataset(
        {"calcium": (("time", "neuron"), np.zeros((3, 2)), {"units": "dF/F"})},
        coords={"time": np.arange(3) / 10, "neuron": ["a", "b"], **coords},
        attrs={"sampling_rate_hz": 10.0, "source": "recorded"},
    )


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_what_no_file_keeps_is_refused_before_anything_is_written(suffix, tmp_path):
    target = tmp_path / f"r{suffix}"
    with pytest.raises(InputError, match="field 'neuron': a name holds a NUL"):
        save_recording(simple(neuron=["a\x00b", "c"]), target)
    with pytest.raises(InputError, match="field 'calcium': values are complex128, not real numbers"):
        save_recording(simple().astype(complex), target)
    with pytest.raises(OutputError, match=rf"r\{suffix}: it holds what \w+ cannot store"):
        save_recording(simple().assign_attrs(model={1, 2}), target)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_truth_values_among_the_attributes_are_kept_as_they_can_be(suffix, tmp_path):
    found = open_recording(save_recording(simple().assign_attrs(known_types=True), tmp_path / f"r{suffix}"))
    assert found.attrs["known_types"] == 1


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("name", ["plain.zarr", "plain"])
def test_zarr_without_one_index_of_all_is_read_in_silence(name, zarr_format, tmp_path):
    target = tmp_path / name
    simple().to_zarr(target, consolidated=False, zarr_format=zarr_format)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = open_recording(target)
    xr.testing.assert_identical(found, simple())


def test_nwb_stored_as_zarr_is_told_from_a_recording(tmp_path):
    group = zarr.open_group(tmp_path / "rec.nwb.zarr", mode="w", zarr_format=2)
    group.attrs.update(neurodata_type="NWBFile", namespace="core")
    with pytest.raises(InputError, match=r"it is NWB stored as Zarr.*NWBHDF5IO\('rec.nwb', 'w'\)"):
        read_recording([tmp_path / "rec.nwb.zarr"])


def test_no_neurons_is_an_error_and_no_crash():
    empty = simple().isel(neuron=slice(0, 0))
    assert [finding.check for finding in schema.check(empty)] == ["content"]
