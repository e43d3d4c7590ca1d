"""CaImAn and NWB: what they tell is kept, what they get wrong is one sentence, no link is followed."""

import formats
import h5py
import numpy as np
import pytest
from formats import SHARED, read, real_data, refused

from brainsim.calcium import deconvolve
from brainsim.error import InputError
from brainsim.store import open_recording, save_recording


def test_caiman_keeps_centres_and_qualities(tmp_path):
    found = read(formats.caiman(tmp_path / "out.hdf5"))
    assert found.neuron.values.tolist() == [0, 2]
    assert found.roi_snr.values.tolist() == [3, 2]
    assert found.roi_noise.values.tolist() == [0.5, 1.5]
    assert found.position.values.tolist() == [[0.75, 0], [1, 2]]  # pixels in Fortran order, weighted by A
    given = read(formats.caiman(tmp_path / "b.hdf5", center=np.array([[1.0, 2], [3, 4], [5, 6]])))
    assert given.position.values.tolist() == [[1, 2], [5, 6]]
    dff = read(formats.caiman(tmp_path / "c.hdf5", idx_components=None), variable="F_dff")
    np.testing.assert_array_equal(dff.calcium, formats.F.astype(np.float32).T / 10)
    assert dff.calcium.attrs["units"] == "dF/F"
    assert "not evaluated" in dff.attrs["notices"]


def test_caiman_can_be_deconvolved_although_its_baseline_is_below_zero(tmp_path):
    rng = np.random.default_rng(0)
    trace = np.convolve(rng.random(400) < 0.03, 0.9 ** np.arange(40))[:400] * 100 - 60 + rng.normal(0, 5, (3, 400))
    found = read(formats.caiman(tmp_path / "out.hdf5", C=trace, YrA=np.zeros((3, 400))))
    assert (deconvolve(found).spikes.sum("time") > 0).all()


@pytest.mark.parametrize(
    ("fields", "options", "words"),
    [
        ({"C": None}, {}, "field 'estimates/C': it is missing"),
        ({"YrA": None}, {}, "field 'estimates/YrA': it is missing; .*--variable"),
        ({"YrA": formats.F[:2]}, {}, r"field 'estimates/YrA': its shape is \(2, 6\), that of C \(3, 6\)"),
        ({"C": formats.F[0]}, {}, r"field 'estimates/C': its shape is \(6,\)"),
        ({"idx_components": np.zeros(0)}, {}, "none of the 3 ROIs is accepted"),
        ({}, {"sampling_rate": 20.0}, "field 'params/data/fr': the file tells 10 frames per second"),
        ({}, {"variable": "S"}, "field 'variable': there are no traces 'S'; choose among"),
    ],
)
def test_caiman_that_misses_something_is_refused(fields, options, words, tmp_path):
    refused(formats.caiman(tmp_path / "out.hdf5", **fields), words, **options)


def test_nwb_stored_either_way_gives_the_same_and_keeps_its_columns(tmp_path):
    straight, turned = (read(formats.nwb(tmp_path / f"{way}.nwb", way)) for way in (False, True))
    assert straight.drop_attrs().identical(turned.drop_attrs())
    np.testing.assert_array_equal(straight.calcium, formats.CORRECTED)
    assert straight.time.values[0] == 0.5
    assert straight.neuron.values.tolist() == [11, 13]
    assert straight.roi_probability.values.tolist() == [0.9, 0.7]
    assert straight.roi_depth.values.tolist() == [100, 120]
    assert straight.roi_layer.values.tolist() == ["L2", "L4"]
    assert straight.position.values.tolist() == [[2, 2], [8, 7]]
    assert straight.stimulus.values.tolist() == ["a", "b"]
    assert straight.onset.values.tolist() == [0.5, 0.7]
    assert straight.trial_contrast.values.tolist() == [1.0, 0.5]
    assert straight.attrs["session_start_time"] == "2024-01-02T03:04:05+00:00"
    assert "--variable units" in straight.attrs["notices"]
    again = open_recording(save_recording(straight, tmp_path / "again.zarr"))
    assert again.identical(straight)


def test_nwb_stimuli_of_the_user_replace_those_of_the_file(tmp_path):
    table = tmp_path / "s.csv"
    table.write_text("onset_s,duration_s,stimulus\n0.6,0.1,mine\n")
    assert read(formats.nwb(tmp_path / "a.nwb"), stimuli=table).stimulus.values.tolist() == ["mine"]


