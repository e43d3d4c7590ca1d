"""``brainsim snn fit``."""

from pathlib import Path
from typing import Any

import click

from .option import Command, Echo, likelihood, out, recording, seed, with_spikes, workers


@click.command(cls=Command)
@recording
@out("The fit (.nc or .zarr).")
@click.option("--rule", default="ml", show_default=True, help="How synapses learn: a name in the catalogue of rules.")
@click.option("--neuron", default=None, help="Neuron model; by default the rule's own.")
@likelihood
@click.option(
    "--bin-ms",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Width of a bin for spike times [ms].",
)
@click.option("--delay-ms", type=click.FloatRange(min=0), default=None, help="Synaptic delay [ms]; at least one bin.")
@click.option(
    "--repeats", type=click.IntRange(1), default=1, show_default=True, help="Random initialisations (online rules)."
)
@click.option("--known-types", is_flag=True, help="Take the cell types of the recording as known (rule ml).")
@click.option(
    "--dale",
    is_flag=True,
    help="Fit again with one sign for all synapses of a neuron whose type was inferred or is known (rule ml).",
)
@click.option(
    "--check/--no-check",
    default=True,
    show_default=True,
    help="Let the fitted network run freely and say whether it can be trusted (rule ml).",
)
@workers
@seed
@click.pass_obj
def command(
    echo: Echo,
    /,
    recording: Path,
    out: Path,
    rule: str,
    neuron: str | None,
    repeats: int,
    seed: int,
    overwrite: bool,
    **how: Any,
) -> None:
    """Fit a spiking network with plastic synapses to RECORDING."""
    from dataclasses import replace

    from brainsim import catalog
    from brainsim.gradient import Settings
    from brainsim.network import SpikingNetwork
    from brainsim.store import check_target, open_recording, save_recording

    check_target(out, overwrite=overwrite)
    chosen = _rule(rule, how["tau_ms"], how["delay_ms"])
    model = catalog.get("neuron", neuron)() if neuron else None
    dataset = open_recording(recording)
    if chosen.learns == "gradient":
        dataset = with_spikes(dataset, how["workers"], echo)
    settings = Settings(how["fitted"], how["bin_ms"] / 1000, how["ridge"], how["workers"])
    settings = replace(settings, check=how["check"], known_types=how["known_types"], dale=how["dale"])
    network = SpikingNetwork(chosen, model, settings, repeats, seed)
    with echo.progress("fit") as progress:
        result = network.fit(dataset, progress).fit_
    assert result is not None
    result.attrs.update(recording=recording.name)
    written = save_recording(result, out, overwrite=overwrite)
    echo.result(dict(result.attrs), _prose(result), [written])


def _rule(name: str, tau: float | None, delay: float | None) -> Any:
    """Return the rule with the time constants that were asked for."""
    from brainsim import catalog

    kind = catalog.get("rule", name)
    given = {k: v for k, v in (("tau", tau), ("delay", delay)) if v is not None}
    if given and name != "ml":
        raise click.UsageError("--tau-ms and --delay-ms belong to --rule ml")
    return kind(**given)


def _prose(fit: Any) -> str:
    """Say in a few lines what the fit found."""
    attrs, n = fit.attrs, fit.sizes["neuron"]
    times = f"{attrs['seconds_fit']:.1f} s (compiling {attrs['seconds_compile']:.1f} s)"
    found = _learned(fit) if attrs["rule"] != "ml" else _inferred(fit)
    cautions = [f"caution: {notice}" for notice in str(attrs.get("notices", "")).splitlines()]
    return "\n".join([f"{attrs['rule']} fit of {n} neurons in {times}", *found, *cautions])


def _learned(fit: Any) -> list[str]:
    """Say what an online rule did to the weights, and whether the network answered as the cells did."""
    from brainsim.resemblance import sentence

    change = float((fit["weight"] / fit["weight_initial"].where(fit["weight_initial"] != 0)).mean()) - 1
    attrs = fit.attrs
    rate, types = attrs["simulated_rate_hz"], attrs["cell_types"]
    runs = f"{attrs['repeats']} runs" if attrs["repeats"] > 1 else "one run"
    lines = [f"{runs}; mean change of a weight {change:+.2%}; cell types: {types}; simulated rate {rate:.2f} Hz"]
    if "decoding_accuracy" in attrs:
        lines.append(
            f"the stimulus is read from the input in {attrs['decoding_accuracy']:.1%} of {attrs['decoding_trials']} "
            f"held-out trials (chance {attrs['decoding_chance']:.1%})"
        )
    return lines + ([sentence(fit)] if "resemblance" in fit else [])


def _inferred(fit: Any) -> list[str]:
    """Say what the likelihood says about the pairs, and when not to trust it."""
    attrs, n = fit.attrs, fit.sizes["neuron"]
    called = int((fit["edge_probability"] > 0.5).sum())
    types = ", ".join(f"{int((fit['cell_type'] == kind).sum())} {kind}" for kind in ("E", "I", "unknown"))
    lines = [
        f"log likelihood {attrs['log_likelihood_per_spike']:.4f} nats per spike, "
        f"{attrs['log_likelihood_per_spike_held_out']:.4f} on held-out time; "
        f"{attrs['passes']} passes, ridge {attrs['ridge']:g}",
        f"{called} of {n * (n - 1)} pairs are connected with probability > 0.5; cells: {types}",
    ]
    return lines + ([f"trust: {attrs['trust']}"] if "trust" in attrs else [])
