"""Relativistic pairing with two zero-centred penalties, from a start that is measured.

critic:     E[ f(D(generated) - D(recorded)) ] + penalty / 2 * ( E|grad D(recorded)|^2 + E|grad D(generated)|^2 )
generator:  E[ f(D(recorded) - D(generated)) ],        f(x) = log(1 + exp(x)), recorded and generated in pairs
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from brainsim.latent_generator import LatentGenerator, measured
from brainsim.model import Batch, Model
from brainsim.scaling import Shape, TrainingTrials
from brainsim.setting import Plan


@dataclass(frozen=True)
class R3GAN(Model):
    """Relativistic GAN with zero-centred penalties that begins at measured moments (Huang et al. 2024).

    Notes
    -----
    Loss and penalties of Huang, Gokaslan, Kuleshov and Tompkin 2024 (NeurIPS, arXiv:2501.05441). The generator
    (:mod:`brainsim.latent_generator`) begins with the recorded marginals, spectra and noise correlations.
    """

    name: ClassVar[str] = "r3gan"
    defaults: ClassVar[dict[str, Any]] = {
        "epochs": 100,
        "batch_size": 64,
        "lr": 2e-4,
        "b1": 0.0,
        "b2": 0.99,
        "latent_dim": 128,
        "critic_steps": 1,
    }
    penalties: ClassVar[tuple[float, ...]] = (10.0, 100.0)

    def generator(self, shape: Shape, plan: Plan, trials: TrainingTrials | None) -> LatentGenerator:
        """Return the generator with the measured start."""
        generator = LatentGenerator(shape, plan.latent_dim)
        return generator if trials is None else measured(generator, trials)

    def critic_loss(self, critic: nn.Module, batch: Batch, source: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return the critic's loss, the mean difference of the scores, and the sum of the two mean squared slopes."""
        both = torch.cat([batch.recorded, batch.generated]).detach().requires_grad_()
        scores = critic(both, batch.stimulus.repeat(2, 1))
        (slope,) = torch.autograd.grad(scores.sum(), both, create_graph=True)
        penalty = slope.square().flatten(1).sum(1).mean() * 2
        recorded, generated = scores.chunk(2)
        loss = softplus(generated - recorded).mean() + self.penalty / 2 * penalty
        return loss, (recorded - generated).mean(), penalty

    def generator_loss(self, critic: nn.Module, batch: Batch) -> Tensor:
        """Return the generator's loss."""
        with torch.no_grad():  # nothing is learned from them here
            recorded = critic(batch.recorded, batch.stimulus)
        return softplus(recorded - critic(batch.generated, batch.stimulus)).mean()