def test_nwb_units_are_events(tmp_path):
    source = formats.nwb(tmp_path / "a.nwb", fluorescence=False, trials=False)
    found = read(source, duration=2.0)
    assert found.spike_time.values.tolist() == [0.25, 0.5, 0.75]
    assert found.spike_neuron.values.tolist() == [0, 1, 0]
    assert found.neuron.values.tolist() == [4, 7]
    assert found.unit_quality.values.tolist() == ["good", "mua"]
    assert "--duration" in read(source).attrs["notices"]
    assert read(formats.nwb(tmp_path / "b.nwb"), variable="units").sizes["spike"] == 3
    refused(source, "field '/units/spike_times': 1 spike times are after the end at 0.6 s, .*--duration", duration=0.6)


@pytest.fixture
def edited(tmp_path):
    """Write the file of a format, change it by h5py, and give its path."""

    def edit(change, make=formats.nwb, **options):
        source = make(tmp_path / "rec.nwb", **options)
        with h5py.File(source, "r+") as file:
            change(file)
        return source

    return edit


TRACE = "processing/my pipeline/A/Trace"


def put(file, name, value):
    del file[name]
    file[name] = value


def test_nwb_prefers_df_over_f_and_applies_conversion_and_offset(edited):
    def change(file):
        table = file["processing/my pipeline/Segments/Plane"]
        module = file["processing/my pipeline"]
        made = formats.series(formats.typed(module, "D", "DfOverF"), "x", formats.F.T.astype(">i2"), table)
        made["data"].attrs.update(conversion=0.1, offset=-1.0)

    found = read(edited(change))
    np.testing.assert_allclose(found.calcium, formats.F[[0, 2]].T * 0.1 - 1, rtol=1e-6)
    assert found.calcium.attrs["units"] == "dF/F"


def test_nwb_of_an_extension_is_read_without_its_definition(edited):
    def change(file):
        file[TRACE].attrs.update(neurodata_type="LabSeries", namespace="ndx-lab")
        file[TRACE]["lab_only"] = np.arange(3)

    np.testing.assert_array_equal(read(edited(change)).calcium, formats.CORRECTED)


def test_nwb_neuropil_is_that_of_the_same_channel(edited):
    def change(file):
        module = file["processing/my pipeline"]
        for kind, name, data in (
            ("Fluorescence", "Fluorescence_chan1", formats.F),
            ("Fluorescence", "Fluorescence_chan2", formats.F + 9),
            ("Fluorescence", "Neuropil_chan2", formats.NEUROPIL + 9),
            ("Fluorescence", "Neuropil_chan1", formats.NEUROPIL),
        ):
            formats.series(formats.typed(module, name, kind), "Series", data.T, module["Segments/Plane"])
        del module["A"], module["B"]

    found = read(edited(change))
    np.testing.assert_array_equal(found.calcium, formats.CORRECTED)
    assert "Fluorescence_chan2/Series" in found.attrs["notices"]
    second = read(edited(change), variable="Fluorescence_chan2/Series", neuropil=1.0)
    np.testing.assert_array_equal(second.calcium, (formats.F - formats.NEUROPIL)[[0, 2]].T)


def test_nwb_planes_are_read_together(edited):
    def change(file):
        module = file["processing/my pipeline"]
        module.copy("Segments/Plane", "Segments/Plane2")
        module["Segments/Plane2/iscell"][...] = [[0, 0.1], [1, 0.6], [0, 0.1]]
        for name, data in (("A/Trace2", formats.F), ("B/Neuropil2", formats.NEUROPIL)):
            formats.series(module[name.split("/")[0]], name.split("/")[1], data.T, module["Segments/Plane2"])
        module["A/Trace2/starting_time"][...] = 0.75

    found = read(edited(change))
    assert "planes are imaged up to 0.25 s apart" in found.attrs["notices"]
    assert found.neuron.values.tolist() == ["Trace_11", "Trace_13", "Trace2_12"]
    np.testing.assert_array_equal(found.calcium[:, 2], (formats.F - 0.7 * formats.NEUROPIL)[1])


