"""Missing frames (NaN) of traces: how many each neuron misses, and that in a few sentences."""

import numpy as np
import xarray as xr

from brainsim.block import neuron_blocks

MOST_NAMES, MOST_SENTENCES = 12, 5


def missing_by_neuron(trace: xr.DataArray) -> dict[str, int]:
    """Return how many frames are missing (NaN), for each neuron that misses any."""
    across = [d for d in trace.dims if d != "neuron"]
    counts = [n for block in neuron_blocks(trace) for n in trace.isel(neuron=block).isnull().sum(across).values]
    names = trace["neuron"].values if "neuron" in trace.coords else np.arange(trace.sizes["neuron"])
    return {str(name): int(n) for name, n in zip(names, counts, strict=True) if n}


def missing_sentences(trace: xr.DataArray) -> list[str]:
    """Say which neurons miss frames, those that miss equally many together; one sentence where they are many."""
    frames = trace.size // trace.sizes["neuron"]
    groups: dict[int, list[str]] = {}
    for neuron, n in missing_by_neuron(trace).items():
        groups.setdefault(n, []).append(neuron)
    if len(groups) > MOST_SENTENCES:
        few, many = min(groups), max(groups)
        return [f"{sum(map(len, groups.values()))} neurons miss {few} to {many} of {frames} frames"]
    return [
        f"neuron{'s' if len(cells) > 1 else ''} {_listed(cells)}: {n} of {frames} frames are missing"
        for n, cells in groups.items()
    ]


def _listed(names: list[str]) -> str:
    """Name the first few, and say how many more there are."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
