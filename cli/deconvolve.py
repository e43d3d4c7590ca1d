"""``brainsim deconvolve``: fluorescence -> spikes."""

import warnings
from pathlib import Path

import click

from .option import Command, Echo, out, recording, workers


@click.command(cls=Command)
@recording
@out("The recording with spikes: .nc or .zarr.")
@click.option("--method", default="oasis", show_default=True, metavar="NAME", help="oasis or lowpass-diff.")
@click.option("--order", type=click.IntRange(1, 2), help="oasis: 1 models the decay, 2 rise and decay (default 1).")
@workers
@click.pass_obj
def command(
    echo: Echo, recording: Path, out: Path, overwrite: bool, method: str, order: int | None, workers: int
) -> None:
    """Infer spikes from the fluorescence of RECORDING; everything else in it is kept."""
    from brainsim import catalog
    from brainsim.calcium import deconvolve
    from brainsim.store import check_target, open_recording, save_recording

    check_target(out, overwrite=overwrite)
    kind = catalog.get("deconvolution", method)
    if order is not None and "order" not in kind.__dataclass_fields__:
        raise click.UsageError(f"--order has no meaning for the method {method}")
    dataset = open_recording(recording)
    before = str(dataset.attrs.get("notices", "")).splitlines()
    with echo.progress("deconvolve") as progress, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        result = deconvolve(dataset, kind() if order is None else kind(order=order), workers, progress)
    save_recording(result, out, overwrite=overwrite)
    notices = str(result.attrs.get("notices", "")).splitlines()[len(before) :]
    for notice in notices:
        click.echo(f"notice: {notice}", err=True)
    facts = {"method": method, "neurons": result.sizes["neuron"], "notices": notices}
    for name in ("decay_time", "noise", "spike_unit"):
        if name in result.coords and result[name].notnull().any():
            facts[f"median_{name}"] = float(result[name].median())
    told = ", ".join(f"{name.replace('_', ' ')} {facts[name]:.3g}" for name in facts if name.startswith("median_"))
    echo.result(facts, f"{method}: {facts['neurons']} neurons{', ' + told if told else ''}", [out])
