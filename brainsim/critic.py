"""The critic: a trial and its stimulus in, one score out (higher: more like a recorded trial)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from brainsim.convolution import Convolution
from brainsim.scaling import Shape

FILTERS = 6
REACH = 5
BLOCK = 8


class Course(nn.Module):
    """A few temporal filters, the same for every neuron and frame, bent by a leaky rectifier.

    Windows of several outputs are one matrix product with the filters in the places of a band: some needless zeros,
    but no tiny products.

    Parameters
    ----------
    reach, stride
        Frames that a filter sees, and from one output to the next.
    """

    place: Tensor

    def __init__(self, reach: int, stride: int) -> None:
        super().__init__()
        self.filter = nn.Linear(reach, FILTERS)
        self.reach, self.stride, self.block = reach, stride, BLOCK if reach > 1 else 1
        self.span = self.stride * (self.block - 1) + reach
        place = torch.zeros(self.span, self.block, reach)
        for output in range(self.block):
            place[output * stride : output * stride + reach, output] = torch.eye(reach)
        self.register_buffer("place", place, persistent=False)

    def forward(self, activity: Tensor) -> Tensor:
        """Return (trial, time, filter * neuron) for activity (trial, neuron, time)."""
        trials, neurons, seen = activity.shape
        frames = -(-seen // self.stride)
        blocks = -(-frames // self.block)
        step, before = self.stride * self.block, self.reach // 2
        after = blocks * step + self.span - step - before - seen
        # frames before neurons, as the bent filters are wanted: moving the few frames is cheaper than moving those
        padded = functional.pad(activity.transpose(1, 2), (0, 0, before, after))
        pieces = padded.unfold(1, self.span, step).transpose(2, 3).flatten(0, 1) if blocks > 1 else padded
        band = torch.einsum("sor,fr->ofs", self.place, self.filter.weight).flatten(0, 1)
        course = torch.baddbmm(self.filter.bias.repeat(self.block)[:, None], band.expand(len(pieces), -1, -1), pieces)
        bent = functional.leaky_relu(course, 0.2)
        return bent.reshape(trials, -1, FILTERS * neurons)[:, :frames]


class Critic(nn.Module):
    """Conditional critic of trials, without normalisation over the batch, as the gradient penalty demands.

    A few temporal filters common to all neurons, bent by a leaky rectifier, see each neuron's own course (its noise
    from frame to frame, its silence, its transients). One linear layer over neurons then mixes them twice: their mean
    over the trial (which neurons are active together, and how noisy each is), judged by two layers, and their course
    (when), judged by three convolutions over time. The number of parameters grows with neurons + frames.

    Parameters
    ----------
    shape
        Neurons, frames and stimuli.
    width
        Channels after the mixing of neurons: so many for the mean, half as many for the course, unless there is but
        one frame.
    """

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        timed = shape.frames > 1
        reach, stride = (REACH, 2) if timed else (1, 1)
        narrow = max(1, width // 2) if timed else width
        self.course = Course(reach, stride * stride)
        self.mixing = nn.Linear(FILTERS * shape.neurons, narrow)
        self.embedding = nn.Linear(shape.stimuli, narrow, bias=False)
        self.convolution = nn.ModuleList(Convolution(narrow, narrow, reach, stride) for _ in range(3))
        frames = -(-shape.frames // stride**2)
        for _ in range(3):
            frames = -(-frames // stride)
        self.score = nn.Linear(narrow * frames, 1)
        self.match = nn.Linear(shape.stimuli, narrow * frames, bias=False)
        self.whole = Whole(shape, width) if timed else None

    def forward(self, activity: Tensor, stimulus: Tensor) -> Tensor:
        """Return the score (trial,) of scaled activity (trial, neuron, time) under a one-hot stimulus."""
        course = self.course(activity)
        hidden = functional.leaky_relu(self.mixing(course) + self.embedding(stimulus)[:, None], 0.2)
        for layer in self.convolution:
            hidden = functional.leaky_relu(layer(hidden), 0.2)
        flat = hidden.flatten(1)
        score: Tensor = self.score(flat)[:, 0] + (flat * self.match(stimulus)).mean(1)
        return score if self.whole is None else score + self.whole(course.sum(1) / course.shape[1], stimulus)


class Whole(nn.Module):
    """Judges the mean over a trial of every neuron's filters: which neurons are active together, how noisy each is."""

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        self.mixing = nn.Linear(FILTERS * shape.neurons, width)
        self.embedding = nn.Linear(shape.stimuli, width, bias=False)
        self.hidden = nn.Linear(width, width)
        self.score = nn.Linear(width, 1)

    def forward(self, course: Tensor, stimulus: Tensor) -> Tensor:
        """Return the score (trial,) of (trial, filter * neuron)."""
        hidden = functional.leaky_relu(self.mixing(course) + self.embedding(stimulus), 0.2)
        score: Tensor = self.score(functional.leaky_relu(self.hidden(hidden), 0.2))[:, 0]
        return score
