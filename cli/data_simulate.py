"""``brainsim data simulate``."""

from pathlib import Path

import click

from .option import Command, Echo, out, seed


@click.command(cls=Command)
@click.argument("preset")
@out("The recording (.nc or .zarr).")
@seed
@click.pass_obj
def command(echo: Echo, preset: str, out: Path, seed: int, overwrite: bool) -> None:
    """Simulate a recording whose connectivity is known; PRESET is a name such as pairing-small."""
    from brainsim import catalog
    from brainsim.simulate import simulate
    from brainsim.store import check_target, save_recording

    check_target(out, overwrite=overwrite)
    chosen = catalog.get("preset", preset)()
    with echo.progress(f"simulate {preset}") as progress:
        recording = simulate(chosen, seed, progress=progress)
    written = save_recording(recording, out, overwrite=overwrite)
    spikes = recording.sizes["spike"]
    frames = recording.sizes.get("time", 0)
    length = frames / recording.attrs["sampling_rate_hz"] if frames else recording.attrs["duration_s"]
    rate = spikes / recording.sizes["neuron"] / length
    facts = {
        "preset": preset,
        "seed": seed,
        "neurons": recording.sizes["neuron"],
        "frames": frames,
        "synapses": int((recording["true_weight"] != 0).sum()),
        "spikes": spikes,
        "mean_rate_hz": rate,
    }
    echo.result(
        facts,
        f"{facts['neurons']} neurons, {f'{frames} frames' if frames else f'{length:g} s'}, {spikes} spikes "
        f"({rate:.2f} Hz), {facts['synapses']} synapses among them",
        [written],
    )
