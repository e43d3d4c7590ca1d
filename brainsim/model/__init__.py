"""Adversarial models of trials: generator, critic's loss and default settings, one file each."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from brainsim.description import Described
from brainsim.generates import Generates
from brainsim.scaling import Shape, TrainingTrials
from brainsim.setting import Plan


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
class Model(Described, ABC):
    """A generator and the game that trains it.

    Parameters
    ----------
    penalty
        Weight of the penalty on the critic's slope.

    Class attributes
    ----------------
    defaults
        Hyperparameters (:class:`brainsim.setting.Setting`) that a user has not set.
    penalties
        Weights of the penalty that are tried on held-out trials where the user gives none.
    """

    penalty: float = 10.0

    defaults: ClassVar[dict[str, Any]] = {}
    penalties: ClassVar[tuple[float, ...]] = ()

    @abstractmethod
    def generator(self, shape: Shape, plan: Plan, trials: TrainingTrials | None) -> Generates:
        """Return a generator as training begins; without trials one whose numbers are to be loaded."""

    @abstractmethod
    def critic_loss(self, critic: nn.Module, batch: Batch, source: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return the critic's loss, how far it keeps the two apart, and the penalty before weighting."""

    @abstractmethod
    def generator_loss(self, critic: nn.Module, batch: Batch) -> Tensor:
        """Return the generator's loss."""
