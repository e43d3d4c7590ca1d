"""The generator: noise and a stimulus in, one trial of a whole population out.

Its number of parameters grows with neurons + frames, not with their product (the original project's pair of networks
had 146 million for 259 neurons x 29 frames): noise and stimulus make a small map over time, three (transposed)
convolutions refine it, and every neuron reads that map through its own few weights.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

KERNEL_FRAMES = 16
JITTER = 0.2  # private noise when training begins: without it activity runs into its bounds and sticks there


@dataclass(frozen=True)
class Shape:
    """Size of what is generated: `neurons`, `frames` of a trial, number of `stimuli`."""

    neurons: int
    frames: int
    stimuli: int


class Pointwise(nn.Linear):
    """A linear layer over the channels of (trial, channel, time), the same at every frame."""

    def forward(self, input: Tensor) -> Tensor:
        """Return (trial, channel out, time)."""
        return super().forward(input.transpose(1, 2)).transpose(1, 2)


def convolution(channels: int, reach: int, stride: int = 1) -> nn.Module:
    """Return a convolution over `reach` frames that keeps the number of channels."""
    if reach == 1:
        return Pointwise(channels, channels)
    return nn.Conv1d(channels, channels, reach, stride, padding=reach // 2)


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

    def forward(self, activity: Tensor) -> Tensor:
        """Return the activity (trial, neuron, time) cut to the range and rounded to the lattice."""
        cut = torch.minimum(torch.maximum(activity, self.lower), self.upper)
        with torch.no_grad():
            spacing = torch.where(self.step > 0, self.step, 1)
            rounded = self.lower + ((cut - self.lower) / spacing).round() * spacing
            change = torch.where(self.step > 0, rounded - cut, 0)
        return cut + change

    def excess(self, activity: Tensor) -> Tensor:
        """Return the squared distance of activity (trial, neuron, time) from its range, summed, mean over trials."""
        outside = activity - torch.minimum(torch.maximum(activity, self.lower), self.upper)
        return outside.square().sum((1, 2)).mean()


class Generator(nn.Module):
    """Conditional generator of trials.

    The paper's parts: noise, a one-hot stimulus embedded by one linear layer, three convolutions over time. Each
    neuron then reads three things from the map `h(t)`: its *shared* drive, and bias and gain of its *private* events
    ``gain * relu(noise + bias)``, which pass a kernel of its own (a decaying transient when training begins). So
    correlated variability comes from the common noise, and independent variability does not use it up.

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
        self.kernel = min(shape.frames, KERNEL_FRAMES)
        self.embedding = nn.Linear(shape.stimuli, width, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.4 * (latent_dim / width) ** 0.5)  # 0.4: loudness beside noise
        self.seed = nn.Linear(latent_dim + width, width * self.start)
        reach = 3 if shape.frames > 1 else 1
        layers: list[nn.Module] = [nn.ConvTranspose1d(width, width, 4, 2, 1) for _ in range(doublings)]
        layers += [convolution(width, reach) for _ in range(3 - doublings)]
        self.convolution = nn.ModuleList(layers)
        self.readout = Pointwise(width, 3 * shape.neurons)
        decay = 0.7 ** torch.arange(self.kernel - 1, -1, -1, dtype=torch.float32)
        self.transient = nn.Parameter(decay.repeat(shape.neurons, 1)[:, None])
        self.jitter = nn.Parameter(torch.full((shape.neurons, 1), JITTER))
        self.bounds = Bounds(shape.neurons)

    def draw_noise(self, trials: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return common noise (trial, latent) and private noise (trial, neuron, kernel + time - 1)."""
        frames = self.shape.frames + self.kernel - 1
        common = torch.randn(trials, self.latent_dim, generator=source)
        return common, torch.randn(trials, self.shape.neurons, frames, generator=source)

    def forward(self, noise: tuple[Tensor, Tensor], stimulus: Tensor) -> Tensor:
        """Return scaled activity (trial, neuron, time) for a one-hot stimulus (trial, stimulus)."""
        activity: Tensor = self.bounds(self.drive(noise, stimulus))
        return activity

    def drive(self, noise: tuple[Tensor, Tensor], stimulus: Tensor) -> Tensor:
        """Return the same before it is kept inside the recorded range."""
        common, private = noise
        hidden = self.seed(torch.cat([common, self.embedding(stimulus)], 1))
        hidden = functional.leaky_relu(hidden, 0.2).reshape(-1, self.width, self.start)
        for layer in self.convolution:
            hidden = functional.leaky_relu(layer(hidden), 0.2)
        shared, bias, gain = self.readout(hidden[..., : self.shape.frames]).chunk(3, 1)
        past = self.kernel - 1
        chance = functional.relu(private + functional.pad(bias, (past, 0), "replicate"))
        events = functional.pad(gain, (past, 0), "replicate") * chance
        transients = functional.conv1d(events, self.transient, groups=self.shape.neurons)
        drive: Tensor = shared + transients + self.jitter * private[..., past:]
        return drive
