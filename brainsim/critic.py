"""The critic: a trial and its stimulus in, one score out (higher: more like a recorded trial)."""

from torch import Tensor, nn
from torch.nn import functional

from brainsim.generator import Shape, convolution

FILTERS = 6


class Critic(nn.Module):
    """Conditional critic of trials, without normalisation over the batch, as the gradient penalty demands.

    A few temporal filters common to all neurons, bent by a leaky rectifier, see each neuron's own course (its silence,
    its transients); one linear layer over neurons then mixes them, the embedded stimulus is added, and three
    convolutions over time lead to the score. The number of parameters grows with neurons + frames.

    Parameters
    ----------
    shape
        Neurons, frames and stimuli.
    width
        Channels after the mixing of neurons.
    """

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        reach, stride = (5, 2) if shape.frames > 1 else (1, 1)
        self.reach, self.stride = reach, stride
        self.course = nn.Linear(reach, FILTERS)
        self.mixing = nn.Linear(FILTERS * shape.neurons, width)
        self.embedding = nn.Linear(shape.stimuli, width, bias=False)
        self.convolution = nn.ModuleList(convolution(width, reach, stride) for _ in range(3))
        frames = shape.frames
        for _ in range(4):
            frames = -(-frames // stride)
        self.score = nn.Linear(width * frames, 1)
        self.match = nn.Linear(shape.stimuli, width * frames, bias=False)

    def forward(self, activity: Tensor, stimulus: Tensor) -> Tensor:
        """Return the score (trial,) of scaled activity (trial, neuron, time) under a one-hot stimulus."""
        windows = functional.pad(activity, (self.reach // 2, self.reach // 2)).unfold(2, self.reach, self.stride)
        course = functional.leaky_relu(self.course(windows.transpose(1, 2)), 0.2).flatten(2)
        hidden = (self.mixing(course) + self.embedding(stimulus)[:, None]).transpose(1, 2)
        hidden = functional.leaky_relu(hidden, 0.2)
        for layer in self.convolution:
            hidden = functional.leaky_relu(layer(hidden), 0.2)
        flat = hidden.flatten(1)
        score: Tensor = self.score(flat)[:, 0] + (flat * self.match(stimulus)).mean(1)
        return score
