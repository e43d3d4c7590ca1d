"""What the study of a pairing experiment consists of: its stages, in order, and what a user may choose."""

from dataclasses import dataclass
from pathlib import Path

from brainsim.ledger import Facts, checksum

PRESET = "pairing"


@dataclass(frozen=True)
class Stage:
    """One stage: what it is called, what it does in words, what it writes, and the command that does the same."""

    name: str
    title: str
    files: tuple[str, ...]
    command: str


STAGES = (
    Stage("recording", "simulate the experiment", ("recording.nc",), "data simulate {preset} --out recording.nc"),
    Stage("spikes", "deconvolve", ("spikes.nc",), "deconvolve {recording} --out spikes.nc"),
    Stage(
        "stdp",
        "learn by the original rule while the recording drives the network",
        ("stdp.nc",),
        "snn fit {recording} --rule nearest-stdp --repeats {repeats} --out stdp.nc",
    ),
    Stage(
        "response", "hold simulated against recorded responses", ("response",), "snn response stdp.nc --out response"
    ),
    Stage(
        "groups",
        "groups of cells, and what changed between them by the original rule",
        ("groups",),
        "snn groups stdp.nc --recording {recording} --answered-before --out groups",
    ),
    Stage(
        "change_inferred",
        "fit before and after apart, from inferred spikes",
        ("change_inferred.nc", "change_inferred.png"),
        "snn change spikes.nc --input spikes --learned stdp.nc --figure change_inferred.png --out change_inferred.nc",
    ),
    Stage(
        "change_events",
        "fit before and after apart, from the spike times",
        ("change_events.nc", "change_events.png"),
        "snn change spikes.nc --input events --learned stdp.nc --figure change_events.png --out change_events.nc",
    ),
    Stage(
        "fit",
        "fit the whole recording by maximum likelihood",
        ("fit.nc",),
        "snn fit spikes.nc --input {best} --out fit.nc",
    ),
    Stage("graph", "the network of the fit", ("graph",), "snn graph fit.nc --recording {recording} --out graph"),
    Stage("cells", "cell types by the fit", ("cells.nc",), "cells classify {recording} --fit fit.nc --out cells.nc"),
)


@dataclass(frozen=True)
class Options:
    """What is studied, and how.

    Parameters
    ----------
    recording
        A recording of a pairing experiment; None simulates `preset`.
    preset
        Which experiment is simulated.
    repeats
        Random initialisations of the original rule.
    workers
        Processes or threads to share the work; the result does not depend on it.
    seed
        Of every random number.
    target
        ``"cpp"`` or ``"numpy"``.
    """

    recording: Path | None = None
    preset: str = PRESET
    repeats: int = 50
    workers: int = 1
    seed: int = 0
    target: str = "cpp"

    @property
    def setup(self) -> Facts:
        """What decides on the result."""
        given = None if self.recording is None else checksum(self.recording)
        return {"preset": self.preset, "recording_sha256": given, "repeats": self.repeats, "seed": self.seed}


def commands(options: Options, stages: list[Stage], best: str) -> list[str]:
    """Return the commands that do the same one by one."""
    recording = "recording.nc" if options.recording is None else options.recording.name
    values = {"preset": options.preset, "recording": recording, "repeats": options.repeats, "best": best}
    unseeded = {"spikes", "response"}
    return [
        f"brainsim {stage.command.format(**values)}" + ("" if stage.name in unseeded else f" --seed {options.seed}")
        for stage in stages
    ]
