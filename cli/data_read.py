"""``brainsim data read``: any supported format -> the schema."""

from pathlib import Path
from typing import Any

import click

from .option import Command, Echo, out


@click.command(cls=Command)
@click.argument("sources", metavar="SRC...", nargs=-1, required=True, type=click.Path(path_type=Path))
@out("The recording: .nc or .zarr.")
@click.option("--format", "format_name", metavar="NAME", help="Format of SRC; guessed by default.")
@click.option("--sampling-rate", type=float, metavar="HZ", help="Frames per second, where the file does not tell.")
@click.option("--duration", type=float, metavar="SECONDS", help="Length of a recording of spikes.")
@click.option("--neurons", type=int, metavar="N", help="Number of neurons of a recording of spikes.")
@click.option(
    "--stimuli",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Table onset_s,duration_s,stimulus, or one label per trial.",
)
@click.option(
    "--orientation",
    type=click.Choice(["neuron-time", "time-neuron"]),
    help="Rows x columns of a table that does not tell.",
)
@click.option(
    "--units",
    type=click.Choice(["dF/F", "raw fluorescence", "active fraction"]),
    help="Unit of the traces, where the file does not tell.",
)
@click.option("--variable", metavar="NAME", help="Which of several traces or matrices in SRC to read.")
@click.option(
    "--rois",
    type=click.Choice(["accepted", "all"]),
    help="Which ROIs to read; by default those accepted as cells.",
)
@click.option(
    "--neuropil",
    type=float,
    metavar="SHARE",
    help="Share of the neuropil to take off; by default what SRC tells, else 0.7; 0 for none.",
)
@click.option(
    "--cell-type",
    metavar="E|I|FILE",
    help="Type of all neurons, or a table neuron,cell_type.",
)
@click.pass_obj
def command(
    echo: Echo, /, sources: tuple[Path, ...], out: Path, overwrite: bool, format_name: str | None, **options: Any
) -> None:
    """Read SRC of any supported format and write it as a recording.

    SRC is a file, a file and its stimulus file, or a folder with one session. Missing frames stay missing.
    """
    from brainsim.inspection import describe
    from brainsim.reader import ReadOptions
    from brainsim.reading import read_recording
    from brainsim.store import check_target, save_recording

    check_target(out, overwrite=overwrite)
    dataset = read_recording(sources, format_name, ReadOptions(**options))
    facts = describe(dataset, "warning")
    save_recording(dataset, out, overwrite=overwrite)
    for notice in str(dataset.attrs.get("notices", "")).splitlines():
        click.echo(f"notice: {notice}", err=True)
    for finding in facts["findings"]:
        click.echo(f"{finding['severity']}: {finding['field']}: {finding['found']}; {finding['remedy']}", err=True)
    sizes = ", ".join(f"{size} {name}" for name, size in facts["sizes"].items())
    echo.result(facts, f"{dataset.attrs['input_file']}: {dataset.attrs['format']}, {sizes}", [out])
