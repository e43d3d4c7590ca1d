"""Seconds and peak memory of a stretch of code, the programs it starts included."""

import os
import resource
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

MIB = 2**20
EVERY_S = 0.01
COMPILERS = ("make", "g++", "c++", "cc1plus", "as", "ld", "collect2", "gcc", "clang", "clang++")


class Footprint:
    """Measures seconds and peak memory in a with-block.

    The peak of this process is the kernel's own high-water mark, which is set back at the beginning (Linux); what it
    held before is taken off. The memory of programs that it starts, a compiled network for example, is looked at a
    hundred times a second and the largest sum is added, compilers left out. Where
    there is no ``/proc`` it is ``ru_maxrss``.

    Attributes
    ----------
    seconds
        Wall-clock time [s].
    peak_mib
        Peak memory above what was held at the beginning [MiB].
    """

    seconds: float = 0.0
    peak_mib: float = 0.0

    def __enter__(self) -> Self:
        _set_back()
        self._before, self._children, self._over = _held(), 0.0, threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        self._begin = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = time.perf_counter() - self._begin
        self._over.set()
        self._watch.join()
        self.peak_mib = max(0.0, _highest() - self._before) + self._children

    def _look(self) -> None:
        while not self._over.wait(EVERY_S):
            self._children = max(self._children, sum(_resident(child) for child in _offspring(os.getpid())))


def _field(process: int | str, name: str) -> float:
    """Return a field of ``/proc/PROCESS/status`` [MiB]; 0 where the process is gone."""
    with suppress(OSError):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        if lines[0].split()[-1] not in COMPILERS:
            return next((float(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)
    return 0.0


def _resident(process: int | str) -> float:
    return _field(process, "VmRSS:")


def _held() -> float:
    return _resident("self") or _max_rss()


def _highest() -> float:
    return _field("self", "VmHWM:") or _max_rss()


def _max_rss() -> float:
    """Return the peak since the process began [MiB]; macOS tells bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / MIB


def _set_back() -> None:
    """Begin the high-water mark anew, where the kernel allows it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _offspring(process: int) -> list[int]:
    """Return the children of a process and theirs."""
    found: list[int] = []
    with suppress(OSError):  # a process or thread may end while one looks
        for task in Path(f"/proc/{process}/task").iterdir():
            with suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found + [below for child in found for below in _offspring(child)]
