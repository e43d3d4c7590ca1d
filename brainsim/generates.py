"""What every generator of trials can do."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from brainsim.scaling import Shape


class Generates(nn.Module, ABC):
    """A conditional generator of trials, of a known :class:`~brainsim.scaling.Shape`."""

    shape: Shape

    @abstractmethod
    def draw_noise(self, trials: int, source: torch.Generator) -> tuple[Tensor, ...]:
        """Return everything random that so many trials need; the first axis is the trial."""

    @abstractmethod
    def forward(self, noise: tuple[Tensor, ...], stimulus: Tensor) -> tuple[Tensor, Tensor]:
        """Return scaled activity (trial, neuron, time), and a cost of its own that is added to the adversarial loss.

        Parameters
        ----------
        noise
            What :meth:`draw_noise` drew.
        stimulus
            One-hot, (trial, stimulus).
        """
