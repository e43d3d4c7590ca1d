"""Faster loops for the C++ that Brian2 generates: what is computed stays, only the loops around it change.

- A step in which only the fastest clock is due calls the objects of that clock; no other is looked at.
- Sources of recorded events are skipped while none of them is due, and by the block where one is.
- Where every neuron projects to every neuron without delay, a spike walks along its row of synapses (or its column, if
  postsynaptic spikes act on them) instead of passing through a queue of their indices, so that the compiler can
  vectorise. A column skips the cells of which the rule says that they are not paired.
- Of a group of which a run may simulate a part, the loops end where that part does.

Every edit has to fit exactly once; a Brian2 that writes other sources is refused.
"""

import math
import re
from pathlib import Path

from brainsim.blueprint import Blueprint, Projection
from brainsim.error import ToolError

EDITION = "6"  # part of the key of a program
EVENT_DUE = "next_step == t_in_timesteps"
LARGEST_BLOCK = 32

CLOCKS = (
    (r"curclocks\.find\(obj_clock\) != curclocks\.end\(\)", "fabs(obj_clock->t[0] - t) <= Clock_epsilon"),
    (
        r"i=curclocks\.begin\(\); i!=curclocks\.end\(\); i\+\+\)\s*\(\*i\)->tick\(\);",
        "i=clocks.begin(); i!=clocks.end(); i++)\n            if (fabs((*i)->t[0] - t) <= Clock_epsilon) (*i)->tick();",
    ),
    (r"// find set of equal clocks.*?return minclock;", "return minclock;"),
    (r"current = std::clock\(\);(?!\s*const double elapsed)", "current = start;"),
    (
        r"bool did_break_early = false;",
        """bool did_break_early = false;
    Clock* fastest = clock;
    for(auto i=clocks.begin(); i!=clocks.end(); i++) if ((*i)->dt[0] < fastest->dt[0]) fastest = *i;
    std::vector<codeobj_func> always;
    for(const auto& each : objects) if (each.first == fastest && each.second) always.push_back(each.second);""",
    ),
    (
        r"t = clock->t\[0\];(?=\s*for\()",
        """t = clock->t[0];
        bool alone = !report_func && clock == fastest;
        for(auto i=clocks.begin(); i!=clocks.end(); i++) alone &= *i == clock || fabs((*i)->t[0] - t) > Clock_epsilon;
        if (alone) {
            for(const auto func : always) func();
            clock->tick();
            clock = next_clocks();
            continue;
        }""",
    ),
)
DUE = r"for\(size_t _idx=0; _idx<N; _idx\+\+\)\s*\{(?P<vector>.*?)(?P<keep>if\(_cond\) \{.*?\}\s*)\}"
DUE_BY_BLOCK = """static int32_t _soonest = -1;
    const int32_t _now = t_in_timesteps;
    if(_soonest < _now)
    {{
        uint32_t _wait = 2147483647;
        for(int32_t _idx=0; _idx<{size}; _idx++)
        {{
            const uint32_t _until = static_cast<uint32_t>(_ptr_array_{name}_next_step[_idx]) - _now;
            _wait = _until < _wait ? _until : _wait;
        }}
        _soonest = _now + _wait;
    }}
    if(_soonest == _now)
    for(size_t _block=0; _block<N; _block+={block})
    {{
        char _any = 0;
        for(size_t _idx=_block; _idx<_block+{block}; _idx++)
        {{{vector}_any |= _cond;
        }}
        if(!_any) continue;
        for(size_t _idx=_block; _idx<_block+{block}; _idx++)
        {{{vector}{keep}}}
    }}"""
ARRIVING = (
    r"std::vector<int> \*_spiking_synapses[^;]*;[^;]*;(?P<opens>[\s{]*)for\(int _spiking_synapse_idx=0;.*?\{"
    r"\s*const size_t _idx = [^;]*;\s*const size_t _vectorisation_idx = _idx;"
)
ROW = """const int32_t* _spikes = _array_{source}__spikespace;{opens}
    const int32_t _end = {end};
    for(int32_t _spike=0; _spike<_spikes[{sources}]; _spike++)
    for(int32_t _target=0, _source=_spikes[_spike]; _target<_end; _target++)
    {{
        const size_t _idx = static_cast<size_t>(_source)*{targets} + _target;"""
