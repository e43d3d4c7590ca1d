"""``brainsim deconvolve``: fluorescence -> spikes."""

import warnings
from pathlib import Path
from typing import Any

import click

from .option import Command, Echo, out, recording, scheduler, workers


@click.command(cls=Command)
@recording
@out("The recording with spikes: .nc or .zarr.")
@click.option("--method", default="oasis", show_default=True, metavar="NAME", help="oasis or lowpass-diff.")
@click.option("--order", type=click.IntRange(1, 2), help="oasis: 1 models the decay, 2 rise and decay (default 1).")
@click.option(
    "--decay",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="oasis: decay of the indicator, where it is known; counts as much as the estimate of each neuron.",
)
@workers
@scheduler
@click.pass_obj
def command(echo: Echo, /, recording: Path, out: Path, overwrite: bool, method: str, **options: Any) -> None:
    """Infer spikes from the fluorescence of RECORDING; everything else in it is kept.

    From .zarr to .zarr it works block by block of neurons: the recording need not fit into memory.
    """
    from brainsim import catalog
    from brainsim.calcium import deconvolve
    from brainsim.calcium_file import deconvolve_file
    from brainsim.store import check_target, naming, open_recording, save_recording

    check_target(out, overwrite=overwrite)
    kind = catalog.get("deconvolution", method)
    workers, scheduler = (options.pop(name) for name in ("workers", "scheduler"))
    how = _parameters(kind, method, **options)
    dataset = open_recording(recording, validate=False, lazy=out.suffix == ".zarr")
    before = str(dataset.attrs.get("notices", "")).splitlines()
    with echo.progress("deconvolve") as progress, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if out.suffix == ".zarr":
            made = (kind(**how), workers, progress)
            result = deconvolve_file(recording, out, *made, scheduler=scheduler, overwrite=overwrite)
        else:
            with naming(dataset, str(recording)):
                result = deconvolve(dataset, kind(**how), workers, progress, scheduler)
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


def _parameters(kind: Any, method: str, order: int | None, decay: float | None) -> dict[str, Any]:
    """Return the parameters that were given, or refuse one that the method does not have."""
    given = {"order": order, "known_decay": decay}
    for option, (name, value) in zip(("--order", "--decay"), given.items(), strict=True):
        if value is not None and name not in kind.__dataclass_fields__:
            raise click.UsageError(f"{option} has no meaning for the method {method}")
    return {name: value for name, value in given.items() if value is not None}
