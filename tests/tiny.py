"""A tiny network with all that a compiled program reads: events, stretches, currents, wiring, random numbers."""

import numpy as np

from brainsim.assembly import EVENTS, NEXT_EVENT
from brainsim.blueprint import Blueprint, Group, Operation, Projection
from brainsim.recorded import Events, RecordedInput

CELLS, SOURCES, STEPS, FRAME = 3, 2, 60, 7

BLUEPRINT = Blueprint(
    "tiny",
    1.0,
    (
        Group(
            "source",
            SOURCES,
            EVENTS,
            threshold="next_step == t_in_timesteps",
            reset=NEXT_EVENT,
            monitored=("i", "t", "amplitude"),
        ),
        Group(
            "cell",
            CELLS,
            "v : 1\nnoise : 1 (constant)\ngrowth : 1 (shared, constant)\nsize : 1\nheard : 1\nloud : boolean",
            threshold="v > 1",
            reset="v = 0",
            monitored=("i", "t"),
            operations=(
                Operation(
                    "loud = v > 0.3\nv = 0.9*v + 0.1*input_current(i, t_in_timesteps) + noise*randn()\nsize *= growth"
                ),
            ),
        ),
        Group(
            "probe",
            CELLS + 1,
            "x : 1\nkind : 1",
            threshold="i >= 0",
            monitored=("i", "t", "x", "kind"),
            operations=(Operation("x = input_current(i, t_in_timesteps)\nkind = stretch_kind(t_in_timesteps)"),),
        ),
        Group(
            "crowd",
            4,
            "drive : 1 (shared)\nx : 1",
            threshold="i >= 0",
            monitored=("i", "t", "x"),
            watched=2,
            operations=(Operation("drive = input_current(1, t_in_timesteps)\nx = (i + 1)*drive"),),
        ),
    ),
    (
        Projection(
            "fibre",
            "source",
            "cell",
            "w : 1",
            on_pre="v_post += w*amplitude_pre\nw *= 1.01",
            on_post="w *= 1 + 0.1*amplitude_pre",
        ),
        Projection(
            "paired",
            "cell",
            "crowd",
            "k : 1",
            on_pre="k += 100",
            on_post="k += int(loud_pre)*(1 + i + 10*j)",
            partner="loud",
        ),
        Projection(
            "wire",
            "source",
            "cell",
            "u : 1",
            on_pre="heard_post += u*t/second",
            condition="synapse_delay(i, j) >= 0",
            delays="synapse_delay(i, j)",
        ),
    ),
)
WIRING = np.array([[3, -1, 0], [-1, 7, -1]], np.int16)  # delays in time steps from 2 sources to 3 cells
SPIKES = ["cell_spikes.i", "cell_spikes.t"]
WANTED = [
    *SPIKES,
    "cell.v",
    "cell.size",
    "fibre.w",
    "source_spikes.i",
    "source_spikes.t",
    "source_spikes.amplitude",
    "probe_spikes.i",
    "probe_spikes.t",
    "probe_spikes.x",
    "probe_spikes.kind",
    "crowd_spikes.i",
    "crowd_spikes.x",
    "cell.heard",
    "wire.u",
    "paired.k",
]


def recorded(steps=STEPS, seed=7, current=None, slope=None):
    """Input with three events of one source, one of the other, and a current of three neurons in frames of 7 steps."""
    rng = np.random.default_rng(1)
    events = Events.of(np.array([0, 1, 0, 0]), np.array([5, 0, 30, 12]), np.array([1.0, 2.0, 0.5, 1.5]), SOURCES)
    frames = 8
    current = rng.normal(2, 3, (frames, CELLS)).astype(np.float32) if current is None else current
    slope = rng.normal(0, 1, current.shape).astype(np.float32) if slope is None else slope
    return RecordedInput(steps, seed, events, np.array([1, 2, 0, 1, 2], np.int8), 11, current, slope, FRAME, WIRING)


def values(noise=0.3, weight=0.8, growth=1.0):
    """Initial values; the first event of each source is given, the later ones are read."""
    return {
        "source.next_step": np.array([5, 0]),
        "source.amplitude": np.array([1.0, 2.0]),
        "cell.noise": noise,
        "cell.growth": growth,
        "cell.size": 1.0,
        "wire.u": np.array([1.0, 2.0, 4.0]),
        "fibre.w": weight * np.arange(1.0, SOURCES * CELLS + 1) / 6,
    }


def run(target):
    """Run the tiny network once; what a process does in the test of two builds at once."""
    from brainsim.engine import Network

    network = Network(BLUEPRINT, target)
    found = network.run(recorded(), values(), SPIKES)
    return network.seconds_compile_, found["cell_spikes.i"].tolist(), np.round(found["cell_spikes.t"], 6).tolist()


if __name__ == "__main__":
    import json

    print(json.dumps(run("cpp")))
