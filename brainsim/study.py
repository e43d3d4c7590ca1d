"""The study of a pairing experiment: every stage of the original and of its better answers, one after the other.

A stage reads files of earlier stages and writes its own; :mod:`brainsim.ledger` keeps what is done, so a study that was
killed goes on at the stage. Every stage (:mod:`brainsim.study_plan`) is a command of its own as well.
"""

import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import xarray as xr

from brainsim import (
    before_after,
    catalog,
    graph_report,
    group_change,
    grouping,
    groups_report,
    response_report,
    session,
    study_report,
)
from brainsim.calcium import deconvolve
from brainsim.cells import classify
from brainsim.figure.change import change_picture
from brainsim.folder import png
from brainsim.gradient import Settings
from brainsim.ledger import Facts, Ledger
from brainsim.network import SpikingNetwork
from brainsim.plot import STYLE
from brainsim.progress import Progress
from brainsim.response_group import response_groups
from brainsim.rule.nearest_stdp import NearestStdp
from brainsim.simulate import simulate
from brainsim.store import open_recording, save_recording, write_bytes
from brainsim.study_plan import STAGES, Options, Stage, commands

LEDGER = "study.json"
PROBABLE = 0.5
Say = Callable[[str], None]
Bar = Callable[[str], AbstractContextManager[Progress]]


class Study:
    """A study in its folder: a method for each stage, named as the stage, that returns plain facts."""

    def __init__(self, folder: Path, options: Options, bar: Bar) -> None:
        self.folder, self.options, self.bar = folder, options, bar

    @property
    def source(self) -> Path:
        """The recording that is studied."""
        return self.options.recording or self.folder / "recording.nc"

    def stages(self) -> list[Stage]:
        """Return the stages that this recording has: spike times are not always known."""
        left_out = {"recording"} if self.options.recording else set()
        if "spike_time" not in open_recording(self.source):
            left_out.add("change_events")
        return [stage for stage in STAGES if stage.name not in left_out]

    def recording(self) -> Facts:
        """Simulate the experiment."""
        preset = catalog.get("preset", self.options.preset)()
        with self.bar("simulate") as progress:
            dataset = simulate(preset, self.options.seed, self.options.target, progress)
        self._save(dataset, "recording.nc")
        return {}

    def spikes(self) -> Facts:
        """Deconvolve."""
        with self.bar("deconvolve") as progress:
            dataset = deconvolve(open_recording(self.source), workers=self.options.workers, progress=progress)
        self._save(dataset, "spikes.nc")
        return {"decay_time_s": float(dataset["decay_time"].median())}

    def stdp(self) -> Facts:
        """Let networks with random weights learn by the original rule."""
        options = self.options
        settings = Settings(workers=options.workers, target=options.target)
        network = SpikingNetwork(NearestStdp(), settings=settings, repeats=options.repeats, seed=options.seed)
        fit = self._fitted(network, self.source, "stdp.nc")
        names = ("simulated_rate_hz", "seconds_fit", "seconds_compile", "cell_types")
        return {name: fit.attrs[name] for name in names}

    def response(self) -> Facts:
        """Hold simulated responses against recorded ones."""
        fit = open_recording(self.folder / "stdp.nc")
        return dict(response_report.write(self.folder / "response", fit, overwrite=True))

    def groups(self) -> Facts:
        """Find groups of cells, and what changed between them by the original rule."""
        fit = open_recording(self.folder / "stdp.nc")
        definitions, seed = grouping.PAIRING_ALL, self.options.seed
        result = group_change.analyse(fit, open_recording(self.source), {}, definitions=definitions, seed=seed)
        groups_report.write(self.folder / "groups", result, overwrite=True)
        return groups_report.as_json(result)

    def change_inferred(self) -> Facts:
        """Fit before and after apart, from inferred spikes."""
        return self._change("spikes", "change_inferred")

    def change_events(self) -> Facts:
        """Fit before and after apart, from spike times."""
        return self._change("events", "change_events")

    def fit(self) -> Facts:
        """Fit the whole recording by maximum likelihood: to spike times where they are known."""
        source = "events" if "spike_time" in open_recording(self.source) else "spikes"
        settings = Settings(source=source, workers=self.options.workers, target=self.options.target)
        fit = self._fitted(
            SpikingNetwork(settings=settings, seed=self.options.seed), self.folder / "spikes.nc", "fit.nc"
        )
        called = int((fit["edge_probability"] > PROBABLE).sum())
        facts = {"input": source, "connections": called, "trust": str(fit.attrs.get("trust", ""))}
        if "true_weight" in fit:
            right = int(((fit["edge_probability"] > PROBABLE) & (fit["true_weight"] != 0)).sum())
            facts |= {"connections_right": right}
        return facts

    def graph(self) -> Facts:
        """Describe and draw the network of the fit."""
        fit = open_recording(self.folder / "fit.nc")
        groups = response_groups(open_recording(self.source), fit, {}, seed=self.options.seed)
        return dict(graph_report.write(self.folder / "graph", fit, groups, overwrite=True))

    def cells(self) -> Facts:
        """Tell cell types by the fit."""
        found = classify(open_recording(self.source), fit=open_recording(self.folder / "fit.nc"))
        self._save(found.dataset, "cells.nc")
        return plain(found.facts)

    def _change(self, source: str, name: str) -> Facts:
        recording = open_recording(self.folder / "spikes.nc")
        periods = session.around_pairing(recording)
        groups, notices = before_after.groups_of(recording, periods[0], seed=self.options.seed)
        settings = Settings(source, workers=self.options.workers, target=self.options.target)
        with self.bar("fit before and after") as progress:
            result = before_after.compare(
                recording,
                periods,
                groups,
                settings=settings,
                learned=open_recording(self.folder / "stdp.nc"),
                seed=self.options.seed,
                progress=progress,
            )
        result.attrs["notices"] = "\n".join([*str(result.attrs["notices"]).splitlines(), *notices])
        self._save(result, f"{name}.nc")
        with matplotlib.rc_context(STYLE):
            write_bytes(self.folder / f"{name}.png", png(change_picture(result).figure))
        return {"prose": before_after.sentence(result), **plain(dict(result.attrs))}

    def _fitted(self, network: SpikingNetwork, recording: Path, name: str) -> xr.Dataset:
        with self.bar(f"fit {name}") as progress:
            fit = network.fit(open_recording(recording), progress).fit_
        assert fit is not None
        self._save(fit, name)
        return fit

    def _save(self, dataset: xr.Dataset, name: str) -> None:
        save_recording(dataset, self.folder / name, overwrite=True)


