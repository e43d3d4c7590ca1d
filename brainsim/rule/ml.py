"""Maximum likelihood for a network that receives the recorded spikes (teacher forcing); see docs/inference.md."""

from dataclasses import dataclass
from typing import ClassVar

from brainsim.description import quantity
from brainsim.rule import Rule

# A step is one bin. Within a step: arriving spikes, escape rate, leak. Time is cut into chunks of {chunk} steps, with
# q = exp(-(steps since the chunk began)/tau), so that "how much was expected after this spike" is had by adding.
RECORDED = """
cursor : integer
next_step : integer
amplitude : 1
arrival : 1        # amplitude / q at the time of arrival
kappa : 1          # sum of the arrivals of this chunk, and what is left of earlier ones
tau : 1 (shared, constant)
"""
RECORDED_THRESHOLD = "next_step == t_in_timesteps"
RECORDED_RESET = """
kappa += arrival
cursor += 1
next_step = event_step(i + {first}, cursor)
amplitude = event_amplitude(i + {first}, cursor)
arrival = amplitude*exp((next_step % {chunk})/tau)
"""
FADE = "kappa *= exp(-{chunk}/tau)"

NEURON = """
leak : 1 (shared, constant)                    # exp(-1/tau)
q : 1 (shared)                                 # ... at the beginning of a step still that of the step before
rho = bounded_exp(bias + I_syn + I_ext) : 1
I_syn : 1
I_ext : 1
bias : 1 (constant)
E : 1              # expected spikes of this chunk
A : 1              # ... each weighted by q
expected : 1       # expected spikes in the fitted stretches of time, before this chunk
expected_held : 1  # ... and in those held out
fitted : 1 (shared)
held : 1 (shared)
"""
ESCAPE = """
q *= leak
E += rho
A += rho*q
I_syn *= leak
"""
END_CHUNK = """
expected += E*fitted
expected_held += E*held
E = 0
A = 0
"""
NEXT_CHUNK = """
q = 1/leak
fitted = int(stretch_kind(t_in_timesteps) == 1)
held = int(stretch_kind(t_in_timesteps) == 2)
"""

# gradient of the log likelihood = (recorded coincidences of post spikes and pre traces) - `coincidence`
SYNAPSE = """
w : 1 (constant)
z : 1
coincidence : 1
"""
ON_PRE = """
I_syn_post += w*amplitude_pre
z += A_post*arrival_pre
"""
COLLECT = """
coincidence += (kappa_pre*A_post - z)*fitted_post
z = 0
"""

# covariates (stimulus, drift) are constant between jumps; a jump is an event with its height as amplitude
JUMP = """
c : 1 (constant)
before : 1         # expected spikes before the jumps, each weighted by its height
"""
ON_JUMP = """
I_ext_post += c*amplitude_pre
before += (expected_post + E_post*fitted_post)*amplitude_pre
"""
# a neuron is silenced where its frames are missing
ON_GAP = "I_ext_post -= 80*amplitude_pre"


@dataclass(frozen=True)
class Ml(Rule):
    """Maximum likelihood of the recorded spikes under a network of escape-noise neurons.

    Every neuron receives the recorded spikes of all the others; its log likelihood is concave in its weights, and
    the gradient is a local plasticity rule: presynaptic trace times (postsynaptic spike - expected spike).

    References
    ----------
    Pfister, Toyoizumi, Barber & Gerstner (2006), Neural Computation 18:1318.
    Pillow et al. (2008), Nature 454:995.
    """

    tau: float = quantity(10.0, "ms", "time constant of the postsynaptic potential; at least one bin")
    delay: float = quantity(0.0, "ms", "synaptic delay; at least one bin")

    name: ClassVar[str] = "ml"
    neuron: ClassVar[str] = "lif"
    learns: ClassVar[str] = "gradient"
    synapse: ClassVar[str] = SYNAPSE
    on_pre: ClassVar[str] = ON_PRE
