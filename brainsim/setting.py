"""The hyperparameters of a training, and the device and threads it runs on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import torch

from brainsim.error import FitError, InputError, UnknownName

NUMBERS = ("epochs", "batch_size", "lr", "latent_dim", "critic_steps", "penalty", "sample_interval", "n_cpu", "width")
HOLD_OUTS = ("interleaved", "blocks", "none")


@dataclass
class Setting:
    """Everything that decides a training; see :class:`brainsim.gan.ConditionalGAN` for the meaning of each."""

    model: str = "r3gan"
    epochs: int | None = None
    batch_size: int | None = None
    lr: float | None = None
    b1: float | None = None
    b2: float | None = None
    latent_dim: int | None = None
    width: int | None = None
    critic_steps: int | None = None
    penalty: float | None = None
    average: float = 0.999
    hold_out: str = "interleaved"
    early_stop: bool = True
    sample_interval: int | None = None
    n_cpu: int = 1
    device: str = "cpu"
    seed: int = 0

    def completed(self, defaults: dict[str, Any], trials: int) -> "Plan":
        """Return the same with a model's defaults in the place of what is None.

        A batch is at most all trials, and a fifth of the epochs lies between two checkpoints.
        """
        known = {"penalty": 10.0, **defaults, "batch_size": min(defaults["batch_size"], max(1, trials))}
        given = {each.name: getattr(self, each.name) for each in fields(Setting)}
        full: dict[str, Any] = {name: known.get(name) if value is None else value for name, value in given.items()}
        full["sample_interval"] = full["sample_interval"] or max(1, -(-full["epochs"] // 5))
        return Plan(**full)


@dataclass(frozen=True)
class Plan:
    """A setting in which nothing is left open but the width of networks."""

    model: str
    epochs: int
    batch_size: int
    lr: float
    b1: float
    b2: float
    latent_dim: int
    width: int | None
    critic_steps: int
    penalty: float
    average: float
    hold_out: str
    early_stop: bool
    sample_interval: int
    n_cpu: int
    device: str
    seed: int

    def channels(self, frames: int) -> int:
        """Return `width`, by default 128 for trials of one frame and 64 (for speed) for longer ones."""
        return self.width or (128 if frames == 1 else 64)


def check_setting(setting: Setting, trials: int | None) -> None:
    """Refuse what cannot work before any work is done.

    Raises
    ------
    InputError
        If a number is out of its range.
    FitError
        If a batch is larger than the number of trials.
    """
    for name in NUMBERS:
        if getattr(setting, name) is not None and not getattr(setting, name) > 0:
            raise InputError(
                f"it is {getattr(setting, name)}, not positive",
                where=f"setting '{name}'",
                remedy="give a positive number",
            )
    for name in ("b1", "b2", "average"):
        if getattr(setting, name) is not None and not 0 <= getattr(setting, name) < 1:
            raise InputError(
                f"it is {getattr(setting, name)}, not in [0, 1)",
                where=f"setting '{name}'",
                remedy="give a number in [0, 1)",
            )
    if setting.hold_out not in HOLD_OUTS:
        raise UnknownName("way to hold trials out", setting.hold_out, HOLD_OUTS)
    if setting.batch_size is not None and trials is not None and setting.batch_size > trials:
        raise FitError(
            f"a batch of {setting.batch_size} is larger than the {trials} trials",
            where="setting 'batch_size'",
            remedy=f"give --batch-size {max(1, trials // 2)} or less, or record more trials",
        )


def device_of(name: str) -> torch.device:
    """Return the device called ``cpu``, ``cuda`` or ``auto`` (CUDA where it is there).

    Raises
    ------
    InputError
        If there is no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda"):
        raise UnknownName("device", name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "torch finds no CUDA device", where="--device cuda", remedy="give --device cpu, or install torch with CUDA"
        )
    return torch.device(name)


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let torch use so many threads, for the length of a with-block."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
