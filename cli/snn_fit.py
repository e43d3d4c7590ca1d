"""``brainsim snn fit``."""

from pathlib import Path
from typing import Any

import click

from .option import NO_SPIKES, Command, Echo, likelihood, out, recording, scheduler, seed, with_spikes, workers


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
@scheduler
@click.option("--resume", is_flag=True, help="Go on from the shards that an interrupted fit left beside --out.")
@seed
@click.pass_obj
def command(
    echo: Echo,
    /,
    recording: Path,
    out: Path,
    seed: int,
    overwrite: bool,
    resume: bool,
    **how: Any,
) -> None:
    """Fit a spiking network with plastic synapses to RECORDING.

    Shards of the work are kept in FIT.nc.shards until the fit is written: after an interruption, --resume ends in
    exactly the fit that an uninterrupted run gives.
    """
    if overwrite and resume:
        raise click.UsageError("--overwrite and --resume exclude each other")
    from brainsim import unfinished
    from brainsim.cluster import hasten
    from brainsim.store import check_target, open_recording, save_recording

    check_target(out, overwrite=overwrite or resume)
    if unfinished.finished(out, resume=resume):
        echo.say(f"{out} is finished: nothing to resume")
        echo.result(dict(open_recording(out).attrs), "", [out])
        return
    hasten(how["workers"], how["scheduler"])
    network = _network(seed, **how)
    with unfinished.kept(out, _facts(recording, network), resume=resume, overwrite=overwrite) as work:
        if resume:
            echo.say(f"going on from {work.there} shards" if work.there else "nothing to resume: the fit begins")
        result = _fitted(network, recording, work.folder, echo)
        written = save_recording(result, out, overwrite=work.overwrite)
    echo.result(dict(result.attrs), _prose(result), [written])


def _network(seed: int, rule: str, neuron: str | None, repeats: int, **how: Any) -> Any:
    """Return the network that was asked for."""
    chosen = _rule(rule, how["tau_ms"], how["delay_ms"])
    from brainsim import catalog
    from brainsim.gradient import Settings
    from brainsim.network import SpikingNetwork

    model = catalog.get("neuron", neuron)() if neuron else None
    names = ("ridge", "workers", "check", "known_types", "dale", "scheduler")
    settings = Settings(how["fitted"], how["bin_ms"] / 1000, **{name: how[name] for name in names})
    return SpikingNetwork(chosen, model, settings, repeats, seed)


def _facts(recording: Path, network: Any) -> dict[str, str]:
    """Return what decides the result: a resumed fit must be told the same; who works on it does not matter."""
    from dataclasses import replace

    same = replace(network.settings, workers=1, scheduler="", shards=None)
    asked = f"{network.rule!r} {network.neuron!r} {same!r} repeats={network.repeats} seed={network.seed}"
    return {"recording": recording.name, "options": asked}


def _fitted(network: Any, recording: Path, shards: Path, echo: Echo) -> Any:
    """Read the recording and fit the network to it, with its shards in a folder."""
    from dataclasses import replace

    network.settings = replace(network.settings, shards=shards)
    if network.rule.learns == "gradient":
        dataset = _with_spikes(recording, network.settings, echo)
    else:
        from brainsim.store import open_recording

        dataset = open_recording(recording)
    with echo.progress("fit") as progress:
        result = network.fit(dataset, progress).fit_
    return result.assign_attrs(recording=recording.name)


def _with_spikes(recording: Path, settings: Any, echo: Echo) -> Any:
    """Open a recording and infer its spikes where it has none; the traces of a Zarr folder stay on disk."""
    from brainsim.store import open_recording, validate_but_traces

    if recording.suffix != ".zarr":
        return with_spikes(open_recording(recording), settings.workers, echo, settings.scheduler)
    dataset = validate_but_traces(open_recording(recording, validate=False, lazy=True), str(recording))
    if "spikes" in dataset or "spike_time" in dataset or "calcium" not in dataset:
        return dataset
    from brainsim.calcium_file import deconvolve_file

    echo.say(NO_SPIKES)
    target = settings.shards / "deconvolved.zarr"
    with echo.progress("deconvolve") as progress:
        how = {"scheduler": settings.scheduler, "overwrite": True}
        return deconvolve_file(recording, target, None, settings.workers, progress, **how)


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
