"""The model of the rule `ml` written densely in NumPy, every bin and every neuron: what event-driven passes equal."""

import numpy as np

from brainsim.recorded import Events
from brainsim.sufficient import Problem


def laid_out(events, bins, shift=0):
    """Events as a dense (bin, source) array; those behind the end are lost."""
    found = np.zeros((bins + shift, events.sources))
    inside = events.step < bins
    np.add.at(found, (events.step[inside] + shift, events.source_of_each()[inside]), events.amplitude[inside])
    return found[:bins]


def traces(problem):
    """Synaptic traces and covariates, (bin, feature)."""
    arrived, decay = laid_out(problem.spikes, problem.bins, problem.delay), np.exp(-1 / problem.tau)
    eps = np.zeros_like(arrived)
    for t in range(problem.bins):
        eps[t] = (decay * eps[t - 1] if t else 0) + arrived[t]
    return np.hstack([eps, np.cumsum(laid_out(problem.jumps, problem.bins), axis=0)])


def observed(problem):
    """Which bins of which neuron are there, (bin, neuron)."""
    return np.cumsum(laid_out(problem.gaps, problem.bins), axis=0) < 0.5


def evaluate(problem, held, beta, weight):
    """Log likelihood of fitted and of held-out bins, gradient for beta and for the centred weights."""
    x, spikes, there = traces(problem), laid_out(problem.spikes, problem.bins), observed(problem)
    centred = x - x.mean(0)
    drive = beta + centred @ weight
    rho = np.where(there, np.exp(drive), 0.0)
    fitted, out = ((np.where(mask[:, None], spikes * drive - rho, 0)).sum(0) for mask in (~held, held))
    residual = np.where(held[:, None], 0.0, spikes - rho)
    return fitted, out, residual.sum(0), centred.T @ residual


def problem(seed=0, neurons=4, bins=1024, tau=5.0, delay=1, rate=0.03, covariates=3, gaps=2):
    """Random spikes (some bins hold two), covariates that jump, and gaps, some of them at the edges."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(rate, (bins, neurons)) + 2 * (rng.random((bins, neurons)) < rate / 10)
    cells, starts, ends = [], [], []
    for cell in range(min(gaps, neurons)):
        for a, b in ((0, bins // 50), (bins // 3, bins // 3 + bins // 20), (bins - bins // 30, bins))[cell : cell + 2]:
            count[a:b, cell] = 0
            cells, starts, ends = [*cells, cell], [*starts, a], [*ends, b]
    step, source = np.nonzero(count)
    spikes = Events.of(source, step, count[step, source], neurons)
    switches = Events.of(
        np.array(cells * 2, int), np.array(starts + ends, int), np.repeat([1.0, -1.0], len(cells)), neurons
    )
    jumps = [
        (k, int(t), h)
        for k in range(covariates)
        for t in rng.choice(bins, 6, replace=False)
        for h in rng.choice([-1.0, 0.5, 1.0], 1)
    ]
    k, t, h = np.array(jumps).T if jumps else np.zeros((3, 0))
    jump_events = Events.of(
        np.append(k.astype(int), np.arange(covariates)),
        np.append(t.astype(int), np.zeros(covariates, int)),
        np.append(h, np.ones(covariates)),
        covariates,
    )
    keep = jump_events.amplitude != 0
    jump_events = Events.of(
        jump_events.source_of_each()[keep], jump_events.step[keep], jump_events.amplitude[keep], covariates
    )
    return Problem(spikes, jump_events, switches, bins, float(tau), delay)