def run(
    folder: str | Path, options: Options, say: Say, bar: Bar, *, resume: bool = False, overwrite: bool = False
) -> tuple[dict[str, Facts], Path]:
    """Do all stages that are not done yet, and write the report.

    Parameters
    ----------
    folder
        Of the result.
    options
        What is studied, and how.
    say, bar
        Called with each line that tells what is done; makes a progress bar for a label.
    resume
        Go on with a study that was interrupted; stages whose files are as they were left are not done again.
    overwrite
        Remove an earlier study first.

    Returns
    -------
    facts
        Of each stage, in their order.
    page
        The report.

    Raises
    ------
    OutputError, InputError
        If the folder exists and neither was asked for, or the earlier study was begun with other options.
    BrainsimError
        Whatever hinders a stage; what is done until then is kept.
    """
    if options.recording is not None:
        open_recording(options.recording)  # what cannot be read is refused before anything is written
    ledger = Ledger.open(folder, LEDGER, options.setup, resume=resume, overwrite=overwrite)
    study, facts = Study(ledger.folder, options, bar), {}
    first = [] if options.recording else [STAGES[0]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is doubtful stands in the facts of a stage
        for stage in first:
            facts[stage.name] = _done(ledger, study, stage, f"1/{len(STAGES)}", say)
        stages = study.stages()
        for k, stage in enumerate(stages, 1):
            if stage not in first:
                facts[stage.name] = _done(ledger, study, stage, f"{k}/{len(stages)}", say)
    seconds = {f"seconds {name}": f"{value:.0f}" for name, value in ledger.seconds.items()}
    best = str(facts["fit"]["input"])
    page = study_report.write(ledger.folder, facts, ledger.setup | seconds, commands(options, stages, best))
    return facts, page


def _done(ledger: Ledger, study: Study, stage: Stage, place: str, say: Say) -> Facts:
    say(f"{place} {stage.title}")
    found, new = ledger.stage(stage.name, stage.files, getattr(study, stage.name))
    say(f"    {ledger.seconds[stage.name]:.0f} s" + ("" if new else ", done before"))
    return found


def plain(facts: Mapping[str, Any]) -> Facts:
    """Turn what NumPy holds into what JSON can; a number that is not finite becomes None."""
    return {key: _plain(value) for key, value in facts.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
