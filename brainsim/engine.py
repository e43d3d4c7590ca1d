"""The only file that imports Brian2: a :class:`~brainsim.blueprint.Blueprint` becomes a running network.

`target` is ``"cpp"`` (code-generated C++, compiled once and cached) or ``"numpy"`` (Brian2's runtime, for tests and
for looking inside). There is no silent change from one to the other.
"""

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainsim.blueprint import Blueprint, Group, Operation, Projection
from brainsim.error import BrainsimError, OutputError, ToolError
from brainsim.loops import EDITION, rewrite
from brainsim.program import Program, cache_folder, check_finite, keep, machine
from brainsim.recorded import RecordedInput

TARGETS = ("cpp", "numpy")
FUNCTIONS = {
    "event_step": 2,
    "event_amplitude": 2,
    "stretch_kind": 1,
    "input_current": 2,
    "synapse_delay": 2,
    "bounded_exp": 1,
}
INTEGER = ("event_step", "synapse_delay")
FAILED = 3
FLAGS = ("-O3", "-ffast-math", "-fno-finite-math-only", "-march=native", "-std=c++17", "-w")


class Network:
    """A blueprint ready to run.

    Parameters
    ----------
    blueprint
        The network as text.
    target
        ``"cpp"`` or ``"numpy"``.

    Attributes
    ----------
    seconds_compile_
        Time spent on compiling; 0 where the program was there already.
    """

    def __init__(self, blueprint: Blueprint, target: str = "cpp") -> None:
        if target not in TARGETS:
            raise ToolError(f"no target is called '{target}'", remedy=f"use one of {', '.join(TARGETS)}")
        self.blueprint, self.target = blueprint, target
        self.seconds_compile_ = 0.0
        self._program: Program | None = None
        if target == "cpp":
            begin = time.perf_counter()
            digest = blueprint.digest(*machine(), *FLAGS, _brian2_version(), EDITION)
            found = Program.find(digest)
            self._program = found or (_build if _main_thread() else _build_apart)(blueprint, digest)
            self.seconds_compile_ = 0.0 if found else time.perf_counter() - begin
        else:
            import_module("brian2")  # sets a signal handler, which only the main thread may; runs may be in others

    def run(self, recorded: RecordedInput, arrays: Mapping[str, Any], wanted: list[str]) -> dict[str, NDArray[Any]]:
        """Run once from fresh initial values.

        Parameters
        ----------
        recorded
            What the network reads while it runs, with its length and seed.
        arrays
            Initial values in SI units, ``{"owner.variable": scalar or array}``.
        wanted
            Variables to return; ``"GROUP_spikes.i"`` and ``"GROUP_spikes.t"`` are the spikes of a monitored group.

        Raises
        ------
        FitError
            If the network explodes or its program fails.
        """
        if self._program is not None:
            return self._program.run(recorded, arrays, wanted)
        return _run_numpy(self.blueprint, recorded, arrays, wanted)


@cache
def _brian2_version() -> str:
    """Return Brian2's version without importing it."""
    from importlib.metadata import version

    return version("brian2")


