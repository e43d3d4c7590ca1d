"""The hyperparameters of a training, and the device and threads it runs on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from brainsim.error import FitError, InputError, UnknownName

SLOWER = 5
RAMP_STEPS = 40


@dataclass
class Setting:
    """Everything that decides a training; see :class:`brainsim.gan.ConditionalGAN` for the meaning of each."""

    loss: str = "wgan-gp"
    epochs: int = 500
    batch_size: int = 32
    lr: float = 5e-4
    b1: float = 0.9
    b2: float = 0.9999
    latent_dim: int = 512
    width: int | None = None
    critic_steps: int = 5
    penalty: float = 10.0
    average: float = 0.999
    sample_interval: int = 100
    n_cpu: int = 1
    device: str = "cpu"
    seed: int = 0

    def generator_rate(self, frames: int, step: int) -> float:
        """Return the generator's learning rate at a step of its own: `lr` for trials of one frame, else `lr` / 5.

        Longer trials begin near the recorded ones, and a critic that has not learned anything would lead away from
        them: the rate grows with the square of the step, up to 40 steps.
        """
        return self.lr if frames == 1 else self.lr / SLOWER * min(1.0, ((step + 1) / RAMP_STEPS) ** 2)

    def channels(self, frames: int) -> int:
        """Return `width`, by default 128 for trials of one frame and 64 (for speed) for longer ones."""
        return self.width or (128 if frames == 1 else 64)


def check_setting(setting: Setting, trials: int) -> None:
    """Refuse what cannot work before any work is done.

    Raises
    ------
    InputError
        If a number is out of its range.
    FitError
        If a batch is larger than the number of trials.
    """
    for name in ("epochs", "batch_size", "lr", "latent_dim", "critic_steps", "sample_interval", "n_cpu", "width"):
        if getattr(setting, name) is not None and not getattr(setting, name) > 0:
            raise InputError(
                f"it is {getattr(setting, name)}, not positive",
                where=f"setting '{name}'",
                remedy="give a positive number",
            )
    for name in ("b1", "b2", "average"):
        if not 0 <= getattr(setting, name) < 1:
            raise InputError(
                f"it is {getattr(setting, name)}, not in [0, 1)",
                where=f"setting '{name}'",
                remedy="give a number in [0, 1)",
            )
    if setting.batch_size > trials:
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
