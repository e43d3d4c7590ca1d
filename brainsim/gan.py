"""A conditional generator of recordings, as a scikit-learn estimator: fit it to trials, sample as many as you like."""

import copy
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator

from brainsim import catalog, distributed
from brainsim.choice import choose, trainings
from brainsim.error import InputError, UnknownName
from brainsim.fitted import check_fitted
from brainsim.gan_folder import GanFolder, open_gan
from brainsim.generated import collapse, describe_training, generate, generated_recording
from brainsim.learning_curve import curve_columns, plot_trials, png, read_curve
from brainsim.progress import Progress, silent
from brainsim.scaling import TrainingTrials, training_trials
from brainsim.setting import Setting, check_setting, threads
from brainsim.store import write_bytes
from brainsim.training import Trainer

EXAMPLES = 12


@dataclass(eq=False, repr=False)
class ConditionalGAN(BaseEstimator, Setting):  # type: ignore[misc]
    """Stimulus-conditional generative adversarial network of population calcium.

    Works for any number of neurons, frames (1: a table of active fractions) and stimuli. Missing frames (NaN) are
    masked: the critic sees recorded and generated trials with the same frames set to the neuron's mean. Trials that are
    missing throughout are left out. Without `stimulus` there is one class, "all".

    Parameters
    ----------
    model
        ``r3gan`` (:mod:`brainsim.model.r3gan`) or ``wgan-gp`` (:mod:`brainsim.model.wgan_gp`). What follows is the
        model's own where it is None.
    epochs
        Passes of the critic over the trials, each rounded up to whole steps of the generator.
    batch_size, critic_steps
        Trials per step (at most all), and steps of the critic for each of the generator.
    lr, b1, b2
        Learning rate of Adam, and its two decays.
    latent_dim, width
        Noises that neurons share; channels of the critic (128 for trials of one frame, else 64).
    penalty
        Weight of the critic's penalty; by default it is chosen on trials put aside (:mod:`brainsim.choice`).
    average
        Decay of the running mean of the generator's weights, which is what :meth:`sample` uses.
    hold_out
        Trials that nothing is learned from, so that a comparison with them is honest: ``interleaved`` (two of every
        five of a stimulus), ``blocks`` (the second half of each stimulus) or ``none``.
    early_stop
        Use the epoch that is best on trials put aside (0: the start), where the model chooses at all.
    sample_interval
        Epochs between two checkpoints; a fifth of all by default.
    n_cpu, device, seed
        Threads of torch (1 is fastest at these sizes); ``cpu``, ``cuda`` or ``auto``; seed of every random number: the
        same one gives the same model, bit for bit, on one machine.

    Attributes
    ----------
    generator_ : Generates
        The network (running mean of weights) of the chosen epoch, on the CPU.
    choice_ : dict
        Penalty and epoch, and how they were chosen.
    scaling_, stimuli_ : Scaling, tuple of str
        Scale and range of each neuron; stimuli it can generate.
    learning_curve_ : dict of ndarray
        Critic's loss, Wasserstein estimate, penalty, generator's loss, each of shape (epoch,).
    description_, notices_ : dict, tuple of str
        What `config.json` holds; what a user should know about the data.
    steps_per_second_ : float
        Gradient steps (critic's and generator's) per second; NaN for a loaded model.

    Examples
    --------
    >>> from brainsim.dataset import load_dataset
    >>> recording = load_dataset().drop_dims(["spike", "pre", "post"]).isel(neuron=slice(4), trial=slice(32))
    >>> gan = ConditionalGAN(epochs=1, penalty=1.0, early_stop=False).fit(recording)
    >>> gan.stimuli_, dict(gan.sample(trials=3)["calcium"].sizes)
    (('aud', 'vis'), {'trial': 6, 'time': 29, 'neuron': 4})
    """

    def fit(
        self,
        dataset: xr.Dataset,
        progress: Progress = silent,
        *,
        folder: str | Path | None = None,
        resume: bool = False,
        overwrite: bool = False,
    ) -> Self:
        """Train on a recording.

        Parameters
        ----------
        dataset
            A recording with `calcium`, in trials or continuous with `onset` (it is cut into trials).
        progress
            Told after every epoch.
        folder
            Where to keep checkpoints and the result (:mod:`brainsim.checkpoint`); nowhere by default.
        resume
            Continue where the training in `folder` stopped; begin where there is none. An interrupted and resumed
            training ends in exactly the weights of an uninterrupted one.
        overwrite
            Replace the training in `folder`.

        Raises
        ------
        InputError
            If the recording or a setting is wrong, or `folder` holds a training of other data or settings.
        OutputError
            If `folder` exists (without `resume` or `overwrite`) or cannot be written.
        FitError
            If a batch is larger than the data or the training diverges.
        """
        with distributed.joined(self.device):
            target = None if folder is None else GanFolder(Path(folder), overwrite=overwrite, resume=resume)
            distributed.together()
            return self._fit(dataset, progress, target)

    def _fit(self, dataset: xr.Dataset, progress: Progress, target: GanFolder | None) -> Self:
        """Choose what is open and train."""
        kind = catalog.get("model", self.model)
        check_setting(self, None)
        trials, kept = training_trials(dataset, self.hold_out)
        check_setting(self, len(trials.label))
        setting = self.completed(kind.defaults, len(trials.label))
        for notice in trials.notices:
            warnings.warn(notice, stacklevel=2)
        with threads(self.n_cpu):
            description = describe_training(self, setting, trials, kept)
            choice = target.choice() if target else None
            rounds = 0 if choice else trainings(kind, self, trials)

            def told(epochs: int, note: str) -> None:
                progress(epochs, (rounds + 1) * setting.epochs, note)

            choice = choice or choose(kind, self, setting, trials, told).to_dict()
            setting = replace(setting, penalty=choice["penalty"])
            self.choice_ = choice
            self.description_ = {**description, "setting": asdict(setting), "choice": choice}
            trainer = Trainer(kind(setting.penalty), setting, trials)
            curve = target.resume(trainer, self.description_) if target else []
            self._train(trainer, curve, trials, lambda epoch, note: told(rounds * setting.epochs + epoch, note), target)
            if target and not distributed.rank():
                examples = plot_trials(kept, self.sample(EXAMPLES, seed=self.seed))
                write_bytes(target.path / "example_trials.png", png(examples))
        return self

    def _train(
        self, trainer: Trainer, curve: list[list[float]], trials: TrainingTrials, told: Callable[[int, str], None],
        target: GanFolder | None,
    ) -> None:  # fmt: skip
        """Run the epochs that are missing; keep a checkpoint every `sample_interval` of them, before and at the end."""
        began, start = time.perf_counter(), trainer.done
        setting, stop = trainer.setting, self.choice_["epoch"]
        epochs, interval = setting.epochs, setting.sample_interval
        per_epoch = trainer.steps * (setting.critic_steps + 1)
        over = target is not None and stop is not None and start > stop
        used = open_gan(target.path)[1] if target and over else copy.deepcopy(trainer.mean_generator).cpu()
        self.steps_per_second_ = float("nan")
        if target and not start and target.new:
            target.save(trainer, used, curve, self.description_)
        for epoch in range(start + 1, epochs + 1):
            curve.append(trainer.epoch())
            self.steps_per_second_ = (epoch - start) * per_epoch / (time.perf_counter() - began)
            speed, left = self.steps_per_second_, (epochs - epoch) * per_epoch / self.steps_per_second_
            told(epoch, f"{speed:.0f} steps/s, {left:.0f} s left")
            if stop is None or epoch <= stop:
                used = copy.deepcopy(trainer.mean_generator).cpu()
            if target and (epoch % interval == 0 or epoch == epochs):
                target.save(trainer, used, curve, self.description_)
        self.generator_ = used.requires_grad_(False)
        self.scaling_, self.stimuli_ = trials.scaling, trials.stimuli
        self.learning_curve_ = curve_columns(curve)
        collapsed = collapse(self.generator_, trials, self.seed)
        self.notices_ = trials.notices if collapsed is None else (*trials.notices, collapsed)

    @classmethod
    def load(cls, folder: str | Path, epoch: int | None = None) -> Self:
        """Open a trained generator.

        `folder` is what `fit(folder=...)` wrote, `epoch` a checkpoint (default: the end).

        Raises
        ------
        InputError
            If the folder is missing, foreign, incomplete or damaged.
        """
        config, generator, scaling = open_gan(Path(folder), epoch)
        model = cls(**config["setting"])
        model.generator_, model.scaling_, model.description_ = generator, scaling, config
        model.choice_, model.stimuli_, model.notices_ = config["choice"], tuple(config["stimuli"]), ()
        model.learning_curve_ = read_curve(Path(folder) / "learning_curve.csv")
        model.steps_per_second_ = float("nan")
        return model

    def sample(self, trials: int, stimulus: str | Iterable[str] | None = None, seed: int = 0) -> xr.Dataset:
        """Generate trials.

        Parameters
        ----------
        trials, seed
            Trials of each stimulus, and seed of the noise.
        stimulus
            One stimulus or several; all by default. They take turns in the result, so that no stimulus is one block.

        Returns
        -------
        Dataset
            `calcium` (trial, time, neuron) in the units of the recording, inside the recorded range of each neuron and
            NaN for neurons that were missing throughout; `stimulus`; time, names and cell types of the recording.

        Raises
        ------
        NotFitted
            If nothing was fitted yet.
        InputError
            If fewer than one trial is asked for.
        UnknownName
            If a stimulus was not in the training.
        """
        check_fitted(self, "generator_")
        if trials < 1:
            raise InputError(f"{trials} trials were asked for", where="trials", remedy="ask for one or more")
        names = list(self.stimuli_) if stimulus is None else [stimulus] if isinstance(stimulus, str) else list(stimulus)
        for name in names:
            if name not in self.stimuli_:
                raise UnknownName("stimulus", name, self.stimuli_)
        label = np.tile([self.stimuli_.index(name) for name in names], trials)
        with threads(self.n_cpu):
            activity = generate(self.generator_, label, seed)
        recording = generated_recording(self.scaling_.to_units(activity), label, self.description_)
        return recording.assign_attrs(model=self.model, seed=seed, training_seed=self.seed)
