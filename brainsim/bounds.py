"""The recorded range and lattice of each neuron, as the last layer of a generator."""

import numpy as np
import torch
from torch import Tensor, nn

from brainsim.scaling import TrainingTrials


class Bounds(nn.Module):
    """Keeps activity inside the recorded range of its neuron, and on the recorded lattice where there is one.

    Zero-inflated data get their exact zeros here, in training as in sampling. The gradient passes the rounding
    unchanged (straight-through estimator, Bengio et al. 2013, arXiv:1308.3432) but not the cut: passing it there as
    well drives activity ever further outside (measured: the class means are lost). :meth:`excess` keeps within reach
    what would otherwise be lost outside.

    Parameters
    ----------
    neurons
        Number of neurons; the buffers `lower`, `upper`, `step` (0: no lattice) of shape (neurons, 1) are in the scaled
        units of the network.
    """

    lower: Tensor
    upper: Tensor
    step: Tensor

    def __init__(self, neurons: int) -> None:
        super().__init__()
        for name in ("lower", "upper", "step"):
            self.register_buffer(name, torch.zeros(neurons, 1))

    @torch.no_grad()
    def measure(self, trials: TrainingTrials) -> None:
        """Take up the recorded range and lattice of each neuron."""
        scaling = trials.scaling
        for name in ("lower", "upper"):
            bound = np.nan_to_num(scaling.to_model(getattr(scaling, name)))
            getattr(self, name).copy_(torch.from_numpy(bound)[:, None])
        self.step.copy_(torch.from_numpy(scaling.step / scaling.scale)[:, None])

    def forward(self, activity: Tensor) -> Tensor:
        """Return the activity (trial, neuron, time) cut to the range and rounded to the lattice."""
        cut = torch.minimum(torch.maximum(activity, self.lower), self.upper)
        if not bool((self.step > 0).any()):
            return cut
        with torch.no_grad():
            spacing = torch.where(self.step > 0, self.step, 1)
            rounded = self.lower + ((cut - self.lower) / spacing).round() * spacing
            change = torch.where(self.step > 0, rounded - cut, 0)
        return cut + change

    def excess(self, activity: Tensor) -> Tensor:
        """Return the squared distance of activity (trial, neuron, time) from its range, summed, mean over trials."""
        outside = activity - torch.minimum(torch.maximum(activity, self.lower), self.upper)
        return outside.square().sum((1, 2)).mean()
