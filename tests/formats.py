"""Tiny real files of every binary format, made as the tools make them; to read one, and to see it refused."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
from scipy.io import savemat

from brainsim import schema
from brainsim.error import InputError
from brainsim.reader import ReadOptions
from brainsim.reading import read_recording

SHARED = Path(__file__).parents[2] / "shared" / "data"
real_data = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not in this checkout")

F = np.array([[10.0, 12, 11, 30, 20, 12], [5, 5, 9, 6, 5, 5], [7, 8, 7, 8, 9, 8]], np.float32)
NEUROPIL = np.array([[2.0, 2, 4, 2, 2, 2], [1, 1, 1, 2, 1, 1], [0, 1, 2, 3, 4, 5]], np.float32)
CORRECTED = (F - 0.7 * NEUROPIL)[[0, 2]].T
RATE = 10.0


def suite2p(folder: Path, new: bool = False, **replaced: Any) -> Path:
    """Write a plane of suite2p, before 1.0 or since; `replaced` files are written instead, or left out if None."""
    folder.mkdir(parents=True, exist_ok=True)
    stat = np.array([{"ypix": np.arange(3), "med": [4 + n, np.int64(9)], "npix": 3, "radius": 1.5} for n in range(3)])
    ops: dict[str, Any] = {"Ly": 32, "Lx": 32, "nframes": 6, "badframes": np.zeros(6, bool), "path": Path("a/b")}
    settings: dict[str, Any] = {"fs": RATE, "tau": 1.0}
    files: dict[str, Any] = {
        "F": F,
        "Fneu": NEUROPIL,
        "spks": np.zeros_like(F),
        "iscell": np.array([[1, 0.9], [0, 0.2], [1, 0.7]]),
        "stat": stat,
        "ops": ops if new else {**ops, **settings, "neucoeff": 0.7},
        "settings": {**settings, "extraction": {"neuropil_coefficient": 0.7}} if new else None,
    }
    for name, value in (files | replaced).items():
        if value is not None:
            np.save(folder / f"{name}.npy", np.array(value, object) if isinstance(value, dict) else value)
    return folder


def fall_mat(path: Path, plane: Path, **replaced: Any) -> Path:
    """Write what suite2p writes with `save_mat`, from the files of a plane."""
    names = ("F", "Fneu", "spks", "iscell", "stat", "ops")
    held = {name: np.load(plane / f"{name}.npy", allow_pickle=True) for name in names}
    held["ops"] = {name: str(value) if isinstance(value, Path) else value for name, value in held["ops"].item().items()}
    savemat(path, {name: value for name, value in (held | replaced).items() if value is not None})
    return path


def caiman(path: Path, **replaced: Any) -> Path:
    """Write what CaImAn's `save` writes; a `replaced` field that is None becomes its text for a missing value."""
    fields: dict[str, Any] = {
        "C": F.astype(float),
        "YrA": NEUROPIL.astype(float),
        "S": None,
        "F_dff": F / 10,
        "idx_components": np.array([0, 2]),
        "SNR_comp": np.array([3.0, 1.0, 2.0]),
        "neurons_sn": np.array([b"0.5", b"0.25", b"1.5"], "S32"),
        "center": None,
        "dims": np.array([2, 3]),
        "A/data": np.array([1.0, 3.0, 1.0, 2.0]),
        "A/indices": np.array([0, 1, 3, 5], np.int32),
        "A/indptr": np.array([0, 2, 3, 4], np.int32),
        "A/shape": np.array([6, 3]),
    }
    with h5py.File(path, "w") as file:
        for name, value in (fields | replaced).items():
            file[f"estimates/{name}"] = b"NoneType" if value is None else value
        file["params/data/fr"] = RATE
    return path


def typed(group: Any, name: str, kind: str, **attributes: Any) -> Any:
    """Make a group with a neurodata type."""
    made = group.create_group(name)
    made.attrs.update(neurodata_type=kind, namespace="core", **attributes)
    return made


def series(parent: Any, name: str, data: np.ndarray, table: Any, timestamps: Any = None, kind: str = "") -> Any:
    """Make a RoiResponseSeries whose data are stored as they are given."""
    made = typed(parent, name, kind or "RoiResponseSeries")
    made["data"] = data
    made["data"].attrs.update(conversion=1.0, offset=0.0, unit="lumens")
    made["rois"] = np.arange(len(table["id"]))
    made["rois"].attrs["table"] = table.ref
    if timestamps is None:
        made["starting_time"] = 0.5
        made["starting_time"].attrs.update(rate=RATE, unit="seconds")
    else:
        made["timestamps"] = timestamps
    return made


