"""Convolution over time as one matrix product."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Convolution(nn.Linear):
    """A convolution over time of (trial, time, channel), padded with zeros, every `stride`-th frame, as one product.

    Parameters
    ----------
    channels, out
        Channels before and after.
    reach
        Frames that it sees; 1 for the same linear layer at every frame.
    stride
        Frames from one output to the next.
    """

    def __init__(self, channels: int, out: int, reach: int, stride: int = 1) -> None:
        super().__init__(channels * reach, out)
        self.reach, self.stride = reach, stride

    def forward(self, input: Tensor) -> Tensor:
        """Return (trial, time, out)."""
        if self.reach > 1:
            input = windows(input, self.reach, self.stride)
        return super().forward(input)


def windows(course: Tensor, reach: int, stride: int = 1) -> Tensor:
    """Return `reach` neighbouring frames of (trial, time, channel) side by side, (trial, time, reach * channel)."""
    frames = -(-course.shape[1] // stride)
    padded = functional.pad(course, (0, 0, reach // 2, reach // 2 + stride))
    return torch.cat([padded[:, at : at + frames * stride : stride] for at in range(reach)], 2)
