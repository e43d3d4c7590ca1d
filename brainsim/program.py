"""Compiled networks: built once, kept by what decides their binary, verified and run without importing Brian2.

A program is a folder with the binary ``main`` and ``program.json`` (where each variable lies, and the hash of the
binary). It is built in a folder of its own and renamed, so that two processes that build the same program at once,
or one that is killed, never leave a damaged one behind.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainsim.error import FitError, ToolError
from brainsim.recorded import RecordedInput
from brainsim.scratch import scratch

MUCH = 2**28  # bytes


def cache_folder() -> Path:
    """Return where compiled networks are kept: ``BRAINSIM_CACHE``, else the user's cache folder."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("BRAINSIM_CACHE") or home / "brainsim")


@cache
def machine() -> tuple[str, ...]:
    """Return what a binary depends on beside its source: compiler, processor, the C++ header of recorded input."""
    header = Path(__file__).with_name("recorded_input.h").read_bytes()
    try:
        flags = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")), "")
    except OSError:
        flags = platform.processor()
    return compiler_version(), platform.machine(), hashlib.sha256(flags.encode() + header).hexdigest()


@cache
def compiler_version() -> str:
    """Return the first line of ``g++ --version``.

    Raises
    ------
    ToolError
        If the compiler or make is missing.
    """
    for tool in (os.environ.get("CXX") or "g++", "make"):
        if shutil.which(tool) is None:
            raise ToolError(
                f"'{tool}' is not installed, and a spiking network is compiled C++",
                remedy="install g++ and make, then see `brainsim check`",
            )
    done = subprocess.run([os.environ.get("CXX") or "g++", "--version"], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).splitlines()[0]


class Program:
    """A compiled network in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts: dict[str, Any] = json.loads((folder / "program.json").read_text())

    @classmethod
    def find(cls, digest: str) -> "Program | None":
        """Return the program with this key, or None where there is none or it is damaged (which removes it)."""
        folder = cache_folder() / digest
        if not folder.is_dir():
            return None
        try:
            program = cls(folder)
            if file_hash(folder / "main") == program.facts["sha256"]:
                return program
        except (OSError, ValueError, KeyError):
            pass
        shutil.rmtree(folder, ignore_errors=True)
        return None

    def run(self, recorded: RecordedInput, arrays: Mapping[str, Any], wanted: list[str]) -> dict[str, NDArray[Any]]:
        """Run the network once.

        Parameters
        ----------
        recorded
            What it reads while it runs.
        arrays
            Initial values, ``{"owner.variable": scalar or array}``.
        wanted
            Variables to return at the end, as ``"owner.variable"``.

        Raises
        ------
        FitError
            If the program fails, or a wanted value is not finite.
        """
        with scratch(_scratch(recorded, arrays)) as work:
            recorded.write(work)
            arguments = [self._argument(key, value, work) for key, value in arrays.items()]
            done = subprocess.run(
                [str(self.folder / "main"), "--results_dir", f"{work}/", *arguments],
                cwd=self.folder,
                env={**os.environ, "BRAINSIM_INPUT": str(work)},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode or "Error" in done.stderr or "Cannot set" in done.stderr:
                reason = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[0]
                raise FitError(
                    f"the compiled network stopped ({reason})",
                    where=str(self.folder),
                    remedy="remove that folder and run again",
                )
            found = {key: self._result(key, work) for key in wanted}
        return check_finite(found)

    def _argument(self, key: str, value: Any, work: Path) -> str:
        if np.ndim(value) == 0:
            number = float(value)
            if np.issubdtype(np.dtype(self.facts["arrays"][key][1]), np.integer):
                return f"{key}={int(number)}"
            if number >= 0 or number < 0:
                return f"{key}={number!r}"
        path = work / f"{key}.in"
        np.ascontiguousarray(value, self.facts["arrays"][key][1]).tofile(path)
        return f"{key}={path}"

    def _result(self, key: str, work: Path) -> NDArray[Any]:
        file, kind = self.facts["arrays"][key]
        return np.fromfile(work / file, kind)


def _scratch(recorded: RecordedInput, arrays: Mapping[str, Any]) -> str | None:
    """Return where the files of a run go: memory, if there is a lot more of it than they need, else the usual place."""
    need = sum(8 * np.size(value) for value in arrays.values()) + recorded.nbytes
    try:
        facts = os.statvfs("/dev/shm")
    except OSError:
        return None
    roomy = facts.f_bavail * facts.f_frsize > 16 * need + MUCH and os.access("/dev/shm", os.W_OK)
    return None if os.environ.get("TMPDIR") or not roomy else "/dev/shm"


def check_finite(found: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the results unchanged, or refuse values that have exploded.

    Raises
    ------
    FitError
        Naming the variable.
    """
    for key, values in found.items():
        if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
            raise FitError(
                f"the network exploded: '{key}' is not finite",
                remedy="use a smaller step (--dt), weaker weights or a larger --ridge",
            )
    return found


def keep(draft: Path, digest: str, arrays: dict[str, tuple[str, str]]) -> Program:
    """Move a freshly built program to its place; if another process was faster, use that one."""
    facts = {"sha256": file_hash(draft / "main"), "arrays": arrays}
    (draft / "program.json").write_text(json.dumps(facts))
    target = cache_folder() / digest
    try:
        os.rename(draft, target)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
    found = Program.find(digest)
    if found is None:
        raise ToolError(
            "the compiled network cannot be kept",
            where=str(target),
            remedy="set BRAINSIM_CACHE to a folder that can be written",
        )
    return found


def file_hash(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
