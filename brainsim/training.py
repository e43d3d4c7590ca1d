"""The training of a generator against its critic: one epoch at a time, exactly resumable."""

import copy

import numpy as np
import torch
from torch import Tensor, nn

from brainsim.critic import Critic
from brainsim.error import FitError, UnknownName
from brainsim.generator import Generator, Shape
from brainsim.scaling import TrainingTrials
from brainsim.setting import Setting, check_setting, device_of
from brainsim.texture import texture_of
from brainsim.wgan import Batch, WassersteinLoss

LOSSES = {"wgan-gp": WassersteinLoss}
REACH = 0.05  # weight of the excess over the recorded range, relative to the critic's pull on one frame of a neuron


class Trainer:
    """A generator, its critic, their optimisers and the state of the random numbers.

    Parameters
    ----------
    setting
        Hyperparameters.
    trials
        What to train on; it is kept on the device as one tensor.

    Raises
    ------
    UnknownName
        If there is no such loss.
    InputError
        If a hyperparameter is out of range or the device is not there.
    FitError
        If a batch is larger than the data.
    """

    def __init__(self, setting: Setting, trials: TrainingTrials) -> None:
        if setting.loss not in LOSSES:
            raise UnknownName("loss", setting.loss, LOSSES)
        check_setting(setting, len(trials.label))
        self.setting, self.done = setting, 0
        self.device = device_of(setting.device)
        weights, noise = np.random.default_rng(setting.seed).integers(2**62, size=2).tolist()
        self.source = torch.Generator().manual_seed(noise)
        self.loss = LOSSES[setting.loss](setting.penalty)
        neurons, frames = trials.activity.shape[1:]
        self.shape = Shape(neurons, frames, len(trials.stimuli))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(weights)
            generator = build_generator(self.shape, setting, trials)
            critic = Critic(self.shape, setting.channels(frames))
        self.generator, self.critic = generator.to(self.device), critic.to(self.device)
        self.mean_generator = copy.deepcopy(self.generator).requires_grad_(False)
        self.optimisers = {
            name: torch.optim.Adam(model.parameters(), setting.lr, (setting.b1, setting.b2), fused=True)
            for name, model in (("generator", self.generator), ("critic", self.critic))
        }
        self.activity = torch.from_numpy(trials.activity).to(self.device)
        self.seen = None if trials.seen is None else torch.from_numpy(trials.seen).to(self.device)
        one_hot = nn.functional.one_hot(torch.from_numpy(trials.label), self.shape.stimuli)
        self.stimulus = one_hot.float().to(self.device)

    @property
    def steps(self) -> int:
        """Steps of the generator in an epoch: one pass of the critic over the trials, rounded up to whole steps."""
        return -(-len(self.activity) // (self.setting.batch_size * self.setting.critic_steps))

    def epoch(self) -> list[float]:
        """Train for one epoch and return its means of :data:`brainsim.learning_curve.CURVE`.

        Raises
        ------
        FitError
            If a loss is no longer a finite number.
        """
        size = self.setting.batch_size * self.setting.critic_steps
        order = self._order(self.steps * size)
        steps = enumerate(torch.split(order, size), self.done * self.steps)
        rows = torch.stack([self._step(chosen, number) for number, chosen in steps]).mean(0)
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

    def _drive(self, stimulus: Tensor) -> Tensor:
        """Generate a trial for each stimulus, before it is kept inside the recorded range."""
        common, events, white = self.generator.draw_noise(len(stimulus), self.source)
        noise = common.to(self.device), events.to(self.device), white.to(self.device)
        return self.generator.drive(noise, stimulus)

    def _batch(self, chosen: Tensor, generated: Tensor) -> Batch:
        if self.seen is not None:
            generated = generated * self.seen[chosen]
        return Batch(self.activity[chosen], generated, self.stimulus[chosen])

    def _step(self, chosen: Tensor, number: int) -> Tensor:
        """Step the critic once for each batch among the chosen trials, then the generator once, for the n-th time."""
        with torch.no_grad():
            generated = self.generator.bounds(self._drive(self.stimulus[chosen]))
        critic_rows = []
        for part, trials in zip(
            torch.split(generated, self.setting.batch_size), torch.split(chosen, self.setting.batch_size), strict=True
        ):
            terms = self.loss.critic(self.critic, self._batch(trials, part), self.source)
            self._descend("critic", terms[0])
            critic_rows.append(torch.stack(terms).detach())
        trials = chosen[: self.setting.batch_size]
        self.critic.requires_grad_(False)
        drive = self._drive(self.stimulus[trials])
        reach = REACH / drive[0].numel() ** 0.5  # a slope of norm 1 is shared by so many frames
        loss = self.loss.generator(self.critic, self._batch(trials, self.generator.bounds(drive)))
        self.optimisers["generator"].param_groups[0]["lr"] = self.setting.generator_rate(self.shape.frames, number)
        self._descend("generator", loss + reach * self.generator.bounds.excess(drive))
        self.critic.requires_grad_(True)
        self._follow()
        return torch.cat([torch.stack(critic_rows).mean(0), loss.detach()[None]])

    def _descend(self, name: str, loss: Tensor) -> None:
        self.optimisers[name].zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimisers[name].step()

    def _follow(self) -> None:
        """Move the mean generator towards the generator, faster in the beginning."""
        steps = self.done * self.steps + 1
        keep = min(self.setting.average, steps / (steps + 9))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.mean_generator.parameters()), list(self.generator.parameters()), 1 - keep)

    def state(self) -> dict[str, Tensor]:
        """Return everything that the next epoch depends on, as tensors by name."""
        models = {"generator": self.generator, "critic": self.critic, "mean_generator": self.mean_generator}
        state = {f"{name}.{key}": value for name, model in models.items() for key, value in model.state_dict().items()}
        for name, optimiser in self.optimisers.items():
            for index, moments in optimiser.state_dict()["state"].items():
                state |= {f"{name}_optimiser.{index}.{key}": value for key, value in moments.items()}
        return state | {"random_state": self.source.get_state(), "done": torch.tensor(self.done)}

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
        self.source.set_state(state["random_state"])
        self.done = int(state["done"])


def build_generator(shape: Shape, setting: Setting, trials: TrainingTrials) -> Generator:
    """Return an untrained generator that knows the recorded range and texture of each neuron, in scaled units."""
    generator = Generator(shape, setting.latent_dim, setting.channels(shape.frames))
    scaling = trials.scaling
    for name in ("lower", "upper"):
        bound = np.nan_to_num(scaling.to_model(getattr(scaling, name)))
        getattr(generator.bounds, name).copy_(torch.from_numpy(bound)[:, None])
    generator.bounds.step.copy_(torch.from_numpy(scaling.step / scaling.scale)[:, None])
    texture = texture_of(trials)
    if texture is not None:
        generator.begin_with(texture)
    return generator


def part(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with ``name.``, without that beginning."""
    return {key[len(name) + 1 :]: value for key, value in state.items() if key.startswith(f"{name}.")}
