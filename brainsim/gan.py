"""A conditional generator of recordings, as a scikit-learn estimator: fit it to trials, sample as many as you like."""

import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator

from brainsim.error import InputError, UnknownName
from brainsim.fitted import check_fitted
from brainsim.gan_folder import GanFolder, open_gan
from brainsim.generated import describe_training, generate, generated_recording
from brainsim.learning_curve import curve_columns, plot_trials, png, read_curve
from brainsim.progress import Progress, silent
from brainsim.scaling import TrainingTrials, training_trials
from brainsim.setting import Setting, threads
from brainsim.store import write_bytes
from brainsim.training import Trainer

EXAMPLES = 12


@dataclass(eq=False, repr=False)
class ConditionalGAN(BaseEstimator, Setting):  # type: ignore[misc]
    """Stimulus-conditional generative adversarial network of population calcium.

    The Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028) with the settings that the
    course paper of Gao, Wang, Chen and Zhong (ShanghaiTech 2021) describes; its code trained something else (binary
    cross entropy on a sigmoid, no penalty). Works for any number of neurons, frames (1: a table of active fractions)
    and stimuli. Missing frames (NaN) are masked: the critic sees recorded and generated trials with the same frames
    set to the neuron's mean. Trials that are missing throughout are left out. Without `stimulus` there is one class,
    "all"; with one class only, the network generates that class.

    Deviations from the paper: the running mean of weights; `lr`; in the generator's loss,
    :data:`brainsim.training.REACH` (0.05) times the squared excess over each neuron's recorded range, over the root of
    neurons times frames (the cut to that range passes no gradient, so what lies outside would never return); white
    noise and events of each neuron, noises common to events, a mean response of low rank (:mod:`brainsim.generator`);
    a critic that also judges trial means (:mod:`brainsim.critic`). With four frames or more these parts begin not at
    random but as measured by the method of moments (:mod:`brainsim.texture`): sample `epochs=1` to see how little, or
    much, the adversarial training adds.

    Parameters
    ----------
    loss, penalty
        Name in :data:`brainsim.training.LOSSES`, and the weight of its penalty.
    epochs
        Passes of the critic over the trials, each rounded up to whole steps of the generator.
    batch_size, critic_steps
        Trials per step (at most all), and steps of the critic for each of the generator.
    lr, b1, b2
        Learning rate of the critic, and of the generator where trials have one frame, else five times the generator's
        (by default the paper's 1e-4, reached after 40 steps); the two decays of Adam, unusual but the paper's.
    latent_dim, width
        Length of the noise vector; channels of both networks (128 for trials of one frame, else 64).
    average
        Decay of the running mean of the generator's weights, which is what :meth:`sample` uses.
    sample_interval
        Epochs between two checkpoints.
    n_cpu, device, seed
        Threads of torch (1 is fastest at these sizes); ``cpu``, ``cuda`` or ``auto``; seed of every random number: the
        same one gives the same model, bit for bit, on one machine.

    Attributes
    ----------
    generator_ : Generator
        The trained network (running mean of weights), on the CPU.
    scaling_, stimuli_ : Scaling, tuple of str
        Scale and range of each neuron; stimuli it can generate.
    learning_curve_ : dict of ndarray
        Critic's loss, Wasserstein estimate, penalty, generator's loss, each of shape (epoch,).
    description_, notices_ : dict, tuple of str
        What `config.json` holds; what a user should know about the data.
    steps_per_second_ : float
        Gradient steps (critic's and generator's) per second; NaN for a loaded model.
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
        target = None if folder is None else GanFolder(Path(folder), overwrite=overwrite, resume=resume)
        trials, kept = training_trials(dataset)
        for notice in trials.notices:
            warnings.warn(notice, stacklevel=2)
        with threads(self.n_cpu):
            trainer = Trainer(self, trials)
            self.description_ = describe_training(self, trials, kept)
            curve = target.resume(trainer, self.description_) if target else []
            self.steps_per_second_ = float("nan")
            self._train(trainer, curve, trials, progress, target)
            if target:
                examples = plot_trials(kept, self.sample(EXAMPLES, seed=self.seed))
                write_bytes(target.path / "example_trials.png", png(examples))
        return self

    def _train(
        self, trainer: Trainer, curve: list[list[float]], trials: TrainingTrials, progress: Progress,
        target: GanFolder | None,
    ) -> None:  # fmt: skip
        """Run the epochs that are missing; keep a checkpoint every `sample_interval` of them and at the end."""
        began, start = time.perf_counter(), trainer.done
        per_epoch = trainer.steps * (self.critic_steps + 1)
        for epoch in range(start + 1, self.epochs + 1):
            curve.append(trainer.epoch())
            self.steps_per_second_ = (epoch - start) * per_epoch / (time.perf_counter() - began)
            speed, left = self.steps_per_second_, (self.epochs - epoch) * per_epoch / self.steps_per_second_
            progress(epoch, self.epochs, f"{speed:.0f} steps/s, {left:.0f} s left")
            if target and (epoch % self.sample_interval == 0 or epoch == self.epochs):
                target.save(trainer, curve, trials.scaling, self.description_)
        self.generator_, self.scaling_ = trainer.mean_generator.cpu(), trials.scaling
        self.stimuli_, self.notices_ = trials.stimuli, trials.notices
        self.learning_curve_ = curve_columns(curve)

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
        model.stimuli_, model.notices_ = tuple(config["stimuli"]), ()
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
        return recording.assign_attrs(model=self.loss, seed=seed, training_seed=self.seed)
