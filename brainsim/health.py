"""What this machine has of what brainsim needs."""

import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from brainsim.program import cache_folder

PACKAGES = (
    "brian2",
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "elephant",
    "oasis-deconv",
    "networkx",
    "xarray",
    "h5netcdf",
    "zarr",
    "matplotlib",
    "click",
)
SMALLEST_CACHE_MIB = 200


@dataclass(frozen=True)
class Point:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


def examine() -> list[Point]:
    """Look at compiler, make, headers, packages, torch device and cache.

    Returns
    -------
    list of Point
        In the order in which they would stop a user.
    """
    compiler = os.environ.get("CXX") or "g++"
    return [
        Point("python", True, f"{platform.python_version()} on {platform.machine()}"),
        _tool(compiler, "install g++ (Debian: apt-get install g++)"),
        _tool("make", "install make (Debian: apt-get install make)"),
        _compiles(compiler),
        *map(_package, PACKAGES),
        _device(),
        _cache(),
    ]


def _tool(name: str, remedy: str) -> Point:
    path = shutil.which(name)
    if path is None:
        return Point(name, False, "not installed", remedy)
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return Point(name, done.returncode == 0, (done.stdout or done.stderr).splitlines()[0], remedy)


def _compiles(compiler: str) -> Point:
    """Compile a line of C++ that needs what generated code needs."""
    remedy = "install the C++ standard library's headers (Debian: apt-get install build-essential)"
    if shutil.which(compiler) is None:
        return Point("C++ headers", False, "no compiler to try them with", remedy)
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "try.cpp"
        source.write_text(
            "#include <random>\n#include <vector>\n#include <sys/mman.h>\n"
            "int main() { return std::vector<int>().size(); }\n"
        )
        done = subprocess.run(
            [compiler, "-std=c++17", "-march=native", str(source), "-o", f"{name}/try"],
            capture_output=True,
            text=True,
            check=False,
        )
    found = "compile and link" if done.returncode == 0 else (done.stderr.strip() or "failed").splitlines()[0]
    return Point("C++ headers", done.returncode == 0, found, remedy)


def _package(name: str) -> Point:
    remedy = f"pip install {name}, or `make` in a clone"
    try:
        found = version(name)
    except PackageNotFoundError:
        return Point(name, False, "not installed", remedy)
    if (
        name == "brian2"
        and tuple(map(int, found.split(".")[:2])) < (2, 10)
        and tuple(map(int, version("numpy").split(".")[:2])) >= (2, 4)
    ):
        return Point(name, False, f"{found} does not work with numpy {version('numpy')}", "pip install 'numpy<2.4'")
    return Point(name, True, found)


def _device() -> Point:
    import torch

    gpu = torch.cuda.is_available()
    return Point("torch device", True, torch.cuda.get_device_name(0) if gpu else f"cpu ({os.cpu_count()} cores)")


def _cache() -> Point:
    home, remedy = cache_folder(), "set BRAINSIM_CACHE to a folder that can be written"
    try:
        home.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=home).close()
    except OSError as error:
        return Point("cache", False, f"{home}: {error.strerror}", remedy)
    free = shutil.disk_usage(home).free >> 20
    programs = len(list(home.glob("*/program.json")))
    return Point("cache", free > SMALLEST_CACHE_MIB, f"{home}: {programs} compiled networks, {free} MiB free", remedy)
