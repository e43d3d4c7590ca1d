"""The training of a generator against its critic: one epoch at a time, exactly resumable."""

import copy

import numpy as np
import torch
from torch import Tensor, nn

from brainsim import distributed
from brainsim.critic import Critic
from brainsim.error import FitError
from brainsim.generates import Generates
from brainsim.model import Batch, Model
from brainsim.scaling import Shape, TrainingTrials
from brainsim.setting import Plan, device_of


class Trainer:
    """A generator, its critic, their optimisers and the state of the random numbers.

    Parameters
    ----------
    model
        The generator's kind and the losses.
    setting
        Hyperparameters.
    trials
        What to train on; it is kept on the device as one tensor.
    start
        A generator as training begins, where it is known already.
    alone
        Train in this process only, even where ``torchrun`` started several.

    Raises
    ------
    InputError
        If the device is not there.
    """

    def __init__(
        self,
        model: Model,
        setting: Plan,
        trials: TrainingTrials,
        start: Generates | None = None,
        *,
        alone: bool = False,
    ) -> None:
        self.model, self.setting, self.scaling, self.done = model, setting, trials.scaling, 0
        self.device = device_of(setting.device)
        weights, noise = np.random.default_rng(setting.seed).integers(2**62, size=2).tolist()
        self.processes, place = (1, 0) if alone else (distributed.world(), distributed.rank())
        self.source = torch.Generator().manual_seed(noise + place)
        neurons, frames = trials.activity.shape[1:]
        self.shape = Shape(neurons, frames, len(trials.stimuli))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(weights)
            generator = copy.deepcopy(start) if start else model.generator(self.shape, setting, trials)
            torch.manual_seed(weights)
            critic = Critic(self.shape, setting.channels(frames))
        self.generator, self.critic = generator.to(self.device), critic.to(self.device)
        self.mean_generator = copy.deepcopy(self.generator).requires_grad_(False)
        self.networks = {
            name: net if alone else distributed.parallel(net)
            for name, net in (("generator", self.generator), ("critic", self.critic))
        }
        self.optimisers = {
            name: torch.optim.Adam(net.parameters(), setting.lr, (setting.b1, setting.b2), fused=True)
            for name, net in (("generator", self.generator), ("critic", self.critic))
        }
        self.activity = torch.from_numpy(trials.activity).to(self.device)
        self.seen = None if trials.seen is None else torch.from_numpy(trials.seen).to(self.device)
        one_hot = nn.functional.one_hot(torch.from_numpy(trials.label), self.shape.stimuli)
        self.stimulus = one_hot.float().to(self.device)

    @property
    def steps(self) -> int:
        """Steps of the generator in an epoch: one pass of the critic over the trials, rounded up to whole steps."""
        return -(-len(self.activity) // (self.setting.batch_size * self.setting.critic_steps * self.processes))

    def epoch(self) -> list[float]:
        """Train for one epoch and return its means of :data:`brainsim.learning_curve.CURVE`.

        Raises
        ------
        FitError
            If a loss is no longer a finite number.
        """
        size = self.setting.batch_size * self.setting.critic_steps
        order = self._order(self.steps * size)
        rows = torch.stack([self._step(chosen) for chosen in torch.split(order, size)]).mean(0)
        self.done += 1
        if not bool(torch.isfinite(rows).all()):
            raise FitError(
                f"the training diverged in epoch {self.done}: the loss is not a finite number",
                where="gan train",
                remedy=f"lower the learning rate (--lr {self.setting.lr / 3:.1g}) or --b1",
            )
        return [float(value) for value in rows]

    def _order(self, wanted: int) -> Tensor:
        """Return trial numbers: whole permutations, one after the other, cut to `wanted`."""
        passes = -(-wanted // len(self.activity))
        return torch.cat([torch.randperm(len(self.activity), generator=self.source) for _ in range(passes)])[:wanted]

    def _generate(self, stimulus: Tensor) -> tuple[Tensor, Tensor]:
        """Generate a trial for each stimulus; return them and the generator's own cost."""
        noise = tuple(each.to(self.device) for each in self.generator.draw_noise(len(stimulus), self.source))
        with self.precision():
            activity, cost = self.networks["generator"](noise, stimulus)
        return activity.float(), cost

    def precision(self) -> torch.autocast:
        """Return the context in which networks run: half precision (bfloat16) on CUDA."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda")

    def _batch(self, chosen: Tensor, generated: Tensor) -> Batch:
        if self.seen is not None:
            generated = generated * self.seen[chosen]
        return Batch(self.activity[chosen], generated, self.stimulus[chosen])

    def _step(self, chosen: Tensor) -> Tensor:
        """Step the critic once for each batch among the chosen trials, then the generator once.

        The critic's first batch is generated once, with the graph that the generator's own step goes back through: the
        generator is the same until then.
        """
        size = self.setting.batch_size
        parts = torch.split(chosen, size)
        first, cost = self._generate(self.stimulus[parts[0]])
        generated = [first.detach()]
        if len(parts) > 1:
            with torch.no_grad():
                generated += torch.split(self._generate(self.stimulus[chosen[size:]])[0], size)
        critic_rows = []
        for part, trials in zip(generated, parts, strict=True):
            with self.precision():
                terms = self.model.critic_loss(self.networks["critic"], self._batch(trials, part), self.source)
            self._descend("critic", terms[0])
            critic_rows.append(torch.stack(terms).detach())
        self.critic.requires_grad_(False)
        with self.precision():
            loss = self.model.generator_loss(self.critic, self._batch(parts[0], first))
        self._descend("generator", loss + cost)
        self.critic.requires_grad_(True)
        self._follow()
        return torch.cat([torch.stack(critic_rows).mean(0), loss.detach()[None]])

    def _descend(self, name: str, loss: Tensor) -> None:
        self.optimisers[name].zero_grad()
        # the penalty needs the slope at the trials, but nothing needs the gradient of the loss there
        loss.backward(inputs=list(self.networks[name].parameters()))  # type: ignore[no-untyped-call]
        self.optimisers[name].step()

    def _follow(self) -> None:
        """Move the mean generator towards the generator, faster in the beginning."""
        steps = self.done * self.steps + 1
        keep = min(self.setting.average, steps / (steps + 9))
        with torch.no_grad():
            moved: list[Tensor] = list(self.mean_generator.parameters())
            towards: list[Tensor] = list(self.generator.parameters())
            torch._foreach_lerp_(moved, towards, 1 - keep)  # pyright: ignore[reportPrivateImportUsage]

    def state(self) -> dict[str, Tensor]:
        """Return everything that the next epoch depends on, as tensors by name."""
        models = {"generator": self.generator, "critic": self.critic, "mean_generator": self.mean_generator}
        state = {f"{name}.{key}": value for name, model in models.items() for key, value in model.state_dict().items()}
        for name, optimiser in self.optimisers.items():
            for index, moments in optimiser.state_dict()["state"].items():
                state |= {f"{name}_optimiser.{index}.{key}": value for key, value in moments.items()}
        return state | {"random_state": distributed.of_all(self.source.get_state()), "done": torch.tensor(self.done)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up a training where :meth:`state` was called.

        Raises
        ------
        KeyError, RuntimeError
            If the state is of another architecture.
        """
        models = {"generator": self.generator, "critic": self.critic, "mean_generator": self.mean_generator}
        for name, model in models.items():
            model.load_state_dict(part(state, name))
        for name, optimiser in self.optimisers.items():
            moments: dict[int, dict[str, Tensor]] = {}
            for key, value in part(state, f"{name}_optimiser").items():
                index, moment = key.split(".")
                moments.setdefault(int(index), {})[moment] = value
            optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
        every = state["random_state"]
        if len(every) != self.processes:
            raise FitError(
                f"it was trained by {len(every)} processes, not {self.processes}",
                where="gan train --resume",
                remedy=f"resume with torchrun --nproc-per-node {len(every)}"
                if len(every) > 1
                else "resume in one process",
            )
        self.source.set_state(every[distributed.rank()].clone())
        self.done = int(state["done"])


def part(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with ``name.``, without that beginning."""
    return {key[len(name) + 1 :]: value for key, value in state.items() if key.startswith(f"{name}.")}
