"""``brainsim bench likelihood``."""

from pathlib import Path
from typing import Any

import click

from .option import Command, Echo, seed


@click.command(cls=Command)
@click.option("--out", type=click.Path(path_type=Path), help="Write the rows as JSON to this file too.")
@click.option("--overwrite", is_flag=True, help="Replace an existing result.")
@click.option("--runs", type=click.IntRange(1), default=5, show_default=True, help="Fits of each; medians are shown.")
@click.option("--neurons", type=click.IntRange(2), default=100, show_default=True, help="Neurons of the network.")
@click.option(
    "--seconds", type=click.FloatRange(min=1), default=120.0, show_default=True, help="Length of the data [s]."
)
@click.option(
    "--ridge",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Precision of the prior of a weight, in both programs.",
)
@seed
@click.pass_obj
def command(echo: Echo, /, out: Path | None, overwrite: bool, runs: int, **size: Any) -> None:
    """Fit the same model to the same spikes with brainsim and with nemos: log likelihood and seconds.

    A balanced network of leaky integrate-and-fire neurons is simulated; both programs get its spikes in bins of 1 ms,
    one exponential trace of 10 ms for each presynaptic neuron, and the same prior. nemos: pip install
    'brainsim-toolkit[bench]'.
    """
    import json

    from brainsim import bench_cost, bench_likelihood, store
    from brainsim.balanced import balanced_lif
    from brainsim.rule.ml import Ml

    if out is not None:
        store.check_target(out, overwrite=overwrite, suffixes=(".json",))
    with echo.progress("bench") as progress:
        rows = bench_likelihood.compare(bench_likelihood.Size(**size), runs, progress)
        data = balanced_lif(size["neurons"], size["seconds"], size["seed"])
        rule = Ml(tau=bench_likelihood.TAU_BINS, delay=bench_likelihood.DELAY_BINS)
        cost = bench_cost.cost(data, rule)
        next(row for row in rows if "warm" in row["program"])["cost"] = cost
    if out is not None:
        store.write_text(out, json.dumps(rows, indent=1) + "\n")
    if echo.as_json:
        echo.result(rows, "")
    else:
        echo.result(None, "\n".join([*_lines(rows, runs), *_cost_lines(cost)]), [out] if out is not None else [])


def _lines(rows: list[dict[str, Any]], runs: int) -> list[str]:
    """Lay the rows out as a table."""
    lines = [f"{'medians of ' + str(runs) + ' runs':24}{'nats per spike':>16}{'seconds':>10}{'x nemos':>10}"]
    for row in rows:
        numbers = [
            (row["log_likelihood_per_spike"], 16, ".6f"),
            (row["seconds"], 10, ".2f"),
            (row["faster"], 10, ".1f"),
        ]
        cells = [f"{'-' if value is None else format(value, form):>{width}}" for value, width, form in numbers]
        lines.append(f"{row['program']:24}{''.join(cells)}" + (f"  {row['why']}" if row["why"] else ""))
    return lines


def _cost_lines(cost: dict[str, float]) -> list[str]:
    """Say what a pass costs, beside the bandwidth of the memory."""
    return [
        f"one pass: {cost['seconds_per_pass']:.3f} s of processor time, "
        f"{cost['ns_per_synaptic_event']:.2f} ns per synaptic event, "
        f"{cost['ns_per_neuron_step']:.2f} ns per neuron and step",
        f"memory bound of a pass: {cost['seconds_per_pass_bound']:.3f} s at {cost['triad_gb_per_s']:.1f} GB/s (triad); "
        "below it where weights stay in the cache",
    ]
