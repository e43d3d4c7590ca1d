"""The generator of the original project's paper: noise and a stimulus in, one trial of a whole population out.

Its number of parameters grows with neurons + frames, not with their product (the original project's pair of networks
had 146 million for 259 neurons x 29 frames): noise and stimulus make a small map over time, three (transposed)
convolutions refine it, and every neuron reads that map through its own few weights.

Arrays are (trial, time, channel) inside, and a convolution is one matrix product: at these sizes that is several times
faster than torch's, above all in the second derivative that the gradient penalty needs.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from brainsim.bounds import Bounds
from brainsim.convolution import Convolution
from brainsim.generates import Generates
from brainsim.scaling import Shape

REACH = 0.05  # weight of the excess over the recorded range, relative to the critic's pull on one frame of a neuron


class Generator(Generates):
    """Conditional generator of trials: noise, a stimulus embedded by one linear layer, three convolutions over time.

    Parameters
    ----------
    shape
        Neurons, frames and stimuli.
    latent_dim
        Length of the noise vector.
    width
        Channels of the map over time.
    """

    def __init__(self, shape: Shape, latent_dim: int, width: int) -> None:
        super().__init__()
        self.shape, self.latent_dim, self.width = shape, latent_dim, width
        doublings = min(2, shape.frames.bit_length() - 1)
        self.start = -(-shape.frames // 2**doublings)
        self.embedding = nn.Linear(shape.stimuli, width, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.4 * (latent_dim / width) ** 0.5)  # 0.4: loudness beside noise
        self.seed = nn.Linear(latent_dim + width, width * self.start)
        reach = 3 if shape.frames > 1 else 1
        growth = [2] * doublings + [1] * (3 - doublings)  # a convolution that doubles makes two frames of each
        self.convolution = nn.ModuleList(Convolution(width, width * times, reach) for times in growth)
        self.readout = nn.Linear(width, shape.neurons)
        self.bounds = Bounds(shape.neurons)

    def draw_noise(self, trials: int, source: torch.Generator) -> tuple[Tensor]:
        """Return noise (trial, latent)."""
        return (torch.randn(trials, self.latent_dim, generator=source),)

    def forward(self, noise: tuple[Tensor, ...], stimulus: Tensor) -> tuple[Tensor, Tensor]:
        """Return scaled activity (trial, neuron, time) for a one-hot stimulus, and the cost of what left the range.

        The cost is 0.05 times the squared excess over each neuron's recorded range, over the root of neurons times
        frames: the cut to that range passes no gradient, so what lies outside would never return.
        """
        drive = self.drive(noise[0], stimulus)
        reach = REACH / drive[0].numel() ** 0.5  # a slope of norm 1 is shared by so many frames
        return self.bounds(drive), reach * self.bounds.excess(drive)

    def drive(self, latent: Tensor, stimulus: Tensor) -> Tensor:
        """Return activity before it is kept inside the recorded range."""
        hidden = self.seed(torch.cat([latent, self.embedding(stimulus)], 1))
        hidden = functional.leaky_relu(hidden, 0.2).reshape(len(stimulus), self.start, self.width)
        for layer in self.convolution:
            hidden = functional.leaky_relu(layer(hidden), 0.2).reshape(len(stimulus), -1, self.width)
        drive: Tensor = self.readout(hidden[:, : self.shape.frames]).transpose(1, 2)
        return drive
