"""``brainsim bench scale``."""

from pathlib import Path

import click

from .option import Command, Echo

SMALL = ((128, 30.0, 5.0), (256, 30.0, 5.0), (256, 60.0, 20.0), (512, 30.0, 5.0), (512, 60.0, 10.0))
LARGEST = (1000, 60.0, 5.0)
ASKED = ((1000, 600.0, 5.0), (5000, 600.0, 2.0), (10_000, 600.0, 2.0), (100_000, 600.0, 1.0))


@click.command(cls=Command)
@click.option("--out", type=click.Path(path_type=Path), help="Write what was measured as JSON to this file too.")
@click.option("--overwrite", is_flag=True, help="Replace an existing result.")
@click.pass_obj
def command(echo: Echo, /, out: Path | None, overwrite: bool) -> None:
    """Measure what fits cost, by kind of task, and tell what larger ones will cost (docs/scale.md)."""
    import json

    from brainsim import bench_scale, store
    from brainsim.bench_scale import Size

    if out is not None:
        store.check_target(out, overwrite=overwrite, suffixes=(".json",))
    sizes, largest = [Size(*each) for each in SMALL], Size(*LARGEST)
    with echo.progress("bench") as progress:
        model, found, last, error = bench_scale.compare(sizes, largest, progress)
    rows = [
        {"neurons": size.neurons, "seconds": size.seconds, "rate": size.rate, **each}
        for size, each in zip([*sizes, largest], [*found, last], strict=True)
    ]
    asked = [
        {"neurons": size.neurons, "seconds": size.seconds, "rate": size.rate}
        | {f"hours_{workers}": model.wall(size, workers) / 3600 for workers in (1, 2, 16, 128)}
        for size in (Size(*each) for each in ASKED)
    ]
    facts = {"measured": rows, "model": model.of, "error_of_largest": error, "predicted": asked}
    if out is not None:
        store.write_text(out, json.dumps(facts, indent=1) + "\n")
    lines = [f"{'neurons':>8}{'s':>7}{'Hz':>6}" + "".join(f"{name:>10}" for name in (*bench_scale.KINDS, "passes"))]
    for row in rows:
        numbers = "".join(f"{row[name]:10.2f}" for name in (*bench_scale.KINDS, "passes"))
        lines.append(f"{row['neurons']:8.0f}{row['seconds']:7.0f}{row['rate']:6.0f}{numbers}")
    lines.append(f"the model is off by {error:+.0%} on the last, which it has not seen (seconds of processor time)")
    for row in asked:
        hours = ", ".join(f"{workers}: {row[f'hours_{workers}']:.3g} h" for workers in (1, 2, 16, 128))
        lines.append(f"{row['neurons']} neurons, {row['seconds']:g} s, {row['rate']:g} Hz with workers {hours}")
    echo.result(facts, "\n".join(lines), [out] if out is not None else [])
