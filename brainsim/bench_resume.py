"""Long commands that are killed at random moments and resumed, held against one that nobody disturbed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

import numpy as np
import xarray as xr

from brainsim.error import FitError
from brainsim.progress import Progress, silent
from brainsim.store import open_recording

VOLATILE = ("seconds",)  # attributes that begin so are wall time
PROGRAM = (sys.executable, "-c", "from brainsim_cli.main import brainsim; brainsim()")


@dataclass(frozen=True)
class Outcome:
    """What came of one interruption.

    Attributes
    ----------
    after_s
        Seconds after which the process was killed.
    running
        Whether it was still running then.
    identical
        Whether the resumed result is that of the undisturbed run, bit for bit.
    """

    after_s: float
    running: bool
    identical: bool


def interruptions(
    command: Sequence[str], out: Path, times: int, seed: int = 0, progress: Progress = silent
) -> tuple[float, list[Outcome]]:
    """Run a command once in peace, then kill it so many times at random moments and resume it each time.

    Parameters
    ----------
    command
        Arguments of ``brainsim`` without ``--out``; the command knows ``--resume``.
    out
        Name of the results, in a folder of its own.
    times
        How often.
    seed
        Seed of the moments.
    progress
        Called after each.

    Returns
    -------
    seconds, outcomes
        How long the undisturbed run took [s], and what came of each interruption.

    Raises
    ------
    FitError
        If the command fails when nobody disturbs it.
    """
    reference = out.with_name(f"reference{out.suffix}")
    begin = time.perf_counter()
    _finish([*command, "--out", str(reference)])
    seconds, moments, found = time.perf_counter() - begin, np.random.default_rng(seed), []
    for k in range(times):
        after = float(moments.uniform(0, seconds))
        running = killed([*command, "--out", str(out)], after)
        if running or not out.exists():
            _finish([*command, "--out", str(out), "--resume"])
        found.append(Outcome(after, running, same(reference, out)))
        rmtree(out, ignore_errors=True) if out.is_dir() else out.unlink(missing_ok=True)
        progress(k + 1, times, "interruptions")
    return seconds, found


def killed(command: Sequence[str], after_s: float) -> bool:
    """Start ``brainsim``, kill it with SIGKILL after a while; tell whether it was still running."""
    process = subprocess.Popen([*PROGRAM, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def _finish(command: Sequence[str]) -> None:
    """Run ``brainsim`` to its end."""
    done = subprocess.run([*PROGRAM, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise FitError(f"`brainsim {' '.join(command[:2])}` failed ({done.stderr.strip().splitlines()[-1:]})")


def same(one: Path, other: Path) -> bool:
    """Tell whether two fits, or folders of trained generators, are the same bit for bit; wall times are left out."""
    if one.is_dir():
        names = ("model.safetensors", "training.safetensors")
        return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)
    return plain(open_recording(one)).identical(plain(open_recording(other)))


def plain(fit: xr.Dataset) -> xr.Dataset:
    """Return a fit without its wall times, its attributes as text (NaN is equal to itself then)."""
    held = {name: value for name, value in fit.attrs.items() if not str(name).startswith(VOLATILE)}
    return fit.drop_attrs(deep=False).assign_attrs(
        {name: json.dumps(value, default=str) for name, value in held.items()}
    )
