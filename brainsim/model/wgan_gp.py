"""The Wasserstein GAN with gradient penalty, as the course paper of the original project describes it.

critic:     E[D(generated)] - E[D(recorded)] + penalty * E[(|grad D(between)| - 1)^2]
generator: -E[D(generated)]
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from brainsim.generator import Generator
from brainsim.model import Batch, Model
from brainsim.scaling import Shape, TrainingTrials
from brainsim.setting import Plan


@dataclass(frozen=True)
class WassersteinGP(Model):
    """Wasserstein GAN with gradient penalty, settings of the original project's paper (Gulrajani et al. 2017).

    Notes
    -----
    Gulrajani et al. 2017 (arXiv:1704.00028); settings of Gao, Wang, Chen and Zhong (ShanghaiTech 2021): learning rate
    1e-4, decays .9 and .9999, noise of length 512, batches of 32, five steps of the critic. Their code trained
    something else (binary cross entropy on a sigmoid, no penalty). Deviations: the running mean of weights, and an
    architecture that grows with neurons + frames (:mod:`brainsim.generator`).
    """

    name: ClassVar[str] = "wgan-gp"
    defaults: ClassVar[dict[str, Any]] = {
        "epochs": 2000,
        "batch_size": 32,
        "lr": 1e-4,
        "b1": 0.9,
        "b2": 0.9999,
        "latent_dim": 512,
        "critic_steps": 5,
    }

    def generator(self, shape: Shape, plan: Plan, trials: TrainingTrials | None) -> Generator:
        """Return a generator with random weights that knows the recorded range of each neuron."""
        generator = Generator(shape, plan.latent_dim, plan.channels(shape.frames))
        if trials is not None:
            generator.bounds.measure(trials)
        return generator

    def critic_loss(self, critic: nn.Module, batch: Batch, source: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return the critic's loss, its estimate of the Wasserstein distance, and the penalty before weighting."""
        both = torch.cat([batch.recorded, batch.generated])
        recorded, generated = critic(both, batch.stimulus.repeat(2, 1)).chunk(2)
        distance = recorded.mean() - generated.mean()
        penalty = gradient_penalty(critic, batch, source)
        return self.penalty * penalty - distance, distance, penalty

    def generator_loss(self, critic: nn.Module, batch: Batch) -> Tensor:
        """Return the generator's loss."""
        loss: Tensor = -critic(batch.generated, batch.stimulus).mean()
        return loss


def gradient_penalty(critic: nn.Module, batch: Batch, source: torch.Generator) -> Tensor:
    """Return the mean of ``(|grad D| - 1)^2`` between each recorded trial and a generated one of its stimulus."""
    share = torch.rand(len(batch.recorded), 1, 1, generator=source).to(batch.recorded.device)
    between = torch.lerp(batch.generated, batch.recorded, share).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(between, batch.stimulus).sum(), between, create_graph=True)
    penalty: Tensor = (torch.linalg.vector_norm(slope.flatten(1), dim=1) - 1).square().mean()
    return penalty
