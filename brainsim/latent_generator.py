"""A generator that turns shared and private noise into activity through each neuron's own spectrum and marginal.

    e[n](t) = gain[c] * eta(t) @ shared[n] + private[n] * own[n](t) + net(eta(t), c)[n]
    z[n]    = scale[c, n] * (kernel[n] * e[n]) + shift[c, n] + response[c, n](t)
    activity[n](t) = table[c, n]( z[n](t) )                      (zero-inflated, bounded, quantised: as recorded)

with c the stimulus and eta, own white noise. Everything but the tables is trained. It begins where moments of the
recording put it (:mod:`brainsim.moment`); the network `net`, which begins at zero, and the factors that depend on the
stimulus are what only the adversary can teach. Parameters grow with neurons + frames.
"""

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from scipy.interpolate import interp1d
from torch import Tensor, nn
from torch.nn import functional

from brainsim.bounds import Bounds
from brainsim.generates import Generates
from brainsim.marginal import KNOTS, ORDERS, normal_scores, tables
from brainsim.missing import Floats
from brainsim.moment import (
    COMPONENTS,
    autocovariance,
    limited,
    residual_of,
    response_of,
    scaled_to,
    seen_of,
    shared_noise,
    spectrum,
)
from brainsim.scaling import Shape, TrainingTrials

HIDDEN = 32
SMOOTH_KNOTS = 6  # a table's slope is passed on as seen through a normal window of this many knots
CORRECTIONS, CORRECTED = 4, 300  # rounds in which the start is corrected, and trials simulated for each
LARGEST = 0.7
POOLED_TRIALS = 20
SEED = 0


