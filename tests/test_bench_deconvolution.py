"""The benchmark of deconvolution: correlations made by hand, table, figure, JSON; real spikes and other tools."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from formats import SHARED, real_data
from scipy.ndimage import gaussian_filter1d

from brainsim import bench_deconvolution as bench
from brainsim.calcium import deconvolve
from brainsim.error import InputError, UnknownName
from brainsim.folder import BENCHMARK as MARKER
from brainsim.indicator import Indicator
from brainsim.reader import ReadOptions
from brainsim.reading import read_recording
from brainsim.store import save_recording

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def recording(seed=0, neurons=3, **attrs):
    rng = np.random.default_rng(seed)
    frames = np.concatenate([np.arange(600) / 15, 60 + np.arange(600) / 15])
    time, cells = np.sort(rng.uniform(0, 100, 50 * neurons)), rng.integers(0, neurons, 50 * neurons)
    trace = Indicator().fluorescence(time, cells, neurons, frames, rng)
    held = {"calcium": (("time", "neuron"), trace, {"units": "dF/F"})}
    held |= {"spike_time": ("spike", time), "spike_neuron": ("spike", cells)}
    return xr.Dataset(held, coords={"time": frames}, attrs={"sampling_rate_hz": 15.0, "source": "simulated", **attrs})


def test_correlations_are_those_made_by_hand():
    frames = np.array([0, 1, 2, 3, 4, 10, 11, 12, 13.0])
    spikes = np.array([[0, 2, 1, 1, 5, 0, np.nan, np.nan, np.nan], [1.0] * 9]).T
    made = xr.Dataset(
        {"spike_time": ("spike", [0.5, 1.5, 2.5, 9.0, 10.5]), "spike_neuron": ("spike", [0, 0, 0, 0, 1])},
        coords={"time": frames},
        attrs={"sampling_rate_hz": 1.0},
    )
    inferred = xr.DataArray(spikes, dims=("time", "neuron"))
    by_frame = bench.correlations(made, inferred, 100.0)
    assert by_frame[0] == pytest.approx(np.corrcoef([0, 2, 1, 1, 5, 0], [1, 1, 1, 0, 0, 0])[0, 1])
    assert np.isnan(by_frame[1])
    in_pairs = bench.correlations(made, inferred, 0.5)
    assert in_pairs[0] == pytest.approx(np.corrcoef([1, 1, 0], [2, 1, 0])[0, 1])


def test_data_sets_share_a_row_and_failures_say_why():
    cases = [bench.case("a", recording(0, data_set="X")), bench.case("b", recording(1, data_set="X"))]
    slow = recording(2).isel(time=slice(None, None, 15)).assign_attrs(sampling_rate_hz=1.0)
    told = []
    show = lambda *now: told.append(now[:2])  # noqa: E731
    rows = bench.compete([*cases, bench.case("c", slow)], ("brainsim", "lowpass-diff"), progress=show)
    assert [(row["data"], row["method"], row["neurons"]) for row in rows] == [
        ("X", "brainsim", 6), ("X", "lowpass-diff", 6), ("c", "brainsim", 3), ("c", "lowpass-diff", 0),
    ]  # fmt: skip
    assert told == [(n, 6) for n in range(1, 7)]
    assert rows[0]["low"] < rows[0]["correlation"] < rows[0]["high"]
    assert rows[0]["correlation"] == pytest.approx(np.median(rows[0]["correlations"]))
    assert rows[0]["correlation"] > rows[1]["correlation"] + 0.1
    assert "frames per second" in rows[3]["why"]
    assert rows[3]["correlation"] is None


def test_names_and_recordings_that_do_not_fit_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'lowpass-diff'"):
        bench.method_of("lowpass-dif")
    for field in ("calcium", "spike_time"):
        with pytest.raises(InputError, match=f"field '{field}'"):
            bench.case("x", recording().drop_vars(field))


def test_the_command_writes_table_figure_and_json(cli, tmp_path):
    path = save_recording(recording(data_set="<b>"), tmp_path / "rec.nc")
    out = tmp_path / "bench"
    done = cli("bench", "deconvolve", "--recording", path, "--out", out, "--json")
    assert done.exit_code == 0
    rows = json.loads(done.stdout)
    assert [row["method"] for row in rows] == ["brainsim", "oasis-defaults", "lowpass-diff"]
    assert json.loads((out / MARKER).read_text()) == rows
    assert sorted(p.name for p in out.iterdir()) == ["figure.png", "table.json", "table.md"]
    table = (out / "table.md").read_text()
    assert f"**{max(row['correlation'] for row in rows):.3f}**" in table
    prose = cli("bench", "deconvolve", "--recording", path, "--out", out, "--method", "brainsim", "--overwrite")
    assert prose.stdout.splitlines()[0].split() == ["data", "method", "neurons", "median", "quartiles", "seconds"]
    assert cli("bench", "deconvolve", "--recording", path, "--out", out).exit_code == 1


@real_data
def test_real_spikes_are_found_better_than_by_the_library_as_it_is():
    """Of CASCADE, three data sets; OGB-1 in interneurons (DS22: 5 cells near chance) is within 0.02 either way."""
    paths = sorted((SHARED / "cascade").glob("DS*/*.mat"))
    cases = [bench.case(path.stem, read_recording([path])) for path in paths]
    rows = bench.compete(cases, ("brainsim", "oasis-defaults"))
    ours, theirs = (
        {row["data"]: row for row in rows if row["method"] == name} for name in ("brainsim", "oasis-defaults")
    )
    for data in ours:
        slack = 0.02 if data.startswith("DS22") else 0.0
        assert ours[data]["correlation"] >= theirs[data]["correlation"] - slack, data
    middle = [np.median([r for row in each.values() for r in row["correlations"]]) for each in (ours, theirs)]
    assert middle[0] > middle[1] + 0.01


def matched(position, centers):
    """Which ROI lies where a simulated cell is, and whether it does within 4 pixels."""
    distance = np.linalg.norm(position[None] - centers[:, None], axis=-1)
    return distance.argmin(1), distance.min(1) < 4


def agreement(found, truth, width=0.0):
    smooth = lambda one: gaussian_filter1d(one.astype(float), width) if width else one  # noqa: E731
    return np.array([np.corrcoef(smooth(a), smooth(b))[0, 1] for a, b in zip(found, truth, strict=True)])


def suite2p_spikes():
    plane = SHARED / "suite2p_1.1.0" / "suite2p" / "plane0"
    return read_recording([plane], options=ReadOptions(rois="all")), np.load(plane / "spks.npy"), plane.parents[1]


def caiman_spikes():
    path = SHARED / "caiman" / "caiman_1.12.1_cnmf_full.hdf5"
    with h5py.File(path) as file:
        return read_recording([path]), file["estimates/S"][()], path.parent


@real_data
@pytest.mark.parametrize("theirs", [suite2p_spikes, caiman_spikes])
def test_known_truth_is_found_as_well_as_by_other_tools(theirs):
    read, spikes, folder = theirs()
    truth = np.load(Path(folder) / "truth.npz")
    roi, there = matched(read.position.values, truth["centers"])
    assert there.sum() >= 8
    ours = deconvolve(read).spikes.values.T[roi[there]]
    pairs = [agreement(found, truth["S"][there]) for found in (ours, spikes[roi[there]])]
    assert np.median(pairs[0]) >= np.median(pairs[1]) - 0.001
    assert np.mean(pairs[0]) >= np.mean(pairs[1]) - 0.001
