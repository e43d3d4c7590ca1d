"""The generator: noise and a stimulus in, one trial of a whole population out.

Its number of parameters grows with neurons + frames, not with their product (the original project's pair of networks
had 146 million for 259 neurons x 29 frames): noise and stimulus make a small map over time, three (transposed)
convolutions refine it, and every neuron reads that map through its own few weights.

Arrays are (trial, time, channel) inside, and a convolution is one matrix product: at these sizes that is several times
faster than torch's, above all in the second derivative that the gradient penalty needs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from brainsim.texture import COMMON, COMPONENTS, Texture

KERNEL_FRAMES = 24
QUIET = 0.3, 0.1  # of the readout of shared drive and of private events, where they begin as measured
JITTER = 0.2  # white noise when training begins, where it cannot be measured


@dataclass(frozen=True)
class Shape:
    """Size of what is generated: `neurons`, `frames` of a trial, number of `stimuli`."""

    neurons: int
    frames: int
    stimuli: int


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
    ``gain * relu(noise + bias)``, which pass a kernel of its own (a decaying transient when training begins). The noise
    of events is in part common to neurons. The mean response to the stimulus, a product of low rank, and white noise
    of its own, such as a microscope adds, come on top. So correlated variability comes from common noise, and
    independent variability does not use it up.

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
        growth = [2] * doublings + [1] * (3 - doublings)  # a convolution that doubles makes two frames of each
        self.convolution = nn.ModuleList(Convolution(width, width * times, reach) for times in growth)
        self.readout = nn.Linear(width, 3 * shape.neurons)
        self.transient = nn.Parameter(0.7 ** torch.arange(self.kernel - 1.0, -1, -1).repeat(shape.neurons, 1))
        self.jitter = nn.Parameter(torch.full((shape.neurons,), JITTER))
        self.common = nn.Parameter(torch.zeros(COMMON, shape.neurons))
        self.courses = nn.Parameter(torch.zeros(shape.stimuli, shape.frames, COMPONENTS))
        self.loading = nn.Parameter(torch.randn(COMPONENTS, shape.neurons) / shape.neurons**0.5)
        self.bounds = Bounds(shape.neurons)

    @torch.no_grad()
    def begin_with(self, texture: Texture) -> None:
        """Begin with the measured texture: white noise, and private events of its decay, rarity and variance."""
        decay, rarity = torch.from_numpy(texture.decay)[:, None], torch.from_numpy(texture.rarity)
        self.transient.copy_(decay ** torch.arange(self.kernel - 1.0, -1, -1))
        self.jitter.copy_(torch.from_numpy(texture.white))
        neurons = self.shape.neurons
        self.readout.weight[:neurons] *= QUIET[0]
        self.readout.weight[neurons:] *= QUIET[1]
        courses, weights = (torch.from_numpy(part) for part in texture.response)
        self.common[: len(texture.common)] = torch.from_numpy(texture.common)
        self.courses[..., : len(weights)], self.loading[: len(weights)] = courses, weights
        shared, bias, gain = self.readout.bias.chunk(3)
        bias.copy_(rarity)
        gain.copy_(torch.from_numpy(texture.gain))
        mean = rarity * torch.special.ndtr(rarity) + (-rarity.square() / 2).exp() / (2 * torch.pi) ** 0.5
        shared.copy_(-gain * mean * self.transient.sum(1))

    def draw_noise(self, trials: int, source: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return noise (trial, latent), that of events (trial, neuron + common, kernel + time - 1), and white noise."""
        frames, neurons = self.shape.frames, self.shape.neurons
        common = torch.randn(trials, self.latent_dim, generator=source)
        events = torch.randn(trials, neurons + COMMON, frames + self.kernel - 1, generator=source)
        return common, events, torch.randn(trials, neurons, frames, generator=source)

    def forward(self, noise: tuple[Tensor, Tensor, Tensor], stimulus: Tensor) -> Tensor:
        """Return scaled activity (trial, neuron, time) for a one-hot stimulus (trial, stimulus)."""
        activity: Tensor = self.bounds(self.drive(noise, stimulus))
        return activity

    def drive(self, noise: tuple[Tensor, Tensor, Tensor], stimulus: Tensor) -> Tensor:
        """Return the same before it is kept inside the recorded range."""
        latent, private, white = noise
        hidden = self.seed(torch.cat([latent, self.embedding(stimulus)], 1))
        hidden = functional.leaky_relu(hidden, 0.2).reshape(len(stimulus), self.start, self.width)
        for layer in self.convolution:
            hidden = functional.leaky_relu(layer(hidden), 0.2).reshape(len(stimulus), -1, self.width)
        shared, bias, gain = self.readout(hidden[:, : self.shape.frames]).transpose(1, 2).chunk(3, 1)
        courses = (stimulus @ self.courses.flatten(1)).reshape(-1, self.shape.frames, COMPONENTS)
        shared = shared + (courses @ self.loading).transpose(1, 2)
        past = (self.kernel - 1, 0)
        own, common = private[:, : self.shape.neurons], private[:, self.shape.neurons :]
        white = white if self.shape.frames > 1 else own  # a table has one noise of each neuron
        alone = (1 - self.common.square().sum(0)).clamp(min=0.05).sqrt()
        private = alone[:, None] * own + self.common.T @ common
        chance = functional.relu(private + functional.pad(bias, past, "replicate"))
        events = functional.pad(gain, past, "replicate") * chance
        transients = functional.conv1d(events, self.transient[:, None], groups=self.shape.neurons)
        drive: Tensor = shared + transients + self.jitter[:, None] * white
        return drive
