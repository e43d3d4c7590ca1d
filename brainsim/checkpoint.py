"""The folder of a trained generator: safetensors for weights, JSON for the rest, never a pickle.

    GAN_DIR/
      config.json               format, hyperparameters, sizes, stimuli, neurons, time, SHA-256 of the trials
      model.safetensors         weights (running mean) and scaling that `gan sample` uses: those of the chosen epoch
      checkpoints/000100.safetensors   the same after 100 epochs, and so on
      training.safetensors      both networks, both optimisers, random state, learning curve: what `--resume` needs
      learning_curve.csv/.png   losses of every epoch
      example_trials.png        recorded beside generated trials

The folder appears at the first checkpoint, complete; from then on each file is replaced atomically.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from brainsim.atomic import beside, replace
from brainsim.error import InputError, OutputError
from brainsim.store import check_target, write_bytes

FORMAT = "brainsim-gan-3"


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors as safetensors, atomically; they are moved to the CPU, so that any machine can open them."""
    write_bytes(path, save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file onto the CPU.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    if not path.is_file():
        raise InputError(
            "there is no such file", where=str(path), remedy="the folder is incomplete: copy it again, or train again"
        )
    try:
        return load(path.read_bytes())
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(
            "it cannot be read as safetensors",
            where=str(path),
            remedy="it is damaged or incomplete: copy it again, or train again",
        ) from error


def is_gan(folder: Path) -> bool:
    """Tell whether a folder holds a generator that brainsim trained."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("format") == FORMAT


def read_config(folder: Path) -> dict[str, Any]:
    """Read the description of a trained generator.

    Raises
    ------
    InputError
        If the folder is missing, or is not one that `brainsim gan train` wrote.
    """
    if not folder.is_dir():
        raise InputError(
            "there is no such folder", where=str(folder), remedy="train one: brainsim gan train REC.nc --out GAN_DIR"
        )
    if not is_gan(folder):
        raise InputError(
            "this is not the folder of a generator that this version of brainsim trained",
            where=f"{folder}, file 'config.json'",
            remedy="give the folder that `brainsim gan train --out` made",
        )
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config


def check_folder(folder: Path, *, overwrite: bool, resume: bool) -> None:
    """Refuse a target before any work is done.

    Raises
    ------
    OutputError
        If it exists (and neither `overwrite` nor `resume` is given), is no folder of a generator, or cannot be written.
    """
    if resume and not folder.exists():
        check_target(folder, overwrite=False, suffixes=())
        return
    check_target(folder, overwrite=overwrite or resume, suffixes=())
    if folder.exists() and not is_gan(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        raise OutputError(
            "it exists and is not the folder of a generator, so it is neither replaced nor resumed",
            where=str(folder),
            remedy="give another name",
        )


def write_folder(folder: Path, fill: Callable[[Path], None], *, fresh: bool) -> None:
    """Let `fill` write the files of a folder: into a draft that takes its place (`fresh`), or file by file into it.

    Raises
    ------
    OutputError
        If it cannot be written; what was there before is still there.
    """
    if not fresh:
        fill(folder)
        return
    try:
        with beside(folder) as parent:
            draft = parent / "draft"
            draft.mkdir()
            fill(draft)
            replace(draft, folder)
    except OSError as error:
        raise OutputError(
            f"it cannot be written ({error.strerror})",
            where=str(folder),
            remedy="check the free space and the permissions",
        ) from error
