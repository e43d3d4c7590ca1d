"""``brainsim snn sample``."""

from pathlib import Path

import click

from .option import Command, Echo, out, seed


@click.command(cls=Command)
@click.argument("fit", type=click.Path(path_type=Path))
@out("The simulated recording (.nc or .zarr).")
@seed
@click.pass_obj
def command(echo: Echo, fit: Path, out: Path, seed: int, overwrite: bool) -> None:
    """Let the fitted network of FIT run freely: a simulated recording with calcium."""
    from brainsim import freerun
    from brainsim.store import check_target, open_recording, save_recording

    check_target(out, overwrite=overwrite)
    simulated = freerun.sample(open_recording(fit), seed)
    simulated.attrs["fit"] = fit.name
    written = save_recording(simulated, out, overwrite=overwrite)
    ratio, neurons = simulated.attrs["rate_ratio"], simulated.sizes["neuron"]
    prose = f"free run of {neurons} neurons: mean rate {ratio:.2f} times the recorded one"
    if "notices" in simulated.attrs:
        prose += f"\ncaution: {simulated.attrs['notices']}"
    echo.result(dict(simulated.attrs), prose, [written])
