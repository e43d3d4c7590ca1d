"""What drives neurons beside other neurons: boxes of time after each stimulus, and slow drift.

The boxes after onset double in width (0 to 0.1 s, 0.1 to 0.2 s, 0.2 to 0.4 s, ...); drift has up to eight boxes over
the recording. A covariate is kept as the jumps of its value.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from brainsim.encoding import Encoded
from brainsim.recorded import Events

FIRST_BOX_S = 0.1
DRIFT_BOX_S = 60.0
MOST_DRIFT_BOXES = 8


@dataclass(frozen=True)
class Covariates:
    """Stimulus-locked boxes and slow drift.

    Attributes
    ----------
    jumps
        Events of every covariate.
    names
        ``"stimulus NAME 0.1..0.2 s"`` or ``"drift 0..60 s"``, one for each.
    """

    jumps: Events
    names: list[str]


def covariates(encoded: Encoded, stimulus: NDArray[np.str_], window_s: float) -> Covariates:
    """Make stimulus-locked and drift covariates.

    Parameters
    ----------
    encoded
        The recording in bins.
    stimulus
        Stimulus of each trial, (trial,); may be empty.
    window_s
        How long after onset a stimulus may act [s].
    """
    inside = encoded.onset >= 0
    names: list[str] = []
    source, step, size = [], [], []
    edges = _box_edges(encoded.bin_s, window_s)
    for label in sorted(set(stimulus[inside].tolist())) if len(stimulus) else []:
        onsets = encoded.onset[inside & (stimulus == label)]
        for a, b in pairwise(edges):
            for at, height in ((a, 1.0), (b, -1.0)):
                source.append(np.full(len(onsets), len(names)))
                step.append(np.minimum(onsets + at, encoded.bins))
                size.append(np.full(len(onsets), height))
            names.append(f"stimulus {label} {a * encoded.bin_s:g}..{b * encoded.bin_s:g} s")
    boxes = int(np.clip(encoded.bins * encoded.bin_s // DRIFT_BOX_S, 1, MOST_DRIFT_BOXES))
    bounds = np.linspace(0, encoded.bins, boxes + 1).astype(int)
    for a, b in pairwise(bounds):
        source.append(np.full(2, len(names)))
        step.append(np.array([a, b]))
        size.append(np.array([1.0, -1.0]))
        names.append(f"drift {a * encoded.bin_s:g}..{b * encoded.bin_s:g} s")
    events = Events.of(np.concatenate(source), np.concatenate(step), np.concatenate(size), len(names))
    return Covariates(_without_zeros(events), names)


def _without_zeros(events: Events) -> Events:
    """Drop jumps that cancel (a box that ends where the next trial's begins)."""
    keep = events.amplitude != 0
    source = events.source_of_each()[keep]
    return Events.of(source, events.step[keep], events.amplitude[keep], events.sources)


def _box_edges(bin_s: float, window_s: float) -> list[int]:
    """Return box edges in bins: the first 0.1 s (or one bin) wide, each next as wide as all before."""
    edge, edges = max(1, round(FIRST_BOX_S / bin_s)), [0]
    last = max(1, round(window_s / bin_s))
    while edge < last:
        edges.append(edge)
        edge *= 2
    return [*edges, last]