COLUMN = """const int32_t* _spikes = _array_{target}__spikespace;
    if(!_spikes[{targets}]) return;
    int32_t _walked[{sources}], _length = 0;
    for(int32_t _source=0; _source<{sources}; _source++)
        if({partner}) _walked[_length++] = _source;{opens}
    for(int32_t _spike=0; _spike<_spikes[{targets}]; _spike++)
    for(int32_t _place=0, _target=_spikes[_spike]; _place<_length; _place++)
    {{
        const int32_t _source = _walked[_place];
        const size_t _idx = static_cast<size_t>(_source)*{targets} + _target;"""
EVERY = r"for\(int _idx=0; _idx<_N; _idx\+\+\)\s*\{"
EVERY_ROW = """const int32_t _end = {end};
    for(int32_t _source=0; _source<{sources}; _source++)
    for(int32_t _target=0; _target<_end; _target++)
    {{
        const size_t _idx = static_cast<size_t>(_source)*{targets} + _target;"""
ALL = r"const int _N = N;"
PART = "const int _N = brainsim::active(N);"
ENDS = (
    (r"const int32_t _presynaptic_idx = [^;]*;", "const int32_t _presynaptic_idx = _source;"),
    (r"const int32_t _postsynaptic_idx = [^;]*;", "const int32_t _postsynaptic_idx = _target;"),
)


def rewrite(folder: Path, blueprint: Blueprint) -> None:
    """Edit the generated sources of a blueprint in place.

    Raises
    ------
    ToolError
        If the sources are not those of the Brian2 that this was written for.
    """
    steps = f"network.run((brainsim::last_step() - 0.5) * {blueprint.dt_ms / 1000!r},"
    edit(folder / "main.cpp", (r"network\.run\([^,]+,", steps))
    edit(folder / "network.cpp", *CLOCKS)
    size = {group.name: group.size for group in blueprint.groups}
    for group in blueprint.groups:
        block = math.gcd(group.size, LARGEST_BLOCK)
        if group.threshold == EVENT_DUE and block > 1:
            due = _code(folder, f"{group.name}_spike_thresholder")
            edit(due, (DUE, DUE_BY_BLOCK), block=block, name=group.name, size=group.size)
        for k in range(len(group.operations) if group.name == blueprint.partial else 0):
            edit(_code(folder, f"{group.name}_operation_{k}"), (ALL, PART))
    for each in blueprint.projections:
        if not is_dense(each):
            continue
        _walk(folder, each, size[each.source], size[each.target], each.target == blueprint.partial)


def _walk(folder: Path, each: Projection, sources: int, targets: int, partial: bool) -> None:
    """Let the spikes and the operations of an all-to-all projection walk along rows and columns."""
    names = {"source": each.source, "target": each.target, "sources": sources, "targets": targets}
    names["end"] = f"brainsim::active({targets})" if partial else targets
    names["partner"] = f"_ptr_array_{each.source}_{each.partner}[_source]" if each.partner else "true"
    for pathway, code, walk in (("pre", each.on_pre, ROW), ("post", each.on_post, COLUMN)):
        if code:
            edit(_code(folder, f"{each.name}_{pathway}"), (ARRIVING, walk), *ENDS, **names)
            edit(folder / "main.cpp", (rf"network\.add\([^;]*_run_{each.name}_{pathway}_push_spikes\w*\);", ""))
    for k in range(len(each.operations)):
        edit(_code(folder, f"{each.name}_operation_{k}"), (EVERY, EVERY_ROW), *ENDS, **names)


def _code(folder: Path, name: str) -> Path:
    """Return the source of a code object; Brian2 numbers those of one name that a process makes."""
    code = folder / "code_objects"
    found = [path for path in code.glob(f"{name}_codeobject*.cpp") if re.search(r"object(_\d+)?$", path.stem)]
    return found[0] if len(found) == 1 else code / f"{name}_codeobject.cpp"


def is_dense(projection: Projection) -> bool:
    """Return whether every neuron projects to every neuron without delay."""
    return not (projection.condition or projection.delays or projection.delay)


def edit(path: Path, *changes: tuple[str, str], **names: object) -> None:
    """Replace what each pattern matches, which has to be exactly one place; ``{name}`` in the new text is filled in."""
    text = path.read_text()
    for pattern, new in changes:
        found = list(re.finditer(pattern, text, re.DOTALL))
        if len(found) != 1 and not ((pattern, new) in ENDS and not found):
            raise ToolError(f"this Brian2 writes another {path.name}", remedy="install the versions of constraints.txt")
        for match in found:
            filled = new.format(**names, **match.groupdict()) if names else new
            text = text[: match.start()] + filled + text[match.end() :]
    path.write_text(text)
