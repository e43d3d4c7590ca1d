"""The two networks of brainsim, put together from a neuron and a rule: free-running and teacher-forced."""

from brainsim.blueprint import Blueprint, Group, Operation, Projection, declare
from brainsim.neuron import Neuron
from brainsim.rule import Rule, ml

SIZES = (8, 16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024)
CHUNKS = (8, 16, 32, 64, 128, 256, 512)
BIN_MS = 1000 / 1024  # a power of two: the times of both clocks are exact

EVENTS = """
cursor : integer
next_step : integer
amplitude : 1
"""
NEXT_EVENT = """
cursor += 1
next_step = event_step(i, cursor)
amplitude = event_amplitude(i, cursor)
"""
# afferent events kick like synapses, or (`holds`) set a level that stays
FIBRE = "w : 1 (constant)\nholds : 1 (shared, constant)"
ON_FIBRE = "I_syn_post += (1 - holds)*w*amplitude_pre\nI_afferent_post += holds*w*amplitude_pre"


def size_class(n: int) -> int:
    """Return the size a network of n neurons is padded to, so that similar networks share one program."""
    if n > SIZES[-1]:
        return -(-n // 512) * 512
    return next(size for size in SIZES if size >= n)


def chunk_steps(tau: float) -> int:
    """Return the longest chunk that keeps the event-driven gradient exact to 1e-9 for a time constant in bins."""
    return max([chunk for chunk in CHUNKS if chunk <= 15 * tau], default=CHUNKS[0])


def teacher_forced(sources: int, targets: int, covariates: int, chunk: int) -> Blueprint:
    """Return the network of the rule ``ml``: recorded spikes in, expected coincidences out.

    Parameters
    ----------
    sources, targets, covariates
        Presynaptic neurons, postsynaptic neurons of one shard, covariates (already padded).
    chunk
        Time steps per chunk.
    """
    recorded = Group(
        "recorded",
        sources,
        ml.RECORDED,
        threshold=ml.RECORDED_THRESHOLD,
        reset=ml.RECORDED_RESET.format(first=0, chunk=chunk),
        operations=(Operation(ml.FADE.format(chunk=chunk), "start", -2, chunk),),
    )
    neuron = Group(
        "neuron",
        targets,
        ml.NEURON.format(chunk=chunk),
        operations=(
            Operation(ml.END_CHUNK, "start", -1, chunk),
            Operation(ml.NEXT_CHUNK, "start", 0, chunk),
            Operation(ml.ESCAPE, "end", 1),
        ),
    )
    synapse = Projection(
        "synapse",
        "recorded",
        "neuron",
        ml.SYNAPSE,
        on_pre=ml.ON_PRE,
        operations=(Operation(ml.COLLECT, "start", -3, chunk),),
    )
    groups, projections = [recorded, neuron], [synapse]
    for name, size, equations, on_pre, condition in (
        ("covariate", covariates, ml.JUMP, ml.ON_JUMP, ""),
        ("gap", targets, "", ml.ON_GAP, "i == j"),
    ):
        first = sources if name == "covariate" else sources + covariates
        reset = NEXT_EVENT.replace("(i,", f"(i + {first},")
        groups.append(Group(name, size, EVENTS, threshold=ml.RECORDED_THRESHOLD, reset=reset))
        projections.append(Projection(f"{name}_jump", name, "neuron", equations, on_pre=on_pre, condition=condition))
    return Blueprint("teacher-forced", BIN_MS, tuple(groups), tuple(projections), partial="neuron")


def free_running(
    neuron: Neuron,
    rule: Rule,
    neurons: int,
    afferents: int = 0,
    delay: int = 0,
    *,
    dt_ms: float = 1.0,
    wired: bool = False,
    drives: int = 0,
    watched: int = 0,
) -> Blueprint:
    """Return a network that runs by itself: recurrent plastic synapses, recorded afferents, an input current.

    Parameters
    ----------
    neuron, rule
        What the cells and their synapses are.
    neurons
        Number of cells.
    afferents
        Number of sources of recorded events; 0 for none.
    delay
        Synaptic delay in time steps beyond the one that every spike takes.
    dt_ms
        Time step [ms].
    wired
        Whether the recorded input says which synapses there are and how late each of them is; without, every pair
        has one.
    drives
        Number of drives that all cells share; `gain_k` says how much of drive k each of them receives. 0: the input
        current has a column for each cell.
    watched
        Number of cells, the first ones, whose spikes are returned; 0 for all.
    """
    equations = "w : 1\nplastic : 1 (shared, constant)\n" + rule.synapse + (declare(rule) if rule.on_pre else "")
    kick = "I_syn_post += w*spikes_pre" if "spikes :" in neuron.equations else "I_syn_post += w"
    groups = [_cells(neuron, rule, neurons, drives, watched)]
    projections = [
        Projection(
            "synapse",
            "neuron",
            "neuron",
            equations,
            on_pre=f"{kick}\n{rule.on_pre}",
            on_post=rule.on_post,
            condition="synapse_delay(i, j) >= 0" if wired else "",
            delay=delay,
            delays="synapse_delay(i, j)" if wired else "",
            partner=rule.partner,
        )
    ]
    if afferents:
        groups.append(Group("afferent", afferents, EVENTS, threshold=ml.RECORDED_THRESHOLD, reset=NEXT_EVENT))
        projections.append(Projection("feedforward", "afferent", "neuron", FIBRE, on_pre=ON_FIBRE))
    schedule = ("start", "thresholds", "synapses", "resets", "groups", "end")
    return Blueprint("free-running", dt_ms, tuple(groups), tuple(projections), schedule)


def _cells(neuron: Neuron, rule: Rule, neurons: int, drives: int, watched: int) -> Group:
    """Return the cells of a free-running network."""
    state = "\ncurrent_gain : 1 (shared, constant)\nI_afferent : 1\n"
    state += "".join(f"drive_{k} : 1 (shared)\ngain_{k} : 1 (constant)\n" for k in range(drives))
    read = "".join(f"drive_{k} = input_current({k}, t_in_timesteps)\n" for k in range(drives))
    current = " + ".join(f"gain_{k}*drive_{k}" for k in range(drives)) or "input_current(i, t_in_timesteps)"
    gained = f"({current})" if drives > 1 else current
    each_step = (Operation(rule.each_step, "end"),) if rule.each_step else ()
    return Group(
        "neuron",
        neurons,
        neuron.equations + declare(neuron) + rule.trace + state,
        threshold=neuron.threshold,
        reset=f"{neuron.reset}\n{rule.on_spike}".strip(),
        operations=(
            Operation(f"{read}I_ext = I_afferent + current_gain*{gained}", "before_groups"),
            Operation(neuron.step(), "groups", 1),
            Operation(neuron.leak, "before_synapses"),
            *each_step,
        ),
        monitored=("i", "t", "spikes") if "spikes :" in neuron.equations else ("i", "t"),
        watched=watched,
    )
