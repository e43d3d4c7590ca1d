"""A training on disk: begun, kept, resumed and opened again (the files are those of :mod:`brainsim.checkpoint`)."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from brainsim import catalog, distributed
from brainsim.checkpoint import (
    check_folder,
    read_config,
    read_tensors,
    write_folder,
    write_tensors,
)
from brainsim.error import FitError, InputError
from brainsim.generates import Generates
from brainsim.learning_curve import curve_columns, curve_csv, plot_learning_curve, png
from brainsim.scaling import Scaling, Shape
from brainsim.setting import Plan
from brainsim.store import write_bytes, write_text
from brainsim.training import Trainer, part

FREE = ("epochs", "sample_interval", "n_cpu", "device")
KEPT_ATTRIBUTES = ("units", "sampling_rate_hz", "indicator")


class GanFolder:
    """The folder that one call of `fit` writes.

    Parameters
    ----------
    path
        The folder.
    overwrite, resume
        What may happen to a training that is in it.

    Raises
    ------
    OutputError
        If it exists and neither is given, or it cannot be written.
    """

    def __init__(self, path: Path, *, overwrite: bool, resume: bool) -> None:
        check_folder(path, overwrite=overwrite, resume=resume)
        self.path, self.new = path, not path.exists()
        self.found = resume and path.exists() and any(path.iterdir())
        self.fresh = not self.found

    def resume(self, trainer: Trainer, description: dict[str, Any]) -> list[list[float]]:
        """Take up the training in the folder, if it is to be resumed, and return its learning curve so far.

        Raises
        ------
        InputError
            If it was made from other data or with other settings, or is damaged.
        FitError
            If it is trained for longer than asked already.
        """
        if not self.found:
            return []
        self._check_same(read_config(self.path), description)
        path = self.path / "training.safetensors"
        state = read_tensors(path)
        try:
            trainer.restore(state)
            curve: list[list[float]] = state["curve"].tolist()
        except (KeyError, RuntimeError, ValueError) as error:
            raise _foreign(path) from error
        if trainer.done > trainer.setting.epochs:
            raise FitError(
                f"it is trained for {trainer.done} epochs already",
                where=str(self.path),
                remedy=f"give --epochs {trainer.done} or more",
            )
        return curve

    def _check_same(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        for name, value in new["asked"].items():
            if name not in FREE and old["asked"].get(name) != value:
                raise InputError(
                    f"it was trained with {name} = {old['asked'].get(name)}, not {value}",
                    where=f"{self.path}, file 'config.json'",
                    remedy="resume with the same settings, or train into another folder",
                )
        if old["trials_sha256"] != new["trials_sha256"]:
            raise InputError(
                "it was trained on other trials",
                where=f"{self.path}, file 'config.json'",
                remedy="resume with the same recording, or train into another folder",
            )

    def choice(self) -> dict[str, Any] | None:
        """Return what a training that is to be resumed has chosen on held-out trials."""
        return read_config(self.path)["choice"] if self.found else None

    def save(self, trainer: Trainer, used: Generates, curve: list[list[float]], description: dict[str, Any]) -> None:
        """Keep a checkpoint: the weights for sampling first, what resuming needs last.

        Parameters
        ----------
        trainer
            As it stands.
        used
            The generator of the chosen epoch, as far as that is over: the model.
        curve, description
            Losses of every epoch, and what `config.json` holds.
        """
        state = trainer.state()
        if distributed.rank():
            return

        def fill(folder: Path) -> None:
            (folder / "checkpoints").mkdir(exist_ok=True)
            write_text(
                folder / "config.json",
                json.dumps({**description, "epochs_done": trainer.done}, indent=1, allow_nan=False),
            )
            write_tensors(
                folder / "checkpoints" / f"{trainer.done:06d}.safetensors",
                _weights(trainer.mean_generator, trainer.scaling),
            )
            write_tensors(folder / "model.safetensors", _weights(used, trainer.scaling))
            write_text(folder / "learning_curve.csv", curve_csv(curve))
            write_bytes(folder / "learning_curve.png", png(plot_learning_curve(curve_columns(curve))))
            write_tensors(folder / "training.safetensors", {**state, "curve": torch.tensor(curve, dtype=torch.float64)})

        write_folder(self.path, fill, fresh=self.fresh)
        self.fresh = False


def _weights(generator: Generates, scaling: Scaling) -> dict[str, Tensor]:
    """Return what sampling needs, by name."""
    weights = {f"generator.{name}": value for name, value in generator.state_dict().items()}
    return weights | {f"scaling.{name}": torch.from_numpy(value) for name, value in scaling.to_arrays().items()}


def open_gan(folder: Path, epoch: int | None = None) -> tuple[dict[str, Any], Generates, Scaling]:
    """Read a trained generator.

    Parameters
    ----------
    folder
        What `brainsim gan train` wrote.
    epoch
        A checkpoint instead of the final weights.

    Returns
    -------
    dict
        What `config.json` holds.
    Generates
        The generator, on the CPU.
    Scaling
        Scale and range of each neuron.

    Raises
    ------
    InputError
        If the folder is missing, foreign, incomplete or damaged.
    """
    config = read_config(folder)
    path = folder / ("model.safetensors" if epoch is None else f"checkpoints/{epoch:06d}.safetensors")
    if epoch is not None and not path.is_file():
        known = sorted(int(each.stem) for each in (folder / "checkpoints").glob("*.safetensors"))
        raise InputError(
            f"there is no checkpoint of epoch {epoch}",
            where=str(folder),
            remedy=f"there are those of {', '.join(map(str, known))}",
        )
    tensors = read_tensors(path)
    try:
        shape, setting = Shape(**config["shape"]), Plan(**config["setting"])
        generator = catalog.get("model", setting.model)().generator(shape, setting, None)
        generator.load_state_dict(part(tensors, "generator"))
        scaling = Scaling(**{name: value.numpy() for name, value in part(tensors, "scaling").items()})
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise _foreign(path) from error
    return config, generator.requires_grad_(False), scaling


def _foreign(path: Path) -> InputError:
    return InputError(
        "its tensors do not fit the description in config.json",
        where=str(path),
        remedy="the folder is mixed up or damaged: copy it again, or train again",
    )
