"""The loss of the Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Batch:
    """Trials that a loss compares.

    Attributes
    ----------
    recorded, generated
        Scaled activity, (trial, neuron, time), with the same frames masked in both.
    stimulus
        One-hot stimulus of each pair, (trial, stimulus).
    """

    recorded: Tensor
    generated: Tensor
    stimulus: Tensor


@dataclass(frozen=True)
class WassersteinLoss:
    """Critic: ``E[D(generated)] - E[D(recorded)] + penalty * E[(|grad D| - 1)^2]``; generator: ``-E[D(generated)]``.

    Another adversarial loss is another class with these two methods, registered in :data:`brainsim.training.LOSSES`.

    Parameters
    ----------
    penalty
        Weight of the gradient penalty (the paper's 10).
    """

    penalty: float = 10.0

    def critic(self, critic: nn.Module, batch: Batch, source: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return the critic's loss, its estimate of the Wasserstein distance, and the penalty before weighting."""
        both = torch.cat([batch.recorded, batch.generated])
        recorded, generated = critic(both, batch.stimulus.repeat(2, 1)).chunk(2)
        distance = recorded.mean() - generated.mean()
        penalty = gradient_penalty(critic, batch, source)
        return self.penalty * penalty - distance, distance, penalty

    def generator(self, critic: nn.Module, batch: Batch) -> Tensor:
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
