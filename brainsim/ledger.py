"""What a long job has done, kept in its folder, so that a job that was killed goes on where it was."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from brainsim import __version__
from brainsim.error import InputError, OutputError
from brainsim.folder import check_folder
from brainsim.store import write_text

Facts = dict[str, Any]


@dataclass
class Ledger:
    """Stages that are done, each with its facts and the checksums of its files.

    Attributes
    ----------
    folder
        Where everything is written.
    name
        The file of the ledger in it.
    setup
        What the whole job depends on; a job goes on only with the same.
    done
        Facts, seconds and files of each stage.
    """

    folder: Path
    name: str
    setup: Facts
    done: dict[str, Facts] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: str | Path, name: str, setup: Facts, *, resume: bool, overwrite: bool) -> Self:
        """Begin in a new folder, or go on in one that an earlier job left.

        Parameters
        ----------
        folder
            Of the result.
        name
            Of the ledger's file, which tells an earlier job from a folder that holds something else.
        setup
            Plain values that decide what comes out.
        resume
            Go on with an earlier job.
        overwrite
            Remove an earlier job first.

        Raises
        ------
        OutputError
            If the folder holds an earlier job and neither was asked for, or holds something else.
        InputError
            If there is no job to go on with, or it was begun with another setup.
        """
        folder, setup = Path(folder), {**setup, "brainsim_version": __version__}
        file = folder / name
        if resume and file.is_file():
            return cls(folder, name, setup, _earlier(file, setup))
        if file.is_file() and not overwrite:
            what, remedy = "it holds an earlier job", "go on with --resume, or begin anew with --overwrite"
            raise OutputError(what, where=str(folder), remedy=remedy)
        check_folder(folder, name, overwrite=overwrite or (resume and folder.is_dir() and not any(folder.iterdir())))
        if folder.is_dir():
            shutil.rmtree(folder)
        folder.mkdir()
        ledger = cls(folder, name, setup)
        ledger._write()
        return ledger

    def stage(self, name: str, files: Sequence[str], work: Callable[[], Facts]) -> tuple[Facts, bool]:
        """Do a stage, unless it is done and its files are as they were.

        Parameters
        ----------
        name
            Of the stage.
        files
            What it writes, relative to the folder: files, or folders with files in them.
        work
            Does it and returns plain facts.

        Returns
        -------
        facts
            Of the stage.
        new
            Whether it was done now.
        """
        before = self.done.get(name)
        if before and all((self.folder / file).exists() for file in files) and before["files"] == self._sums(files):
            return dict(before["facts"]), False
        begin = time.perf_counter()
        facts = json.loads(json.dumps(work()))
        self.done[name] = {"facts": facts, "seconds": time.perf_counter() - begin, "files": self._sums(files)}
        self._write()
        return facts, True

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds that each stage took when it was done."""
        return {name: float(each["seconds"]) for name, each in self.done.items()}

    def _sums(self, files: Sequence[str]) -> dict[str, str]:
        return {file: checksum(self.folder / file) for file in files}

    def _write(self) -> None:
        text = json.dumps({"setup": self.setup, "stages": self.done}, indent=1)
        write_text(self.folder / self.name, text + "\n")


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, or of all files in a folder with their names."""
    found = hashlib.sha256()
    for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if each.is_file():
            found.update(os.path.relpath(each, path).encode())
            found.update(each.read_bytes())
    return found.hexdigest()


def _earlier(file: Path, setup: Facts) -> dict[str, Facts]:
    """Return the stages of an earlier job with the same setup."""
    try:
        read = json.loads(file.read_text("utf-8"))
        begun, done = dict(read["setup"]), dict(read["stages"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "it cannot be read as the list of what was done", where=str(file), remedy="begin anew with --overwrite"
        ) from error
    for key in sorted(setup.keys() | begun.keys()):
        if begun.get(key) != setup.get(key):
            raise InputError(
                f"the job was begun with {key} = {begun.get(key)}, not {setup.get(key)}",
                where=str(file),
                remedy="give the same options, or begin anew with --overwrite",
            )
    return done
