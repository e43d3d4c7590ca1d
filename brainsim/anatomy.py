"""The cells and synapses of a simulated network: who there is, where, and who reaches whom, how strongly, how late."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainsim.preset import Afferents, Preset, Wiring

Array = NDArray[np.float64]
EXTENT_UM = 500


@dataclass
class Anatomy:
    """The cells and synapses of one simulated network.

    Attributes
    ----------
    excitatory
        Which cells are excitatory, (neuron,).
    observed
        How many cells are recorded; they are the first ones.
    weight
        Recurrent weights, (pre, post).
    delay
        Delays in time steps, -1 where there is no synapse, (pre, post); None in a network without delays.
    fibre_weight
        Weights of the afferent fibres, (fibre, neuron).
    position
        Where the cells lie [um], (neuron, 2).
    """

    excitatory: NDArray[np.bool_]
    observed: int
    weight: Array
    delay: NDArray[np.int16] | None
    fibre_weight: Array
    position: Array

    @property
    def synapse_weight(self) -> Array:
        """Weights as the program holds them: (pre, post), or those of the synapses that there are, in that order."""
        return self.weight if self.delay is None else self.weight[self.delay >= 0]


def draw_anatomy(preset: Preset, rng: np.random.Generator) -> Anatomy:
    """Draw the cells and synapses of a preset.

    Parameters
    ----------
    preset
        The experiment.
    rng
        Source of randomness.
    """
    seen = preset.observed or preset.neurons
    seen_inhibitory = preset.observed_inhibitory if preset.observed else preset.inhibitory
    hidden, wiring = preset.neurons - seen, preset.wiring()
    parts = [_mixed(seen, seen_inhibitory, rng), _mixed(hidden, preset.inhibitory - seen_inhibitory, rng)]
    excitatory = np.concatenate(parts)
    if wiring.delay_ms is None:
        weight, delay = random_network(excitatory, wiring, rng), None
        fibre_weight = _fibres(preset.afferents(), excitatory, rng)
        return Anatomy(excitatory, seen, weight, delay, fibre_weight, _positions(preset, rng))
    position = _positions(preset, rng)
    weight = random_network(excitatory, wiring, rng, position)
    delay = _delays(weight, excitatory, wiring, preset.dt_ms, rng)
    return Anatomy(excitatory, seen, weight, delay, _fibres(preset.afferents(), excitatory, rng), position)


def _mixed(cells: int, inhibitory: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    excitatory = np.arange(cells) < cells - inhibitory
    rng.shuffle(excitatory)
    return excitatory


def _positions(preset: Preset, rng: np.random.Generator) -> Array:
    return rng.uniform(0, EXTENT_UM, (preset.neurons, 2)).round(1)


def distances(position: Array) -> Array:
    """Return the distance of every pair of cells, (neuron, neuron), in the unit of `position`, (neuron, 2)."""
    return np.asarray(np.linalg.norm(position[:, None] - position[None], axis=2))


def random_network(
    excitatory: NDArray[np.bool_], wiring: Wiring, rng: np.random.Generator, position: Array | None = None
) -> Array:
    """Draw a random network with log-normal weights and no self-connections.

    Parameters
    ----------
    excitatory
        Which cells are excitatory, (neuron,).
    wiring
        Probability and weights.
    rng
        Source of randomness.
    position
        Where the cells lie [um], (neuron, 2); needed where the probability depends on distance.

    Returns
    -------
    ndarray
        Weights, (pre, post); 0 where there is no synapse.
    """
    n = len(excitatory)
    size = np.minimum(rng.lognormal(-(wiring.spread**2) / 2, wiring.spread, (n, n)), wiring.strongest)
    mean = np.where(excitatory, wiring.excitatory, -wiring.inhibitory)[:, None]
    chance = rng.uniform(size=(n, n))
    if wiring.synapses:
        np.fill_diagonal(chance, 1.0)
        there = chance.argsort(1).argsort(1) < min(wiring.synapses, n - 1)
    elif position is not None and np.isfinite(wiring.length_um):
        there = chance < wiring.probability * np.exp(-distances(position) / wiring.length_um)
    else:
        there = chance < wiring.probability
    weight: Array = np.where(there, mean * size, 0.0)
    np.fill_diagonal(weight, 0.0)
    return weight


def _delays(
    weight: Array, excitatory: NDArray[np.bool_], wiring: Wiring, dt_ms: float, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Draw the delay of every synapse in whole time steps, (pre, post); -1 where there is none."""
    usual = wiring.delay_ms or (0.0, 0.0)
    both = np.round(np.array([usual, wiring.inhibitory_delay_ms or usual]) / dt_ms).astype(int)
    shortest, longest = both[np.where(excitatory, 0, 1)].T
    steps = rng.integers(shortest[:, None], longest[:, None], weight.shape, endpoint=True)
    return np.where(weight != 0, steps, -1).astype(np.int16)


def _fibres(afferents: Afferents, excitatory: NDArray[np.bool_], rng: np.random.Generator) -> Array:
    """Draw which cells each channel drives, and the weights of its fibres, (fibre, neuron)."""
    rows = []
    for share in afferents.channels.values():
        chance = np.where(excitatory, share, afferents.onto_inhibitory)
        cells = rng.uniform(size=len(excitatory)) < chance
        reached = cells & (rng.uniform(size=(afferents.fibres, len(excitatory))) < afferents.targets)
        rows.append(afferents.weight * rng.uniform(0.5, 1.5, reached.shape) * reached)
    return np.concatenate(rows) if rows else np.zeros((0, len(excitatory)))
