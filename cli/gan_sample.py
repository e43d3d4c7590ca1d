"""`brainsim gan sample`."""

from pathlib import Path

import click

from .option import Command, Echo, out, seed


@click.command(cls=Command)
@click.argument("gan_dir", type=click.Path(path_type=Path))
@out("Generated recording, .nc or .zarr.")
@click.option("--trials", type=click.IntRange(1), default=30, show_default=True, help="Trials of each stimulus.")
@click.option(
    "--stimulus", "stimuli", multiple=True, help="Only this stimulus; may be given several times. Default: all."
)
@click.option(
    "--checkpoint", type=click.IntRange(1), help="Sample from the checkpoint of this epoch, not from the final model."
)
@seed
@click.pass_obj
def command(
    echo: Echo,
    /,
    gan_dir: Path,
    out: Path,
    overwrite: bool,
    trials: int,
    stimuli: tuple[str, ...],
    checkpoint: int | None,
    seed: int,
) -> None:
    """Generate trials with the generator in GAN_DIR (made by `brainsim gan train`)."""
    from brainsim.store import check_target, save_recording

    check_target(out, overwrite=overwrite)
    from brainsim.gan import ConditionalGAN

    generated = ConditionalGAN.load(gan_dir, checkpoint).sample(trials, stimuli or None, seed)
    path = save_recording(generated, out, overwrite=overwrite)
    sizes = {str(name): int(size) for name, size in generated.sizes.items()}
    kinds = sorted(set(generated["stimulus"].values.tolist()))
    frames = f"{sizes['time']} frames x {sizes['neuron']} neurons"
    prose = f"{sizes['trial']} trials ({trials} of each of {len(kinds)} stimuli), {frames}"
    echo.result({"sizes": sizes, "stimuli": kinds, "seed": seed}, prose, [path])
