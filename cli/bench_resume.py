"""``brainsim bench resume``."""

from pathlib import Path

import click

from .option import Command, Echo, seed


@click.command(cls=Command)
@click.argument("recording", type=click.Path(path_type=Path))
@click.option("--times", type=click.IntRange(1), default=20, show_default=True, help="Interruptions of each command.")
@click.option("--epochs", type=click.IntRange(1), default=40, show_default=True, help="Epochs of `gan train`.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Workers of `snn fit`.")
@seed
@click.pass_obj
def command(echo: Echo, /, recording: Path, times: int, epochs: int, workers: int, seed: int) -> None:
    """Kill `snn fit` and `gan train` at random moments, resume them, and hold the results against undisturbed runs."""
    import tempfile

    from brainsim.bench_resume import interruptions

    source = str(recording.resolve())
    training = ("gan", "train", source, "--epochs", str(epochs), "--sample-interval", "5", "--quiet")
    commands = {
        "snn fit": ("snn", "fit", source, "--workers", str(workers), "--no-check", "--quiet"),
        "gan train": (*training, "--latent-dim", "16", "--seed", str(seed)),
    }
    facts, lines = {}, []
    with tempfile.TemporaryDirectory(prefix="brainsim-bench-") as folder, echo.progress("bench") as progress:
        for name, arguments in commands.items():
            out = Path(folder) / ("fit.nc" if name == "snn fit" else "gan")
            seconds, found = interruptions(arguments, out, times, seed, progress)
            whole, running = sum(each.identical for each in found), sum(each.running for each in found)
            facts[name] = {"identical": whole, "running": running, "times": times, "seconds": round(seconds, 2)}
            told = f"{whole} of {times} identical to the undisturbed run of {seconds:.1f} s"
            lines.append(f"{name}: {told}; {running} were running when killed")
    echo.result(facts, "\n".join(lines))