def test_nwb_frames_whose_time_goes_back_are_left_out_up_to_one(edited):
    def change(file, stamps):
        del file[TRACE]["starting_time"]
        file[TRACE]["timestamps"] = np.array(stamps)

    found = read(edited(lambda file: change(file, [0.5, 0.6, 0.7, 0.7, 0.8, 0.9])))
    np.testing.assert_array_equal(found.calcium, formats.CORRECTED[[0, 1, 2, 4, 5]])
    assert "1 frame(s) were left out" in found.attrs["notices"]
    words = r"field '/processing/my pipeline/A/Trace/timestamps': time does not increase at 3 frames, the first"
    refused(edited(lambda file: change(file, [0.5, 0.6, 0.7, 0.4, 0.5, 0.6])), words)
    refused(edited(lambda file: change(file, [500.0, 600, 700, 800, 900, 1000])), "milliseconds", sampling_rate=10.0)


def test_square_nwb_demands_the_orientation(edited):
    square = np.arange(9.0).reshape(3, 3)

    def change(file):
        put(file, f"{TRACE}/data", square)
        del file["processing/my pipeline/B"], file["intervals"]

    source = edited(change)
    refused(source, r"its shape \(3, 3\) fits 3 ROIs and \? times both ways; give --orientation")
    np.testing.assert_array_equal(read(source, orientation="time-neuron").calcium, square[:, [0, 2]])
    np.testing.assert_array_equal(read(source, orientation="neuron-time").calcium, square[[0, 2]].T)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: put(f, f"{TRACE}/data", np.zeros((4, 5))), r"shape \(4, 5\) does not fit 3 ROIs"),
        (lambda f: put(f, f"{TRACE}/rois", np.arange(4)), r"Trace/data': its shape \(6, 3\) does not fit 4 ROIs"),
        (lambda f: f.__delitem__(f"{TRACE}/data"), r"Trace/data': it is missing"),
        (lambda f: f[f"{TRACE}/starting_time"].attrs.update(rate=0.0), "the frame rate is 0; give --sampling-rate"),
        (lambda f: f.__delitem__(f"{TRACE}/starting_time"), "neither timestamps nor a frame rate are told"),
        (lambda f: put(f, "processing/my pipeline/B/Neuropil/data", np.zeros((5, 3))), r"Neuropil/data': its shape"),
        (
            lambda f: put(f, "intervals/trials/start_time", np.array([0.7, 9.0])),
            r"row 1 ends at 0.6 s before it begins",
        ),
        (lambda f: f["intervals/trials/start_time"].write_direct(np.array([-9.0, -8.0])), "no interval begins within"),
        (
            lambda f: f["processing/my pipeline/Segments/Plane/iscell"].write_direct(np.zeros((3, 2))),
            "none of the 3 ROIs",
        ),
        (lambda f: put(f, "processing/my pipeline/Segments/Plane/pixel_mask_index", np.array([3, 2, 4])), "into rows"),
    ],
)
def test_nwb_that_contradicts_itself_is_refused(change, words, edited):
    refused(edited(change), words)


def test_nwb_without_traces_and_spikes_is_refused(edited):
    words = "neither fluorescence of ROIs nor a table of units"
    refused(edited(lambda file: file.__delitem__("units"), fluorescence=False), words)


@pytest.mark.parametrize(
    "spikes",
    [([0.25, -0.75, 0.5], "1 spike times are negative, the first of neuron 4"), ([0.25, np.nan, 1], "missing")],
)
def test_nwb_spikes_that_are_impossible_are_refused(spikes, edited):
    change = edited(lambda file: put(file, "units/spike_times", np.array(spikes[0])), fluorescence=False, trials=False)
    refused(change, spikes[1])


def test_links_out_of_the_file_are_not_followed(edited, tmp_path):
    secret = formats.nwb(tmp_path / "secret.nwb")

    def external(file):
        del file[f"{TRACE}/data"]
        file[f"{TRACE}/data"] = h5py.ExternalLink(str(secret), f"{TRACE}/data")

    def soft(file):
        del file[f"{TRACE}/data"]
        file["out"] = h5py.ExternalLink(str(secret), "/")
        file[f"{TRACE}/data"] = h5py.SoftLink(f"/out/{TRACE}/data")

    def outside(file):
        del file[f"{TRACE}/data"]
        (tmp_path / "raw.bin").write_bytes(formats.F.T.tobytes())
        file.create_dataset(f"{TRACE}/data", (6, 3), "f4", external=[(str(tmp_path / "raw.bin"), 0, 72)])

    def virtual(file):
        del file[f"{TRACE}/data"]
        layout = h5py.VirtualLayout((6, 3), "f4")
        layout[:] = h5py.VirtualSource(str(secret), f"{TRACE}/data", (6, 3))
        file.create_virtual_dataset(f"{TRACE}/data", layout)

    for change in (external, soft, outside, virtual):
        refused(edited(change), r"rec\.nwb, field '.*another file.*does not follow")

    def circle(file):
        del file[f"{TRACE}/data"]
        file[f"{TRACE}/data"] = h5py.SoftLink(f"/{TRACE}/data")

    def inside(file):
        file.move(f"{TRACE}/data", "stimulus_data")
        file[f"{TRACE}/data"] = h5py.SoftLink("/stimulus_data")

    refused(edited(circle), "field '")
    np.testing.assert_array_equal(read(edited(inside)).calcium, formats.CORRECTED)


