"""`brainsim gan train`."""

import os
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
@click.option("--model", default="r3gan", show_default=True, help="r3gan, or wgan-gp (the original project's paper).")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the trials.  [r3gan: 100, wgan-gp: 2000]")
@click.option("--batch-size", type=click.IntRange(1), help="Trials per step.  [r3gan: 64, wgan-gp: 32; at most all]")
@click.option("--lr", type=float, help="Learning rate of Adam.  [r3gan: 0.0002, wgan-gp: 0.0001]")
@click.option("--b1", type=float, help="Decay of Adam's mean of gradients.  [r3gan: 0, wgan-gp: 0.9]")
@click.option("--b2", type=float, help="Decay of Adam's mean of squared gradients.  [r3gan: 0.99, wgan-gp: 0.9999]")
@click.option("--latent-dim", type=click.IntRange(1), help="Noises that neurons share.  [r3gan: 128, wgan-gp: 512]")
@click.option("--penalty", type=float, help="Weight of the penalty.  [r3gan: chosen on trials put aside, wgan-gp: 10]")
@click.option(
    "--hold-out",
    type=click.Choice(["interleaved", "blocks", "none"]),
    default="interleaved",
    show_default=True,
    help="Trials that nothing is learned from: two of every five, the second half of each stimulus, or none.",
)
@click.option(
    "--early-stop/--no-early-stop",
    default=True,
    show_default=True,
    help="Use the epoch that is best on trials put aside (r3gan).",
)
@click.option("--sample-interval", type=click.IntRange(1), help="Epochs between checkpoints.  [a fifth of all]")
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

    By default two of every five trials are held out, so that `brainsim compare` with them is honest. The folder appears
    before the first epoch; after an interruption, --resume ends in exactly the model that an uninterrupted training
    gives. On several CUDA devices: torchrun --nproc-per-node N $(which brainsim) gan train ...
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
    if os.environ.get("RANK", "0") != "0":  # one of the processes of torchrun speaks
        return
    for notice in model.notices_:
        echo.say(notice)
    facts = _facts(model)
    speed = f", {facts['steps_per_second']:.0f} gradient steps/s" if facts["steps_per_second"] else ""
    choice = facts["choice"]
    used = f"the model is that of epoch {facts['epochs'] if choice['epoch'] is None else choice['epoch']}"
    prose = f"{facts['epochs']} epochs{speed}; penalty {choice['penalty']:g}; {used} ({choice['why']})"
    echo.result(facts, prose, [out])


def _facts(model: "ConditionalGAN") -> dict[str, Any]:
    """Return what came of the training as plain values."""
    curve, speed = model.learning_curve_, model.steps_per_second_
    return {
        "epochs": len(curve["wasserstein"]),
        "stimuli": list(model.stimuli_),
        "choice": {name: model.choice_[name] for name in ("penalty", "epoch", "why")},
        "parameters": sum(each.numel() for each in model.generator_.parameters()),
        "steps_per_second": round(speed, 1) if speed == speed else None,
        "last": {name: float(values[-1]) for name, values in curve.items()},
        "notices": list(model.notices_),
    }
