"""``brainsim data write``: a recording -> CSV."""

from pathlib import Path

import click

from .option import Command, Echo, out, recording


@click.command(cls=Command)
@recording
@out("The table: .csv; stimuli go beside it into FILE_stimuli.csv or FILE_tag.csv.")
@click.option(
    "--variable",
    type=click.Choice(["calcium", "spikes", "spike_time"]),
    help="What to write; by default the first of these that RECORDING has.",
)
@click.pass_obj
def command(echo: Echo, recording: Path, out: Path, overwrite: bool, variable: str | None) -> None:
    """Write RECORDING as CSV: wide for traces, long for spike times, trial x neuron for trial tables."""
    from brainsim.export import write_csv
    from brainsim.store import check_target, open_recording

    check_target(out, overwrite=overwrite, suffixes=(".csv",))
    dataset = open_recording(recording)
    written = write_csv(dataset, out, variable, overwrite=overwrite)
    variable = variable or next(name for name in ("calcium", "spikes", "spike_time") if name in dataset)
    hint = f"read it back with: brainsim data read {out} --out REC.nc"
    if variable == "spike_time":
        hint += f" --duration {dataset.attrs.get('duration_s', 'SECONDS')} --neurons {dataset.sizes['neuron']}"
    echo.result({"variable": variable, "sizes": dict(dataset[variable].sizes)}, hint, written)