def nwb(path: Path, transposed: bool = False, fluorescence: bool = True, trials: bool = True) -> Path:
    """Write NWB 2 with fluorescence, neuropil and events in containers of unusual names, trials, no extension."""
    with h5py.File(path, "w") as file:
        file.attrs.update(neurodata_type="NWBFile", nwb_version="2.7.0", namespace="core")
        file["session_start_time"] = "2024-01-02T03:04:05+00:00"
        module = typed(file, "processing/my pipeline", "ProcessingModule")
        table = typed(module, "Segments/Plane", "PlaneSegmentation", description="by hand", colnames=["iscell"])
        table["id"] = np.array([11, 12, 13])
        table["iscell"] = np.array([[1, 0.9], [0, 0.2], [1, 0.7]])
        table["depth"] = np.array([100.0, 110.0, 120.0])
        table["layer"] = np.array([b"L2", b"L3", b"L4"], object)
        table["layer"].attrs["neurodata_type"] = "VectorData"
        mask = [(1, 2, 1.0), (3, 2, 1.0), (5, 6, 2.0), (7, 8, 1.0)]
        table["pixel_mask"] = np.array(mask, [("x", "u4"), ("y", "u4"), ("weight", "f4")])
        table["pixel_mask_index"] = np.array([2, 3, 4], np.uint8)
        if fluorescence:
            order = (lambda a: a) if transposed else (lambda a: np.ascontiguousarray(a.T))
            series(typed(module, "A", "Fluorescence"), "Trace", order(F), table)
            series(typed(module, "B", "Fluorescence"), "Neuropil", order(NEUROPIL), table)
            series(typed(module, "C", "Fluorescence"), "Deconvolved", order(F), table)
        if trials:
            rows = typed(file, "intervals/trials", "TimeIntervals")
            rows["id"] = np.arange(2)
            rows["start_time"], rows["stop_time"] = np.array([0.7, 0.5]), np.array([0.9, 0.6])
            rows["stimulus"] = np.array([b"b", b"a"], object)
            rows["contrast"] = np.array([0.5, 1.0])
        units = typed(file, "units", "Units")
        units["id"] = np.array([4, 7])
        units["spike_times"], units["spike_times_index"] = np.array([0.25, 0.75, 0.5]), np.array([2, 3])
        units["quality"] = np.array([b"good", b"mua"], object)
    return path


def nwb1(path: Path) -> Path:
    """Write NWB 1 as the Allen Brain Observatory has it."""
    with h5py.File(path, "w") as file:
        file["nwb_version"] = "NWB-1.0.6"
        root = file.create_group("processing/brain_observatory_pipeline")
        stamps = 8.0 + np.arange(6) / RATE
        root["DfOverF/imaging_plane_1/data"], root["DfOverF/imaging_plane_1/timestamps"] = F / 10, stamps
        for name, data in (("demixed_signal", F), ("neuropil_response", NEUROPIL)):
            root[f"Fluorescence/imaging_plane_1_{name}/data"] = data
        root["Fluorescence/imaging_plane_1_neuropil_response/r"] = np.array([0.7, 0.5, 0.0])
        root["Fluorescence/imaging_plane_1/timestamps"] = stamps
        root["ImageSegmentation/cell_specimen_ids"] = np.array([501, 502, 503])
        root["ImageSegmentation/roi_ids"] = np.array([b"1", b"2", b"3"])
        shown = file.create_group("stimulus/presentation")
        shown["drifting_gratings_stimulus/data"] = np.array([[2.0, 90.0, 0.0], [np.nan, np.nan, 1.0]])
        shown["drifting_gratings_stimulus/features"] = [b"temporal_frequency", b"orientation", b"blank_sweep"]
        shown["drifting_gratings_stimulus/frame_duration"] = np.array([[0, 1], [1, 2]])
        shown["natural_movie_one_stimulus/data"] = np.array([0, 1, 0, 1])
        shown["natural_movie_one_stimulus/frame_duration"] = np.array([[2, 3], [3, 4], [4, 5], [5, 5]])
        shown["natural_scenes_stimulus/data"] = np.array([7, -1])
        shown["natural_scenes_stimulus/frame_duration"] = np.array([[3, 4], [4, 5]])
    return path


def matlab5(path: Path, **variables: Any) -> Path:
    """Write MATLAB 5: by default traces with a row per neuron, and the times of the frames."""
    held = variables or {"dff": F, "t": np.arange(6)[None] / RATE, "other": np.eye(4), "note": "by hand"}
    savemat(path, held, do_compression=True)
    return path


def matlab73(path: Path, **variables: Any) -> Path:
    """Write MATLAB 7.3: HDF5 behind a header, dimensions in reverse."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in (variables or {"dff": F, "t": np.arange(6)[None] / RATE}).items():
            file[name] = np.transpose(value)
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
        file["#refs#/a"] = np.zeros((3, 6))
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


def pynapple(path: Path, kind: str = "TsdFrame", **arrays: Any) -> Path:
    """Write what pynapple's `save` writes."""
    held: dict[str, Any] = {"start": np.array([0.0]), "end": np.array([5.0]), "type": np.array([kind])}
    if kind == "TsdFrame":
        held |= {"t": np.arange(6) / RATE, "d": F.T, "columns": np.array(["a", "b", "c"], object)}
    elif kind == "TsGroup":
        held |= {"t": np.array([0.5, 1.0, 2.0]), "index": np.array([7, 3, 7]), "keys": np.array([3, 5, 7])}
        held["_metadata"] = np.array({"label": np.array(["x", "y", "z"]), "odd": [1]}, object)
    np.savez(path, **(held | arrays))
    return path


def read(source: Path, **options: Any) -> xr.Dataset:
    """Read a file that obeys the schema."""
    found = read_recording([source], options=ReadOptions(**options))
    assert not [f for f in schema.check(found) if f.severity == "error"]
    return found


def refused(source: Path, words: str, **options: Any) -> None:
    """See a file refused in one sentence with field and remedy."""
    with pytest.raises(InputError, match=words) as caught:
        read_recording([source], options=ReadOptions(**options))
    assert caught.value.remedy
    assert "field '" in caught.value.where
    assert "\n" not in str(caught.value)
