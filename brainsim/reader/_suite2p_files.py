"""Where the arrays of a plane of suite2p lie: one .npy file each, or all of them in ``Fall.mat``."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from brainsim.reader._mat import guarded, load, numeric, variables
from brainsim.reader._npy import read_npy

ARRAYS = ("F", "Fneu", "spks", "stat", "iscell", "ops")
TABLES = ("F", "Fneu", "spks", "iscell", "redcell")


class Files(Protocol):
    """The arrays of a plane by their names."""

    def has(self, name: str) -> bool:
        """Tell whether an array is there."""
        ...

    def read(self, name: str) -> Any:
        """Return an array."""
        ...

    def where(self, name: str) -> str:
        """Return the file that holds it."""
        ...

    def facts(self) -> list[tuple[str, Any]]:
        """Return name and contents of what tells the settings, the last one counts most."""
        ...


class Folder:
    """A folder with a file per array; the settings may stand in the folder above."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, name: str) -> bool:
        """Tell whether an array is there."""
        return (self.folder / f"{name}.npy").exists()

    def read(self, name: str) -> Any:
        """Return an array."""
        return read_npy(self.folder / f"{name}.npy")

    def where(self, name: str) -> str:
        """Return the file that holds it."""
        return str(self.folder / f"{name}.npy")

    def facts(self) -> list[tuple[str, Any]]:
        """Return ``settings.npy`` (from 1.0, here or above) and ``ops.npy``."""
        paths = [self.folder.parent / "settings.npy", self.folder / "settings.npy", self.folder / "ops.npy"]
        return [(path.stem, read_npy(path)) for path in paths if path.is_file()]


class FallMat:
    """``Fall.mat``, which suite2p writes with `save_mat`: all arrays in one MATLAB 5 file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names = variables(path)

    def has(self, name: str) -> bool:
        """Tell whether an array is there."""
        return name in self._names

    def read(self, name: str) -> Any:
        """Return an array; MATLAB knows no single number, vector or list of one."""
        if name in TABLES:
            return load(self.path, name) if name in numeric(self.path) else None
        from scipy.io import loadmat

        found = guarded(loadmat, self.path, variable_names=[name], simplify_cells=True).get(name)
        if name != "stat":
            return found
        each = found if isinstance(found, (list, np.ndarray)) else [found]
        held = np.empty(len(each), object)
        held[:] = list(each)
        return held

    def where(self, name: str) -> str:
        """Return the file that holds it."""
        return str(self.path)

    def facts(self) -> list[tuple[str, Any]]:
        """Return `settings` and `ops`."""
        return [(name, self.read(name)) for name in ("settings", "ops") if self.has(name)]