def _assemble(blueprint: Blueprint, functions: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Make the Brian2 objects; every one has a name, so that random streams do not depend on what ran before."""
    import brian2 as b2

    dt = blueprint.dt_ms * b2.ms
    b2.defaultclock.dt = dt
    objects: dict[str, Any] = {}
    parts: list[Any] = []
    owners: list[Group | Projection] = [*blueprint.groups, *blueprint.projections]
    periods = sorted({operation.every for owner in owners for operation in owner.operations} - {1})
    clocks = {every: b2.Clock(dt * every, name=f"every_{every}") for every in periods}
    for group in blueprint.groups:
        objects[group.name] = _neuron_group(group, functions)
        _add_operations(objects[group.name], group.operations, clocks, parts)
        if group.monitored:
            name = f"{group.name}_spikes"
            extra = [v for v in group.monitored if v not in ("i", "t")]
            watched = objects[group.name][: group.watched] if group.watched else objects[group.name]
            objects[name] = b2.SpikeMonitor(watched, variables=extra or None, name=name)
    for projection in blueprint.projections:
        objects[projection.name] = _synapses(projection, objects, dt, functions)
        _add_operations(objects[projection.name], projection.operations, clocks, parts)
    network = b2.Network(*objects.values(), name="network")
    network.schedule = list(blueprint.schedule)
    return network, objects


def _neuron_group(group: Group, functions: dict[str, Any]) -> Any:
    import brian2 as b2

    return b2.NeuronGroup(
        group.size,
        group.equations,
        threshold=group.threshold or None,
        reset=group.reset if group.threshold else None,
        method="euler",
        namespace=functions,
        name=group.name,
    )


def _synapses(projection: Projection, objects: dict[str, Any], dt: Any, functions: dict[str, Any]) -> Any:
    import brian2 as b2

    synapses = b2.Synapses(
        objects[projection.source],
        objects[projection.target],
        projection.equations,
        on_pre=projection.on_pre or None,
        on_post=projection.on_post or None,
        namespace=functions,
        name=projection.name,
        delay=None if projection.delays else {"pre": projection.delay * dt},
        method="euler",
    )
    if projection.on_post:
        synapses.post.order = 1  # learning from postsynaptic spikes comes after transmission
    synapses.connect(condition=projection.condition) if projection.condition else synapses.connect()
    if projection.delays:
        synapses.pre.delay = f"{projection.delays}*{float(dt)!r}*second"
    return synapses


def _add_operations(owner: Any, operations: tuple[Operation, ...], clocks: dict[int, Any], parts: list[Any]) -> None:
    for k, each in enumerate(operations):
        name = f"{owner.name}_operation_{k}"
        clock = clocks.get(each.every)
        parts.append(owner.run_regularly(each.code, clock=clock, when=each.when, order=each.order, name=name))


def _run_numpy(
    blueprint: Blueprint, recorded: RecordedInput, arrays: Mapping[str, Any], wanted: list[str]
) -> dict[str, NDArray[Any]]:
    import brian2 as b2

    b2.set_device("runtime")
    b2.prefs.codegen.target = "numpy"
    functions = {name: _function(name, call) for name, call in recorded.functions().items()}
    network, objects = _assemble(blueprint, functions)
    b2.seed(recorded.seed)
    for key, value in arrays.items():
        owner, variable = key.split(".")
        view = objects[owner].state(variable, use_units=False)
        view[:] = np.reshape(value, -1) if np.ndim(value) else value
    network.run(recorded.steps * blueprint.dt_ms * b2.ms)
    found = {}
    for key in wanted:
        owner, variable = key.split(".")
        found[key] = np.array(objects[owner].variables[variable].get_value())
    return check_finite(found)


def _function(name: str, call: Callable[..., Any] | None = None) -> Any:
    """Make a function of recorded input known to Brian2, for both targets."""
    import brian2 as b2

    function = b2.Function(
        call or (lambda *_: 0.0),
        arg_units=[1] * FUNCTIONS[name],
        return_unit=1,
        return_type="integer" if name in INTEGER else "float",
    )
    function.implementations.add_implementation("cpp", "", name=name)
    return function


def _build(blueprint: Blueprint, digest: str) -> Program:
    """Compile a blueprint in a folder of its own, then keep it."""
    import brian2 as b2

    home = _writable_cache()
    draft = Path(tempfile.mkdtemp(prefix=f".{digest}-", dir=home))
    try:
        b2.set_device("cpp_standalone", build_on_run=False)
        b2.device.reinit()
        b2.device.activate(build_on_run=False)
        b2.prefs.devices.cpp_standalone.openmp_threads = 0
        b2.prefs.codegen.cpp.extra_compile_args_gcc = list(FLAGS)
        b2.prefs.codegen.cpp.headers = ['"recorded_input.h"']
        b2.prefs.codegen.cpp.include_dirs = [str(Path(__file__).parent)]
        network, objects = _assemble(blueprint, {name: _function(name) for name in FUNCTIONS})
        b2.device.insert_code("before_network_run", "brian::_random_generators[0].seed(brainsim::seed());")
        network.run(blueprint.dt_ms * b2.ms)
        b2.device.build(directory=str(draft), compile=False, run=False, with_output=False)
        rewrite(draft, blueprint)
        b2.device.compile_source(str(draft), "unix", False, False)
        arrays = _array_files(objects, b2.device)
    except Exception as error:
        shutil.rmtree(draft, ignore_errors=True)
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ToolError(f"the network could not be compiled ({reason})", remedy="see `brainsim check`") from error
    finally:
        b2.device.reinit()
        b2.set_device("runtime")
    _strip(draft)
    return keep(draft, digest, arrays)


def _main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _build_apart(blueprint: Blueprint, digest: str) -> Program:
    """Compile in a process of its own: Brian2 is imported in a main thread only, and a worker's is taken."""
    code = "import brainsim.engine as engine; engine._build_given()"
    given = pickle.dumps((blueprint, digest))
    done = subprocess.run([sys.executable, "-c", code], input=given, capture_output=True, check=False)
    if done.returncode == FAILED:
        raise pickle.loads(done.stdout)  # what the child of this process wrote
    program = Program.find(digest) if not done.returncode else None
    if program is None:
        reason = (done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}").splitlines()[-1]
        raise ToolError(f"the network could not be compiled ({reason})", remedy="see `brainsim check`")
    return program


def _build_given() -> None:
    """Build the blueprint on stdin; an error of brainsim goes to stdout, for :func:`_build_apart`."""
    out = os.dup(1)
    os.dup2(2, 1)
    try:
        _build(*pickle.load(sys.stdin.buffer))
    except BrainsimError as error:
        os.write(out, pickle.dumps(error))
        sys.exit(FAILED)


def _writable_cache() -> Path:
    home = cache_folder()
    try:
        home.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=home).close()
    except OSError as error:
        raise OutputError(
            "the cache of compiled networks cannot be written",
            where=str(home),
            remedy="set BRAINSIM_CACHE to a folder that can be written",
        ) from error
    return home


def _array_files(objects: dict[str, Any], device: Any) -> dict[str, tuple[str, str]]:
    """Return the result file and the dtype of each variable of each object."""
    found = {}
    for name, owner in objects.items():
        for variable, facts in owner.variables.items():
            if getattr(facts, "owner", None) is not None and facts.owner.name == name and facts in device.arrays:
                found[f"{name}.{variable}"] = (Path(device.get_array_filename(facts)).name, np.dtype(facts.dtype).str)
    return found


def _strip(folder: Path) -> None:
    """Keep the binary and what it loads; object files and sources are a hundred times larger."""
    for path in folder.iterdir():
        if path.name not in ("main", "static_arrays"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
