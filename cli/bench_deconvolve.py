"""``brainsim bench deconvolve``."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .option import Command, Echo, contest, out, seed

if TYPE_CHECKING:
    from brainsim.bench_deconvolution import Case


@click.command(cls=Command)
@out("Folder for table.md, table.json and figure.png.")
@contest(
    recordings="A recording with calcium and true spike times, in any supported format; may be repeated.",
    methods="brainsim, oasis-defaults (the library as it is), or a method of `deconvolve`; repeatable (default: all).",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    default=7.5,
    show_default=True,
    help="Bins per second; at most the frame rate.",
)
@seed
@click.pass_obj
def command(
    echo: Echo,
    /,
    out: Path,
    overwrite: bool,
    presets: tuple[str, ...],
    recordings: tuple[Path, ...],
    methods: tuple[str, ...],
    rate: float,
    seed: int,
) -> None:
    """Hold our deconvolution and others against true spikes: one table, one figure.

    Without --preset and --recording, the presets calcium-... are simulated. Recordings of one data set (the folder of
    CASCADE files) share a row.
    """
    from brainsim import bench_deconvolution as bench
    from brainsim import bench_deconvolution_table as page
    from brainsim.folder import BENCHMARK, check_folder

    check_folder(out, BENCHMARK, overwrite=overwrite)
    methods = methods or bench.default_methods()
    for name in methods:
        bench.method_of(name)
    with echo.progress("bench") as progress:
        rows = bench.compete(_cases(presets, recordings, seed), methods, rate, seed, progress)
    words = [*(f"--preset {name}" for name in presets), *(f"--recording {path.name}" for path in recordings)]
    words += [f"--method {name}" for name in methods]
    line = " ".join(["brainsim bench deconvolve", *words, f"--rate {rate:g} --seed {seed} --out DIR"])
    written = page.write(out, rows, rate, line, overwrite=overwrite)
    if echo.as_json:
        echo.result(rows, "")
    else:
        echo.result(None, _prose(rows), written)


def _cases(presets: tuple[str, ...], recordings: tuple[Path, ...], seed: int) -> "Iterator[Case]":
    """Simulate and read."""
    from brainsim import catalog
    from brainsim.bench_deconvolution import case
    from brainsim.reading import read_recording
    from brainsim.simulate import simulate

    if not presets and not recordings:
        presets = tuple(name for name in catalog.names("preset") if name.startswith("calcium-"))
    kinds = [(name, catalog.get("preset", name)) for name in presets]
    read = [case(path.stem, read_recording([path])) for path in recordings]
    for name, kind in kinds:
        yield case(name, simulate(kind(), seed))
    yield from read


def _prose(rows: list[dict[str, Any]]) -> str:
    """Lay the rows out as a table."""
    from brainsim.bench_deconvolution_table import cells
    from brainsim.bench_page import aligned

    lines = [["data", "method", "neurons", "median", "quartiles", "seconds"]]
    lines += [[row["data"], row["method"], *cells(row)] for row in rows]
    return aligned(lines, rows, "data")
