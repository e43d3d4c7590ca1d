"""The whole main job on the bundled recording: spikes, two fits, free runs, a GAN, a comparison, one report."""

import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from sklearn.metrics import average_precision_score

from brainsim import report
from brainsim.calcium import deconvolve
from brainsim.compare import compare
from brainsim.dataset import load_dataset
from brainsim.folder import result_folder
from brainsim.gan import ConditionalGAN
from brainsim.gradient import Settings
from brainsim.learning_curve import read_curve
from brainsim.network import SpikingNetwork
from brainsim.progress import Progress
from brainsim.store import save_recording

RECORDING = "pairing-small"
EPOCHS = 50

Say = Callable[[str], None]
Bar = Callable[[str], AbstractContextManager[Progress]]


def run(folder: str | Path, say: Say, bar: Bar, seed: int = 0, *, overwrite: bool = False) -> dict[str, Any]:
    """Do the main job on the bundled recording.

    Parameters
    ----------
    folder
        Result: recordings, fits, the GAN, ``report.html`` and the numbers behind it.
    say
        Called with each line that tells what is done.
    bar
        Makes a progress bar for a label.
    seed
        Of every random number.
    overwrite
        Replace an earlier result.

    Returns
    -------
    dict
        What came out, as plain numbers and sentences.

    Raises
    ------
    BrainsimError
        If a compiler is missing, or the folder exists or cannot be written.
    """
    begin = time.perf_counter()
    with result_folder(folder, "metrics.json", overwrite=overwrite) as draft, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recording = load_dataset(RECORDING)
        say(f"1/6 recording: {describe(recording)}")
        spikes = _spikes(recording, draft, say, bar)
        say("3/6 fitting a spiking network, twice (the first time each is compiled to C++, half a minute)")
        fits = {
            "inferred": _fit(spikes, "spikes", draft, (say, bar, seed)),
            "events": _fit(spikes, "events", draft, (say, bar, seed)),
        }
        sources = {f"simulated_{name}": _free_run(network, name, draft, seed) for name, network in fits.items()}
        say(f"4/6 the two fitted networks ran freely: {', '.join(rate_line(each) for each in sources.values())}")
        sources["generated"] = _generate(recording, draft, (say, bar, seed))
        say("6/6 comparing recorded, simulated and generated activity")
        with bar("compare") as progress:
            result = compare(recording, sources, seed, progress, reference=RECORDING)
        page = report.fill(
            draft,
            result,
            fits["events"].fit_,
            learning_curve=read_curve(draft / "gan" / "learning_curve.csv"),
            commands=commands(seed),
        )
    for name, sentence in result.verdict.items():
        say(f"    {name}: {sentence}")
    seconds = time.perf_counter() - begin
    truth = {name: against_truth(network.fit_) for name, network in fits.items() if network.fit_ is not None}
    return {"verdict": result.verdict, "truth": truth, "seconds": seconds, "report": str(Path(folder) / page.name)}


def describe(recording: xr.Dataset) -> str:
    """Say in a line what a recording is."""
    length = recording.sizes["time"] / float(recording.attrs["sampling_rate_hz"]) / 60
    kinds = len(set(recording["stimulus"].values.tolist()))
    rate, trials = recording.attrs["sampling_rate_hz"], recording.sizes["trial"]
    return (
        f"{RECORDING}, simulated so that the truth is known: {recording.sizes['neuron']} neurons, "
        f"{length:.0f} minutes at {rate:g} Hz, {trials} trials of {kinds} stimuli"
    )


def rate_line(simulated: xr.Dataset) -> str:
    """Say how often a free network fired."""
    return f"{simulated.attrs['rate_ratio']:.2f} times the recorded rate"


def against_truth(fit: xr.Dataset) -> dict[str, float]:
    """Return how well the pairs are ranked (average precision), beside chance, and how many called edges are true."""
    other = ~np.eye(fit.sizes["neuron"], dtype=bool)
    true, score = (fit["true_weight"].values != 0)[other], np.abs(fit["z"].values)[other]
    called = (fit["edge_probability"].values > 0.5)[other]
    return {
        "average_precision": float(average_precision_score(true, score)),
        "chance": float(true.mean()),
        "called": int(called.sum()),
        "called_true": int((called & true).sum()),
    }


def commands(seed: int) -> list[str]:
    """Return the commands that do the same one by one."""
    s = f"--seed {seed}"
    return [
        "brainsim data list",
        "brainsim deconvolve pairing-small.nc --out spikes.nc",
        f"brainsim snn fit spikes.nc --rule ml --input spikes --out fit_inferred.nc {s}",
        f"brainsim snn fit spikes.nc --rule ml --input events --out fit_events.nc {s}",
        f"brainsim snn sample fit_inferred.nc --out simulated_inferred.nc {s}",
        f"brainsim snn sample fit_events.nc --out simulated_events.nc {s}",
        f"brainsim gan train pairing-small.nc --epochs {EPOCHS} --out gan {s}",
        f"brainsim gan sample gan --trials 20 --out generated.nc {s}",
        "brainsim compare pairing-small.nc simulated_inferred.nc simulated_events.nc generated.nc "
        f"--fit fit_events.nc --out report {s}",
    ]


def _spikes(recording: xr.Dataset, draft: Path, say: Say, bar: Bar) -> xr.Dataset:
    with bar("deconvolve") as progress:
        spikes = deconvolve(recording, progress=progress)
    save_recording(spikes, draft / "spikes.nc")
    say(f"2/6 deconvolved with OASIS: median decay {float(spikes['decay_time'].median()):.2f} s")
    return spikes


def _fit(spikes: xr.Dataset, source: str, draft: Path, how: tuple[Say, Bar, int]) -> SpikingNetwork:
    say, bar, seed = how
    name = "events" if source == "events" else "inferred"
    words = {"events": "the true millisecond spikes", "inferred": "the spikes inferred from fluorescence"}[name]
    with bar(f"fit to {name} spikes") as progress:
        network = SpikingNetwork(settings=Settings(source=source), seed=seed).fit(spikes, progress)
    assert network.fit_ is not None
    save_recording(network.fit_, draft / f"fit_{name}.nc")
    found, attrs = against_truth(network.fit_), network.fit_.attrs
    say(
        f"    fitted to {words} in {attrs['seconds_fit']:.0f} s, compiled in {attrs['seconds_compile']:.0f} s: "
        f"average precision {found['average_precision']:.2f} (chance {found['chance']:.2f}), "
        f"{found['called_true']} of {found['called']} called connections are true"
    )
    return network


def _free_run(network: SpikingNetwork, name: str, draft: Path, seed: int) -> xr.Dataset:
    simulated = network.sample(seed)
    save_recording(simulated, draft / f"simulated_{name}.nc")
    return simulated


def _generate(recording: xr.Dataset, draft: Path, how: tuple[Say, Bar, int]) -> xr.Dataset:
    say, bar, seed = how
    begin = time.perf_counter()
    model = ConditionalGAN(epochs=EPOCHS, seed=seed)
    with bar("train the GAN") as progress:
        model.fit(recording, progress, folder=draft / "gan")
    generated = model.sample(20, seed=seed)
    save_recording(generated, draft / "generated.nc")
    seconds, trials = time.perf_counter() - begin, generated.sizes["trial"]
    say(f"5/6 GAN trained for {EPOCHS} epochs in {seconds:.0f} s; {trials} trials generated")
    return generated
