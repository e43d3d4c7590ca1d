"""One epoch of training at the original project's size, beside dense networks as large as the original's.

The original project's generator and discriminator have 86 and 60 million parameters for trials of 259 neurons x 29
frames. The networks here have as many, in dense layers with leaky rectifiers; both trainings make the same steps on the
same trials: 498 trials in batches of 32, five steps of the critic for each of the generator.
"""

import multiprocessing
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from brainsim import catalog
from brainsim.contest import ONE_THREAD, environment
from brainsim.footprint import Footprint
from brainsim.model import Batch
from brainsim.scaling import Scaling, Shape, TrainingTrials
from brainsim.setting import Setting
from brainsim.training import Trainer

SHAPE, TRIALS, BATCH, CRITIC_STEPS = Shape(259, 29, 14), 498, 32, 5
NOISE, GENERATOR_WIDTH, CRITIC_WIDTH = 512, 6090, 4860
EPOCHS = 10
ORIGINAL = "dense networks of the original's size"


def compare(seed: int = 0) -> list[dict[str, Any]]:
    """Time an epoch of every model and of the dense networks, each in a process of its own.

    Returns
    -------
    list of dict
        ``program``, ``parameters`` (of both networks), ``seconds``, ``peak_mib``, ``faster`` (than the dense networks).
    """
    context = multiprocessing.get_context("spawn")
    rows: list[dict[str, Any]] = []
    with environment(ONE_THREAD):
        for name in (ORIGINAL, *catalog.names("model")):
            with context.Pool(1) as pool:
                parameters, seconds, peak = pool.apply(measure, (name, seed))
            rows.append({"program": name, "parameters": parameters, "seconds": seconds, "peak_mib": peak})
    return [{**row, "faster": rows[0]["seconds"] / row["seconds"]} for row in rows]


def measure(name: str, seed: int) -> tuple[int, float, float]:
    """Return parameters, seconds (median of the epochs after the first, of a minute) and peak memory [MiB].

    Memory is watched in the first epoch, which makes everything that stays; to watch it takes time from the others.
    """
    torch.set_num_threads(1)
    trials = made_up(seed)
    with Footprint() as cost:
        work = Dense(trials, seed) if name == ORIGINAL else _model(name, trials, seed)
        work.epoch()
    seconds: list[float] = []
    while not seconds or (len(seconds) < EPOCHS and sum(seconds) < 60):
        begin = time.perf_counter()
        work.epoch()
        seconds.append(time.perf_counter() - begin)
    networks = work.generator, work.critic
    return sum(p.numel() for net in networks for p in net.parameters()), float(np.median(seconds)), cost.peak_mib


def made_up(seed: int) -> TrainingTrials:
    """Return trials of the original's size: white noise, as the time of an epoch does not depend on what is in them."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(TRIALS, SHAPE.frames, SHAPE.neurons))
    scaling = Scaling.of(values)
    label = np.arange(TRIALS) % SHAPE.stimuli
    stimuli = tuple(f"{each:02d}" for each in range(SHAPE.stimuli))
    activity = np.ascontiguousarray(scaling.to_model(values).transpose(0, 2, 1))
    return TrainingTrials(activity, None, label, stimuli, scaling, (), np.arange(TRIALS))


def _model(name: str, trials: TrainingTrials, seed: int) -> Trainer:
    model = catalog.get("model", name)()
    setting = Setting(name, batch_size=BATCH, critic_steps=CRITIC_STEPS, seed=seed)
    return Trainer(model, setting.completed(model.defaults, TRIALS), trials)


class Dense:
    """Dense networks of the original's size, trained by the same steps with the loss of ``wgan-gp``."""

    def __init__(self, trials: TrainingTrials, seed: int) -> None:
        torch.manual_seed(seed)
        self.loss = catalog.get("model", "wgan-gp")()
        outputs, stimuli = SHAPE.neurons * SHAPE.frames, SHAPE.stimuli
        self.generator = _layers(NOISE + stimuli, GENERATOR_WIDTH, outputs)
        self.critic = _layers(outputs + stimuli, CRITIC_WIDTH, 1)
        self.optimisers = [
            torch.optim.Adam(net.parameters(), 1e-4, fused=True) for net in (self.generator, self.critic)
        ]
        self.recorded = torch.from_numpy(trials.activity)
        self.stimulus = torch.eye(stimuli)[torch.from_numpy(trials.label)]
        self.source = torch.Generator().manual_seed(seed)

    def epoch(self) -> None:
        """Make the steps of :class:`brainsim.training.Trainer`: all trials, on to a whole step of the generator."""
        wanted = BATCH * CRITIC_STEPS * -(-TRIALS // (BATCH * CRITIC_STEPS))
        order = torch.cat([torch.randperm(TRIALS, generator=self.source) for _ in range(2)])[:wanted]
        for number, chosen in enumerate(torch.split(order, BATCH), 1):
            with torch.no_grad():
                made = self._made(chosen)
            self._descend(1, self.loss.critic_loss(self._score, self._batch(chosen, made), self.source)[0])
            if number % CRITIC_STEPS == 0:
                self._descend(0, self.loss.generator_loss(self._score, self._batch(chosen, self._made(chosen))))

    def _made(self, chosen: Tensor) -> Tensor:
        noise = torch.randn(len(chosen), NOISE, generator=self.source)
        flat: Tensor = self.generator(torch.cat([noise, self.stimulus[chosen]], 1))
        return flat.reshape(len(chosen), SHAPE.neurons, SHAPE.frames)

    def _score(self, activity: Tensor, stimulus: Tensor) -> Tensor:
        score: Tensor = self.critic(torch.cat([activity.flatten(1), stimulus], 1))[:, 0]
        return score

    def _batch(self, chosen: Tensor, made: Tensor) -> Batch:
        return Batch(self.recorded[chosen], made, self.stimulus[chosen])

    def _descend(self, which: int, loss: Tensor) -> None:
        self.optimisers[which].zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimisers[which].step()


def _layers(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Return three dense layers."""
    return nn.Sequential(
        nn.Linear(inputs, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, outputs),
    )
