"""``brainsim bench connectivity``."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .option import Command, Echo, contest, out, scheduler, seed, workers

if TYPE_CHECKING:
    from brainsim.ground_truth import Case

Maker = Callable[[int], "Case"]


@click.command(cls=Command)
@out("Folder for table.md, table.json, figure.png and reliability.png.")
@contest(
    recordings="A recording that holds true_weight; may be repeated.",
    methods="brainsim, or a peer, also NAME:PARAMETER=VALUE; may be repeated (default: all).",
)
@click.option(
    "--truth",
    type=click.Path(path_type=Path),
    help="Table pre,post,weight: the truth of the one --recording that holds none.",
)
@click.option(
    "--input",
    "source",
    type=click.Choice(["auto", "events", "calcium"]),
    default="auto",
    show_default=True,
    help="Spike times or deconvolved calcium; auto: calcium for presets calcium-..., else spike times if any.",
)
@click.option("--duration", type=click.FloatRange(min=0, min_open=True), help="Keep only the first seconds [s].")
@click.option("--repeats", type=click.IntRange(1), default=1, show_default=True, help="Seeds, from --seed on.")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=3600.0,
    show_default=True,
    help="Longest time of one method on one recording [s].",
)
@workers
@scheduler
@seed
@click.pass_obj
def command(
    echo: Echo, /, out: Path, overwrite: bool, methods: tuple[str, ...], seed: int, repeats: int, **how: Any
) -> None:
    """Hold our inference of connectivity and its peers against the truth: one table, two figures.

    Without --preset and --recording, all presets lif-..., izhikevich-... and calcium-... are simulated. Each method
    runs in a process of its own, so that its seconds and memory are its own; one that fails gets a row that says why.
    --workers and --scheduler share the work of our fits; their answers stay the same bit for bit.
    """
    from brainsim import bench, bench_table
    from brainsim.folder import BENCHMARK, check_folder

    check_folder(out, BENCHMARK, overwrite=overwrite)
    shared = {name: how[name] for name in ("workers", "scheduler")}
    plan = bench.Plan(methods or bench.default_methods(), seed, repeats, limit_s=how["time_limit"], **shared)
    makers = _makers(how["presets"], how["recordings"], how["truth"], how["source"], how["duration"])
    with echo.progress("bench") as progress:
        rows = bench.compete(makers, plan, progress)
    seeds = f"medians of seeds {seed} to {seed + repeats - 1}" if repeats > 1 else f"seed {seed}"
    line = _line(methods, seed, repeats, **how)
    written = bench_table.write(out, rows, seeds, line, overwrite=overwrite)
    if echo.as_json:
        echo.result(rows, "")
    else:
        echo.result(None, _prose(rows), written)


def _makers(
    presets: tuple[str, ...], recordings: tuple[Path, ...], truth: Path | None, source: str, duration: float | None
) -> list[Maker]:
    """Return what makes each recording, given a seed."""
    from brainsim import bench
    from brainsim.ground_truth import prepare
    from brainsim.store import open_recording

    if truth is not None and len(recordings) != 1:
        raise click.UsageError("--truth belongs to exactly one --recording")
    names = presets if presets or recordings else bench.default_presets()
    if not names and not recordings:
        raise click.UsageError("no preset is called lif-..., izhikevich-... or calcium-...; give --preset NAME")
    makers: list[Maker] = []
    for name in names:
        makers.append(partial(_prepared, name, bench.simulated(name), source, duration))
    for path in recordings:
        ready = prepare(path.stem, _with_truth(open_recording(path), truth), source, duration)
        makers.append(partial(_same, ready))
    return makers


def _prepared(name: str, make: Callable[[int], Any], source: str, duration: float | None, seed: int) -> "Case":
    """Simulate and prepare a preset."""
    from brainsim.ground_truth import prepare

    return prepare(name, make(seed), source, duration)


def _same(case: "Case", seed: int) -> "Case":
    """Return a recording, whatever the seed."""
    return case


def _with_truth(dataset: Any, truth: Path | None) -> Any:
    """Add the true weights of a table."""
    if truth is None:
        return dataset
    from brainsim.ground_truth import read_truth

    return dataset.assign(true_weight=(("pre", "post"), read_truth(truth, dataset["neuron"].values)))


def _line(methods: tuple[str, ...], seed: int, repeats: int, **how: Any) -> str:
    """Return the command that makes the table again."""
    words = ["brainsim bench connectivity"]
    words += [f"--preset {name}" for name in how["presets"]] + [f"--recording {p.name}" for p in how["recordings"]]
    words += [f"--truth {how['truth'].name}"] if how["truth"] else []
    words += [f"--method {name}" for name in methods] + (
        [f"--input {how['source']}"] if how["source"] != "auto" else []
    )
    words += [f"--duration {how['duration']:g}"] if how["duration"] else []
    words += [f"--workers {how['workers']}"] if how["workers"] > 1 else []
    words += ["--scheduler ADDRESS"] if how["scheduler"] else []
    return " ".join([*words, f"--seed {seed} --repeats {repeats} --out DIR"])


def _prose(rows: list[dict[str, Any]]) -> str:
    """Lay out the most important columns, then the reasons of what is missing."""
    names = ("ap", "mcc_best", "mcc_own", "sign_accuracy", "ei_accuracy", "direction", "seconds", "peak_mib")
    lines = [["data", "method", *(name.replace("_", " ") for name in names)]]
    for row in rows:
        numbers = ["-" if row[n] is None else f"{row[n]:.{0 if n == 'peak_mib' else 3}f}" for n in names]
        lines.append([row["preset"], row["method"], *numbers])
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    text = [
        "  ".join(
            cell.ljust(w) if k < 2 else cell.rjust(w) for k, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    return "\n".join([*text, *(f"{r['preset']}, {r['method']}: {r['why']}" for r in rows if r["why"])])
