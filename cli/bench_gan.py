"""``brainsim bench gan``."""

from pathlib import Path

import click

from .option import Command, Echo, out, seed


@click.command(cls=Command)
@click.argument("recordings", nargs=-1, type=click.Path(path_type=Path))
@out("Folder for table.md, table.json and figure.png.")
@click.option(
    "--model", "models", multiple=True, metavar="NAME", help="r3gan or wgan-gp; may be repeated (default: both)."
)
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="Trainings of each kind.")
@click.option("--epochs", type=click.IntRange(1), help="In place of each model's own.")
@click.option("--cost", is_flag=True, help="Also time an epoch beside dense networks of the original project's size.")
@seed
@click.pass_obj
def command(
    echo: Echo,
    /,
    recordings: tuple[Path, ...],
    out: Path,
    overwrite: bool,
    models: tuple[str, ...],
    seeds: int,
    epochs: int | None,
    cost: bool,
    seed: int,
) -> None:
    """Train generators on RECORDINGS and hold them beside rivals that cost nothing: one table, one figure.

    Without RECORDINGS the bundled one is used. Everything is judged on trials that neither model nor rival has seen.
    """
    from brainsim.folder import BENCHMARK, check_folder

    check_folder(out, BENCHMARK, overwrite=overwrite)
    from brainsim import bench_gan, bench_gan_cost, bench_gan_table, catalog
    from brainsim.dataset import load_dataset
    from brainsim.store import open_recording

    models = models or tuple(catalog.names("model"))
    for name in models:
        catalog.get("model", name)
    cases = [(path.stem, open_recording(path)) for path in recordings] or [
        ("pairing-small", load_dataset("pairing-small"))
    ]
    with echo.progress("bench") as progress:
        rows = bench_gan.compete(cases, bench_gan.Plan(models, seeds, seed, epochs), progress)
    words = [*(path.name for path in recordings), *(f"--model {name}" for name in models)]
    flags = f"--seeds {seeds} --seed {seed}{f' --epochs {epochs}' if epochs else ''}{' --cost' if cost else ''}"
    costs = bench_gan_cost.compare() if cost else []
    line = " ".join(["brainsim bench gan", *words, flags, "--out DIR"])
    written = bench_gan_table.write(out, [*rows], line, costs, overwrite=overwrite)
    if echo.as_json:
        echo.result([*rows, *costs], "")
    else:
        echo.result(None, (out / "table.md").read_text(encoding="utf-8"), written)