class LatentGenerator(Generates):
    """Conditional generator of trials of any number of neurons and frames.

    Parameters
    ----------
    shape
        Neurons, frames and stimuli.
    latent_dim
        Number of noises that neurons share.
    """

    table: Tensor
    slope: Tensor
    white: Tensor

    def __init__(self, shape: Shape, latent_dim: int) -> None:
        super().__init__()
        self.shape, self.latent_dim = shape, latent_dim
        self.length = 1 if shape.frames == 1 else 2 * next_fast_len(shape.frames)
        stimuli, neurons = shape.stimuli, shape.neurons
        self.shared = nn.Parameter(torch.zeros(latent_dim, neurons))
        self.gain = nn.Parameter(torch.zeros(stimuli, latent_dim))
        self.shift = nn.Parameter(torch.zeros(stimuli, neurons))
        self.scale = nn.Parameter(torch.zeros(stimuli, neurons))
        self.courses = nn.Parameter(torch.zeros(stimuli, shape.frames, COMPONENTS))
        self.loading = nn.Parameter(torch.zeros(COMPONENTS, neurons))
        self.amplitude = nn.Parameter(torch.ones(neurons, self.length // 2 + 1))
        self.hidden = nn.Linear(latent_dim + stimuli, HIDDEN)
        self.readout = nn.Linear(HIDDEN, neurons, bias=False)
        nn.init.zeros_(self.readout.weight)
        tables_of = stimuli if shape.frames == 1 else 1
        for name in ("table", "slope"):
            self.register_buffer(name, torch.zeros(tables_of, neurons, len(KNOTS)))
        white = torch.full((self.length // 2 + 1, 2), self.length / 2).sqrt()
        white[0] = white[-1] = self.length**0.5  # two spectral lines of real noise have no imaginary part
        self.register_buffer("white", white, persistent=False)
        self.bounds = Bounds(neurons)

    def draw_noise(self, trials: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return noise that neurons share (trial, latent, length), and the spectra of their own.

        The spectrum of white noise is white: drawn as such, (trial, neuron, frequency, real and imaginary), it need
        not be computed. Trials of one frame have (trial, neuron, 1) instead.
        """
        shared = torch.randn(trials, self.latent_dim, self.length, generator=source)
        own = (self.length // 2 + 1, 2) if self.length > 1 else (1,)
        return shared, torch.randn(trials, self.shape.neurons, *own, generator=source)

    def forward(self, noise: tuple[Tensor, ...], stimulus: Tensor) -> tuple[Tensor, Tensor]:
        """Return scaled activity (trial, neuron, time) for a one-hot stimulus (trial, stimulus), and no cost."""
        activity: Tensor = self.bounds(self.activity(self.score(noise, stimulus), stimulus))
        return activity, activity.new_zeros(())

    def score(self, noise: tuple[Tensor, ...], stimulus: Tensor) -> Tensor:
        """Return the normal scores z, (trial, neuron, time)."""
        eta, own = noise
        shared = limited(self.shared)
        private = (1 - shared.square().sum(0)).clamp(min=1e-3).sqrt()
        context = torch.cat([eta, stimulus[..., None].expand(-1, -1, self.length)], 1).transpose(1, 2)
        hidden = functional.leaky_relu(self.hidden(context), 0.2).transpose(1, 2)
        courses = torch.cat([eta * (stimulus @ self.gain).exp()[..., None], hidden], 1)
        weights = torch.cat([shared.T, self.readout.weight], 1)
        if self.length > 1:
            spectrum = torch.view_as_real(torch.fft.rfft(courses.float())).flatten(2)
            drive = (weights @ spectrum).float().reshape(own.shape)
            amplitude = self.amplitude[..., None].expand(-1, -1, 2).contiguous()  # without it, five times slower
            drive = torch.addcmul(drive, own, private[:, None, None] * self.white) * amplitude
            drive = torch.fft.irfft(torch.view_as_complex(drive), self.length)[..., : self.shape.frames]
        else:
            drive = torch.addcmul((weights @ courses).float(), own, private[:, None]) * self.amplitude
        mean = (stimulus @ self.courses.flatten(1)).reshape(len(stimulus), self.shape.frames, COMPONENTS)
        response = self.loading.T @ mean.transpose(1, 2)
        score: Tensor = drive * (stimulus @ self.scale).exp()[..., None] + (stimulus @ self.shift)[..., None] + response
        return score

    def activity(self, score: Tensor, stimulus: Tensor) -> Tensor:
        """Look normal scores (trial, neuron, time) up in the tables; the gradient is that of a smoothed table."""
        known = torch.nan_to_num(score.detach())  # a training that diverged is told by its loss
        place = ((known - KNOTS[0]) / (KNOTS[1] - KNOTS[0])).clamp(0, len(KNOTS) - 1.001)
        below = place.floor()
        group = stimulus.argmax(1) if len(self.table) > 1 else torch.zeros_like(stimulus.argmax(1))
        first = (group[:, None] * self.shape.neurons + torch.arange(self.shape.neurons, device=group.device)) * len(
            KNOTS
        )
        index = (first[..., None] + below.long()).flatten()
        table, between = self.table.flatten(), place - below
        between = torch.where(self.bounds.step > 0, between.round(), between)  # a lattice has nothing in between
        lower, upper = (each.index_select(0, index).view_as(between) for each in (table, table[1:]))
        value = torch.lerp(lower, upper, between)
        if not score.requires_grad:
            return value
        return value + self.slope.flatten().index_select(0, index).view_as(score) * (score - score.detach())

    @torch.no_grad()
    def begin(self, table: Floats, amplitude: Floats, shared: NDArray[np.float32]) -> Self:
        """Take up marginal tables (group, neuron, knot), amplitude spectra and weights of shared noise."""
        self.table.copy_(torch.from_numpy(table))
        slope = np.gradient(table, KNOTS[1] - KNOTS[0], axis=2)
        window = np.exp(-0.5 * (np.arange(-3 * SMOOTH_KNOTS, 3 * SMOOTH_KNOTS + 1) / SMOOTH_KNOTS) ** 2)
        smooth = functional.conv1d(
            torch.from_numpy(slope).float().flatten(0, 1)[:, None],
            torch.from_numpy(window / window.sum()).float()[None, None],
            padding=3 * SMOOTH_KNOTS,
        )
        self.slope.copy_(smooth.reshape(self.slope.shape))
        self.amplitude.copy_(torch.from_numpy(amplitude))
        self.shared.copy_(torch.from_numpy(shared))
        return self


@torch.no_grad()
def measured(generator: LatentGenerator, trials: TrainingTrials) -> LatentGenerator:
    """Let a generator begin with the moments of trials.

    Parameters
    ----------
    generator
        Of the trials' shape.
    trials
        At least one of each stimulus.
    """
    generator.bounds.measure(trials)
    table = tables(trials)
    recorded, seen = trials.activity.transpose(0, 2, 1).astype(float), seen_of(trials)
    deviation = mean_over_frames(residual_of(recorded, trials.label, seen), seen)
    if generator.length == 1:
        share = np.bincount(trials.label, minlength=len(trials.stimuli)) / len(trials.label)
        amplitude, overlap = np.ones((1, generator.shape.neurons)), np.ones(ORDERS)
    else:
        score = normal_scores(trials, SEED)
        courses, loading = response_of(score, trials.label, seen, len(trials.stimuli))
        generator.courses[..., : len(loading)] = torch.from_numpy(courses)
        generator.loading[: len(loading)] = torch.from_numpy(loading)
        residual = (score - (courses @ loading)[trials.label]) * seen
        covariance = autocovariance(residual, seen)
        share, overlap = np.ones(1), overlaps(covariance)
        amplitude = scaled_to(spectrum(covariance, generator.length), covariance[0])
    with torch.enable_grad():
        shared = shared_noise(deviation, table, share, overlap, generator.latent_dim)
    generator.begin(table, amplitude.T, shared)
    if generator.length > 1:
        correct(generator, trials.label, residual_of(recorded, trials.label, seen), seen)
    return generator


def overlaps(covariance: Floats) -> Floats:
    """Return, for each order k, the mean over pairs of frames of the mean autocovariance (lag, neuron) to the k."""
    pooled = covariance.mean(1)
    pairs = 2.0 * (len(pooled) - np.arange(len(pooled)))
    pairs[0] /= 2
    return np.array([(pairs * pooled**order).sum() / pairs.sum() for order in range(1, ORDERS + 1)])


def mean_over_frames(values: Floats, seen: Floats) -> Floats:
    """Return the mean of each trial over the frames that were recorded, (trial, neuron)."""
    return np.asarray((values * seen).sum(1) / np.maximum(seen.sum(1), 1))


def correct(generator: LatentGenerator, label: NDArray[np.int64], residual: Floats, seen: Floats) -> None:
    """Correct each neuron's kernel until its activity, not only its normal score, has the recorded power of noise.

    At every frequency, as far as its own trials and 20 trials of all neurons together ask for it. (Tables are left as
    they are: refitted to the mixture of responses and noise they give events that are too large.)

    Parameters
    ----------
    generator
        With its start; the amplitudes are changed.
    label
        Stimulus of each recorded trial: trials are simulated in the same shares.
    residual, seen
        Recorded activity around its mean under each stimulus, and where it was recorded, (trial, time, neuron).
    """
    source = torch.Generator().manual_seed(SEED)
    simulated = np.resize(label, CORRECTED)
    one_hot = torch.eye(generator.shape.stimuli)[torch.from_numpy(simulated)]
    wanted, weight = periodogram(residual, seen), len(label) / (len(label) + POOLED_TRIALS)
    place = np.linspace(0, len(wanted) - 1, generator.amplitude.shape[1])
    least = 1e-4 * np.maximum(wanted.mean(0), 1e-12)
    for _ in range(CORRECTIONS):
        activity = generator(generator.draw_noise(CORRECTED, source), one_hot)[0].transpose(1, 2).numpy().astype(float)
        everywhere = np.ones_like(activity)
        made = periodogram(residual_of(activity, simulated, everywhere), everywhere)
        own = np.log(np.maximum(wanted, least) / np.maximum(made, least)) / 2
        change = weight * own + (1 - weight) * own.mean(1, keepdims=True)
        fine = interp1d(np.arange(len(wanted)), change, axis=0)(place)
        old = generator.amplitude.numpy().T.astype(float)
        new = old * np.exp(np.clip(fine, -LARGEST, LARGEST))
        generator.amplitude.copy_(torch.from_numpy(new.T))


def periodogram(residual: Floats, seen: Floats) -> Floats:
    """Return the mean power of trials at each frequency, (frequency, neuron)."""
    return np.asarray((np.abs(np.fft.rfft(residual * seen, axis=1)) ** 2).mean(0))
