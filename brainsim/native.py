"""C++ functions of brainsim itself: compiled once for this processor, kept beside the compiled networks, verified."""

import ctypes
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from brainsim.error import OutputError, ToolError
from brainsim.program import cache_folder, file_hash, machine

FLAGS = ("-O3", "-march=native", "-std=c++17", "-shared", "-fPIC")


@cache
def library(name: str) -> ctypes.CDLL:
    """Load the functions of ``brainsim/NAME.cpp``, compiling them where that was not done yet.

    Raises
    ------
    ToolError
        If there is no compiler, or it fails.
    OutputError
        If the cache cannot be written.
    """
    source = Path(__file__).with_name(f"{name}.cpp")
    text = json.dumps([source.read_text(), machine(), FLAGS])
    target = cache_folder() / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"
    if not _whole(target):
        shutil.rmtree(target, ignore_errors=True)
        _compile(source, target)
    return ctypes.CDLL(str(target / "library.so"))


def _whole(folder: Path) -> bool:
    """Tell whether a compiled library is there and undamaged."""
    try:
        return (folder / "sha256").read_text() == file_hash(folder / "library.so")
    except OSError:
        return False


def _compile(source: Path, target: Path) -> None:
    """Compile in a folder of its own, then rename: another process may do the same at the same time."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise OutputError(
            "the cache of compiled functions cannot be written",
            where=str(target.parent),
            remedy="set BRAINSIM_CACHE to a folder that can be written",
        ) from error
    try:
        command = [os.environ.get("CXX") or "g++", *FLAGS, "-o", str(draft / "library.so"), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip() or "no message").splitlines()[0]
            raise ToolError(f"'{source.name}' could not be compiled ({reason})", remedy="see `brainsim check`")
        (draft / "sha256").write_text(file_hash(draft / "library.so"))
        try:
            draft.rename(target)
        except OSError:
            if not _whole(target):  # not another process that was faster
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