def test_names_in_a_file_cannot_write_to_the_terminal(edited):
    def change(file):
        file.attrs.clear()
        for name in list(file):
            del file[name]
        file["a\n\x1b[2Jb"] = 1

    source = edited(change)
    foreign = source.rename(source.with_suffix(".h5"))
    refused(foreign, "no reader recognises it .it is an HDF5 file that holds a\ufffd\ufffd")


@pytest.mark.parametrize(
    ("make", "instead"), [(formats.nwb, "group"), (formats.nwb1, 7), (formats.caiman, np.full(6, np.nan))]
)
def test_anything_in_the_place_of_anything_is_an_answer_or_one_sentence(make, instead, tmp_path):
    places: list[str] = []
    with h5py.File(make(tmp_path / "rec.nwb")) as file:
        file.visit(places.append)
    refused_at = 0
    for place in places:
        source = make(tmp_path / "rec.nwb")
        with h5py.File(source, "r+") as file:
            kept = dict(file[place].attrs)
            del file[place]
            made = file.create_group(place) if isinstance(instead, str) else file.create_dataset(place, data=instead)
            made.attrs.update({name: value for name, value in kept.items() if name != "table"})
        try:
            read(source)
        except InputError:
            refused_at += 1
    assert 0 < refused_at < len(places)


def test_hdf5_that_announces_more_than_it_holds_is_refused(edited):
    def change(file):
        del file[f"{TRACE}/data"]
        file[TRACE].create_dataset("data", (1 << 40, 3), "f4", chunks=(1 << 10, 3))

    refused(edited(change), r"Trace/data': \d+ bytes .*are announced, but 0 are there")


def test_nwb1_of_the_allen_brain_observatory(tmp_path):
    source = formats.nwb1(tmp_path / "old.nwb")
    found = read(source)
    assert found.neuron.values.tolist() == [501, 502, 503]
    assert found.roi_id.values.tolist() == ["1", "2", "3"]
    assert found.attrs["sampling_rate_hz"] == pytest.approx(10)
    assert found.stimulus.values.tolist() == [
        "drifting_gratings temporal_frequency=2 orientation=90",
        "drifting_gratings blank",
        "natural_movie_one",
        "natural_scenes 7",
        "natural_movie_one",
        "natural_scenes blank",
    ]
    np.testing.assert_allclose(found.onset, [8.0, 8.1, 8.2, 8.3, 8.4, 8.4])
    np.testing.assert_allclose(found.duration, [0.1, 0.1, 0.2, 0.1, 0.1, 0.1])
    raw = read(source, variable="Fluorescence")
    np.testing.assert_allclose(raw.calcium, (formats.F - np.array([[0.7], [0.5], [0]]) * formats.NEUROPIL).T)
    with h5py.File(source, "r+") as file:
        file.move("processing/brain_observatory_pipeline", "processing/another")
    refused(source, "this is NWB 1, which is read from the Allen Brain Observatory only")


@real_data
def test_real_suite2p_1_1_and_caiman():
    new = read(SHARED / "suite2p_1.1.0")
    assert (new.sizes["neuron"], new.sizes["time"], new.attrs["sampling_rate_hz"]) == (9, 1500, 30)
    for name, neurons in (("full", 12), ("onlyinit_S_missing", 12)):
        source = SHARED / "caiman" / f"caiman_1.12.1_cnmf_{name}.hdf5"
        found = read(source)
        assert (found.sizes["neuron"], found.sizes["time"], found.attrs["sampling_rate_hz"]) == (neurons, 1500, 30)
        with h5py.File(source) as file:
            np.testing.assert_allclose(found.calcium.T, file["estimates/C"][()] + file["estimates/YrA"][()])
            np.testing.assert_allclose(found.position, file["estimates/center"][()])
