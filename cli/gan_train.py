"""`brainsim gan train`."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .option import Command, Echo, out, recording, seed

if TYPE_CHECKING:
    from brainsim.gan import ConditionalGAN


@click.command(cls=Command)
@recording
@out("Folder for the model, its checkpoints and its learning curve.")
@click.option("--epochs", type=click.IntRange(1), default=500, show_default=True, help="Passes over the trials.")
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True, help="Trials per step.")
@click.option(
    "--lr",
    type=float,
    default=5e-4,
    show_default=True,
    help="Learning rate of Adam; the generator takes a fifth of it where trials have several frames.",
)
@click.option("--b1", type=float, default=0.9, show_default=True, help="Decay of Adam's mean of gradients.")
@click.option("--b2", type=float, default=0.9999, show_default=True, help="Decay of Adam's mean of squared gradients.")
@click.option(
    "--latent-dim", type=click.IntRange(1), default=512, show_default=True, help="Length of the noise vector."
)
@click.option(
    "--sample-interval", type=click.IntRange(1), default=100, show_default=True, help="Epochs between checkpoints."
)
@click.option(
    "--n-cpu", type=click.IntRange(1), default=1, show_default=True, help="Threads; 1 is fastest for small models."
)
@click.option(
    "--device", type=click.Choice(["cpu", "cuda", "auto"]), default="cpu", show_default=True, help="Where to train."
)
@click.option("--resume", is_flag=True, help="Continue the training in --out (begin where there is none).")
@seed
@click.pass_obj
def command(echo: Echo, /, recording: Path, out: Path, overwrite: bool, resume: bool, **setting: Any) -> None:
    """Train a generator of trials on RECORDING, conditional on the stimulus.

    A Wasserstein GAN with gradient penalty. The folder appears at the first checkpoint; after an interruption,
    --resume ends in exactly the model that an uninterrupted training gives.
    """
    if overwrite and resume:
        raise click.UsageError("--overwrite and --resume exclude each other")
    from brainsim.checkpoint import check_folder
    from brainsim.store import open_recording

    check_folder(out, overwrite=overwrite, resume=resume)
    dataset = open_recording(recording)
    from brainsim.gan import ConditionalGAN

    if resume and not out.exists():
        echo.say(f"{out} does not exist: nothing to resume, the training begins")
    model = ConditionalGAN(**setting)
    with warnings.catch_warnings(), echo.progress("training") as progress:
        warnings.simplefilter("ignore")
        model.fit(dataset, progress, folder=out, resume=resume, overwrite=overwrite)
    for notice in model.notices_:
        echo.say(notice)
    facts = _facts(model)
    speed = f", {facts['steps_per_second']:.0f} gradient steps/s" if facts["steps_per_second"] else ""
    distance = facts["last"]["wasserstein"]
    echo.result(facts, f"{facts['epochs']} epochs, Wasserstein estimate {distance:.3g}{speed}", [out])


def _facts(model: "ConditionalGAN") -> dict[str, Any]:
    """Return what came of the training as plain values."""
    curve, speed = model.learning_curve_, model.steps_per_second_
    return {
        "epochs": len(curve["wasserstein"]),
        "stimuli": list(model.stimuli_),
        "parameters": sum(each.numel() for each in model.generator_.parameters()),
        "steps_per_second": round(speed, 1) if speed == speed else None,
        "last": {name: float(values[-1]) for name, values in curve.items()},
        "notices": list(model.notices_),
    }
