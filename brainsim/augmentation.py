"""Whether generated trials teach a decoder anything that the recorded ones do not.

Three decoders are tested on recorded trials that neither they nor the generator have seen: one trained on the recorded
training trials, one on these and as many photocopies of them, one on these and as many generated trials. Only what the
third gains over the second counts: more trials alone change a decoder.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.alignment import align
from brainsim.decoder import decode
from brainsim.error import InputError
from brainsim.evidence import Sample, Split, draw, split
from brainsim.gan import ConditionalGAN
from brainsim.gan_score import trials_per_stimulus
from brainsim.progress import Progress, silent
from brainsim.rival.photocopy import photocopy
from brainsim.seen import seen
from brainsim.trial import cut_trials

DRAWS = 5
RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class Augmentation:
    """What generated trials add.

    Parameters
    ----------
    dataset
        Recorded training trials and as many generated ones; the coordinate `trial_origin` tells them apart.
    accuracy_training, accuracy_photocopied, accuracy_generated
        Of the three decoders on held-out recorded trials.
    gain
        The third less the second.
    ci95
        Interval of `gain`: bootstrap over held-out trials and over draws of the generator.
    held_out, draws
        Number of held-out trials, and of draws.
    warning
        Not empty where the generator does not say what it was trained on, or was trained on everything.
    """

    dataset: xr.Dataset
    accuracy_training: float
    accuracy_photocopied: float
    accuracy_generated: float
    gain: float
    ci95: tuple[float, float]
    held_out: int
    draws: int
    warning: str

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers by name."""
        names = ("accuracy_training", "accuracy_photocopied", "accuracy_generated", "gain", "held_out", "draws")
        facts = {name: getattr(self, name) for name in names}
        return facts | {"ci95": list(self.ci95)} | ({"warning": self.warning} if self.warning else {})

    def sentence(self) -> str:
        """Say it in words."""
        low, high = self.ci95
        told = f"{self.gain:+.3f} ({low:+.3f} … {high:+.3f}) over photocopies of the training trials"
        if low > 0:
            return f"generated trials help a decoder: {told}"
        if high < 0:
            return f"generated trials harm a decoder: {told}"
        return f"generated trials neither help nor harm a decoder that anybody could tell: {told}"


def augment(
    model: ConditionalGAN, recorded: xr.Dataset, seed: int = 0, progress: Progress = silent, draws: int = DRAWS
) -> Augmentation:
    """Join recorded and generated trials, and test what that does to a decoder.

    Parameters
    ----------
    model
        A trained generator.
    recorded
        The recording that it was trained on.
    seed
        Of the noise, the photocopies and the bootstrap.
    progress
        Called after every draw.
    draws
        How many times the generator and the photocopier make trials.

    Raises
    ------
    InputError
        If there are fewer than two stimuli, or the recording has other neurons or frames.
    """
    if len(model.stimuli_) < 2:
        raise InputError(
            "there is nothing to decode with fewer than two stimuli",
            where="field 'stimulus'",
            remedy="use a recording with stimuli",
        )
    rng = np.random.default_rng(seed)
    parts, first, warning = drawn(model, recorded, seed)
    right: dict[str, list[NDArray[np.bool_]]] = {"photocopied": [], "generated": []}
    for at in range(draws):
        some = drawn(model, recorded, seed + at)[1] if at else first
        for name, added in (("photocopied", photocopy(parts.training, rng)), ("generated", some)):
            right[name].append(decode(joined(parts.training, added), parts.held_out))
        progress(at + 1, draws, "decoding")
    copied, generated = (np.stack(right[name]).astype(float) for name in ("photocopied", "generated"))
    alone = float(decode(parts.training, parts.held_out).mean())
    gains = generated - copied
    return Augmentation(
        _dataset(recorded, model.sample(1, seed=seed), parts, first), alone, float(copied.mean()),
        float(generated.mean()), float(gains.mean()), _interval(gains, rng), gains.shape[1], draws, warning,
    )  # fmt: skip


def drawn(model: ConditionalGAN, recorded: xr.Dataset, seed: int) -> tuple[Split, Sample, str]:
    """Return the recording split by what the generator has seen, as many generated trials as it trained on, and doubts.

    Parameters
    ----------
    model
        A trained generator.
    recorded
        The recording that it was trained on.
    seed
        Of the noise.
    """
    made = model.sample(trials_per_stimulus(recorded), seed=seed)
    aligned = align({"recorded": recorded, "generated": made})
    told = seen(made, "the generator", len(aligned.samples["recorded"]))
    parts = split(aligned.samples["recorded"], "interleaved", None if told.training is None else ~told.training)
    counts = {name: int(parts.training.where(name).sum()) for name in parts.training.stimuli}
    some = draw(aligned.samples["generated"], counts, np.random.default_rng(seed))
    return parts, some, told.warning


def joined(one: Sample, other: Sample) -> Sample:
    """Return the trials of two samples as one."""
    trace, stimulus = np.concatenate([one.trace, other.trace]), np.concatenate([one.labels, other.labels])
    return replace(one, trace=trace, stimulus=stimulus, event=None)


def _interval(gains: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, float]:
    """Return the central 95 % of the mean over resampled draws (rows) and resampled trials (columns)."""
    rows, columns = gains.shape
    means = [
        gains[rng.integers(rows, size=rows)][:, rng.integers(columns, size=columns)].mean() for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _dataset(recorded: xr.Dataset, made: xr.Dataset, parts: Split, some: Sample) -> xr.Dataset:
    """Return recorded training trials followed by generated ones, as a recording."""
    both, cut = joined(parts.training, some), cut_trials(recorded)
    origin = np.repeat(["recorded", "generated"], [len(parts.training), len(some)])
    coords = {name: value for name, value in cut["calcium"].coords.items() if set(value.dims) <= {"neuron", "time"}}
    coords |= {"stimulus": ("trial", both.labels), "trial_origin": ("trial", origin)}
    attrs = {**cut["calcium"].attrs}
    return xr.Dataset(
        {"calcium": (("trial", "time", "neuron"), both.trace, attrs)}, coords=coords, attrs=dict(made.attrs)
    )
