"""``brainsim bench attainable``."""

from pathlib import Path
from typing import Any

import click

from .option import Command, Echo, out, seed


@click.command(cls=Command)
@out("Folder for table.md, table.json and figure.png.")
@click.option(
    "--preset",
    "presets",
    multiple=True,
    metavar="NAME",
    help="A preset that is seen through an indicator; may be repeated (default: all calcium-...).",
)
@click.option(
    "--networks", type=click.IntRange(4), default=24, show_default=True, help="Networks of each preset, from --seed on."
)
@seed
@click.pass_obj
def command(echo: Echo, /, out: Path, overwrite: bool, presets: tuple[str, ...], networks: int, seed: int) -> None:
    """Tell how much of cell types and connections frames can tell at all: half an hour and more.

    Classifiers learn from simulated networks whose truth is known what an excitatory, an inhibitory and no synapse look
    like, and judge networks of the same preset that they have not seen: by the fluorescence; by the same where it is
    known who is connected; and by the true spikes in the same frames. Our fit, which is told nothing, stands beside.
    """
    from brainsim import attainable, bench, bench_attainable_table, catalog
    from brainsim.folder import BENCHMARK, check_folder

    check_folder(out, BENCHMARK, overwrite=overwrite)
    names = presets or tuple(name for name in catalog.names("preset") if name.startswith("calcium-"))
    with echo.progress("bench") as progress:
        rows = attainable.compete(names, networks, seed, lambda each: bench.method_of("brainsim", each), progress)
    words = ["brainsim bench attainable", *(f"--preset {name}" for name in presets)]
    line = " ".join([*words, f"--networks {networks} --seed {seed} --out DIR"])
    written = bench_attainable_table.write(out, rows, line, overwrite=overwrite)
    if echo.as_json:
        echo.result(rows, "")
    else:
        echo.result(None, _prose(rows), written)


def _prose(rows: list[dict[str, Any]]) -> str:
    """Lay the rows out as a table."""
    from brainsim.bench_attainable_table import cells
    from brainsim.bench_page import aligned

    lines = [["data", "method", "networks", "types right", "quartiles", "all called E", "ap"]]
    lines += [[row["preset"], row["method"], *cells(row)] for row in rows]
    return aligned(lines, rows, "preset")
