"""Connectivity from spikes: correlograms, several baselines, one answer.

Slow common input asks for a local baseline, dense small networks for none; nothing in a recording says which of them it
is. So every pair is judged in several views, each whitened by the common input that it sees and calibrated by its own
unconnected pairs, and their median counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, log_expit, ndtri_exp

from brainsim.cluster import Here, Pool
from brainsim.contrast import alike, contrasted, directed
from brainsim.decoy import calibrated
from brainsim.edge import CellTypes, Edges, best_cut, named_types
from brainsim.kernel import COARSE_BIN_S, FINE_BIN_S, lags
from brainsim.look import Look, baselines, keep_types, pairs_of, prior_odds
from brainsim.null import FEW_PAIRS, NORMAL_MEDIAN
from brainsim.posterior import View, log_probability, posts_mirrored, view
from brainsim.progress import Progress, silent
from brainsim.recorded import Events
from brainsim.shard_store import InMemory, digest
from brainsim.strength import levels, visible
from brainsim.sufficient import source_blocks
from brainsim.views import Looks

Array = NDArray[np.float64]
Floats = NDArray[Any]  # of 32 bits
CLEAN, DISTURBED = 1.5, 2.0
TYPE_NEWS, TOLD_TWICE = 0.25, 1.5
FRAME_SHARE, FRAME_NEWS = 0.08, 0.7  # in frames: share of connected pairs, at least; how much evidence counts
ONE_SIDED, FEW_TAUGHT = 0.15, 1000.0  # how much less than half the larger of two views counts; so few pairs: half of it
NEWS = 0.75  # both kinds of evidence are from the same spikes: their sum counts less than twice


@dataclass(frozen=True, eq=False)
class Judgement:
    """Evidence on every pair and neuron, in logarithms, so that independent evidence adds.

    Attributes
    ----------
    sides
        How much more probable the data are with an excitatory, with an inhibitory synapse than without, (2, pre, post).
    excitatory
        Odds of E against I of each neuron, (neuron,).
    share
        Share of connected pairs (no logarithm).
    decoys
        Whether evidence of the wrong sign tells how much evidence unconnected pairs give: not in frames of a
        microscope, where common input looks like excitation and never like inhibition.
    spikes
        How many spikes each neuron fired, (neuron,); None where they are not known.
    same
        How much both directions of a pair say the same; told in frames only.
    mirrored
        As `sides`, of scores with the other sign, (2, pre, some posts); None where they are not known.
    hidden
        How often hidden input was found, over how often connections.
    broad
        Share of synapses with half-normal strengths, of which many are weak, (type,), E first; None where it is not
        known.
    """

    sides: Floats
    excitatory: Array
    share: float
    decoys: bool = True
    spikes: Array | None = None
    same: float = 0.0
    mirrored: Floats | None = None
    hidden: float = 0.0
    broad: Array | None = None

    @property
    def evidence(self) -> Array:
        """How much more probable the data are with a synapse of the neuron's sign than without, (pre, post)."""
        excites, inhibits = log_expit(self.excitatory)[:, None], log_expit(-self.excitatory)[:, None]
        return np.asarray(np.logaddexp(excites + self.sides[0], inhibits + self.sides[1]), np.float64)

    def log_odds(self, usable: NDArray[np.bool_]) -> Array:
        """Return the log odds that the usable pairs are connected, calibrated where there are decoys, (pair,).

        In frames of a microscope most synapses cannot be seen and so are not in the share of those that can, and bursts
        that all neurons share make evidence of their own. So a pair without evidence has a probability of .08 at least,
        evidence counts less, and it may be that of the other direction.
        """
        if not self.decoys:
            return directed(FRAME_NEWS * self.evidence, max(self.share, FRAME_SHARE), self.same)[usable]
        seen = self.spikes, self.mirrored, self.hidden, self.broad
        return calibrated(self.sides, self.excitatory, self.share, usable, *seen)

    @property
    def side(self) -> Array:
        """Odds of E against I of a synapse on this pair, (pre, post)."""
        return np.asarray(self.excitatory[:, None] + self.sides[0] - self.sides[1], np.float64)


@dataclass(frozen=True, eq=False)
class Connectivity:
    """What the correlograms say.

    Attributes
    ----------
    judgement
        What it is made of.
    usable
        Pairs that can be judged, (pre, post).
    types
        Cell types.
    inflation
        Spread of the scores of unconnected pairs; 1 is clean.
    delay
        Delay of a synapse if there is one, in bins, (pre, post).
    tau
        Typical decay of a synaptic effect in bins.
    any
        Log odds that the spikes show any connections: the highest of the views.
    """

    judgement: Judgement
    usable: NDArray[np.bool_]
    types: CellTypes
    inflation: float
    delay: Floats
    tau: float
    any: float

    @property
    def sign(self) -> Floats:
        """+1 or -1: the sign a synapse has if there is one, (pre, post)."""
        return np.where(self.judgement.side >= 0, np.float32(1), np.float32(-1))

    @cached_property
    def edges(self) -> Edges:
        """Scores, q values, probabilities: made when they are asked for first."""
        usable, shape = self.usable, self.usable.shape
        log_p, q_value, probability = np.zeros(shape), np.ones(shape), np.zeros(shape)
        if usable.any():
            odds = self.judgement.log_odds(usable)
            probability[usable] = expit(odds)
            share = float(np.clip(probability.sum() / len(odds), 1e-6, 0.5))
            odds -= np.log(share / (1 - share))
            # an evidence ratio R counts as a p value of 1/(1 + R)
            log_p[usable] = np.negative(np.logaddexp(0, odds, out=odds), out=odds)
            np.maximum(np.exp(odds, out=odds), 1e-300, out=odds)
            q_value[usable] = stats.false_discovery_control(odds)
        log_p -= np.log(2)
        z = np.negative(ndtri_exp(log_p, out=log_p), out=log_p)
        z *= self.sign
        z[~usable] = 0
        return Edges(z, q_value, probability, self.inflation, best_cut(probability[usable]))


def infer(spikes: Events, bins: int, bin_s: float, known: NDArray[np.str_] | None = None) -> Connectivity:
    """Infer who is connected, excitatory or inhibitory, from the spikes of all neurons.

    Parameters
    ----------
    spikes
        Spikes of every neuron in bins.
    bins
        Length of the recording in bins.
    bin_s
        Width of a bin [s].
    known
        Cell types that are known (``E``, ``I``; anything else is not known), (neuron,).

    References
    ----------
    Stark & Abeles (2009), J Neurosci Methods 179:90 (local baseline). Efron (2004), JASA 99:96 (empirical null). Wang &
    Ramdas (2022), J R Stat Soc B 84:822 (q values from evidence ratios).
    """
    pool = Here(InMemory())
    held = {f"spikes_{part}": values for part, values in asdict(spikes).items()}
    pool.shards.put(key := digest(held), held)
    return concluded(looks(pool, key, (bins, bin_s), spikes.sources, known), total_of(spikes), bin_s, known)


def looks(
    pool: Pool,
    spikes: str,
    width: tuple[int, float],
    neurons: int,
    known: NDArray[np.str_] | None = None,
    progress: Progress = silent,
) -> Looks:
    """Return the work of all views on recorded spikes.

    Parameters
    ----------
    pool
        Who does it.
    spikes
        Key of the spikes.
    width
        Length of the recording in bins, and the width of a bin [s].
    neurons
        Number of neurons.
    known
        Cell types that are known, (neuron,).
    progress
        Called after each task.
    """
    types = keep_types(pool.shards, known)
    each = [Look(spikes, *width, types, baseline) for baseline in range(len(baselines(width[1])))]
    return Looks(pool, each, source_blocks(neurons), progress)


def concluded(seen: Looks, total: Array, bin_s: float, known: NDArray[np.str_] | None = None) -> Connectivity:
    """Put the views of all baselines together; `total` is how many spikes each neuron fired, (neuron,)."""
    found = combined(seen.views(), pairs_of(total), lags(bin_s).tau, known, bin_s)
    return replace(found, judgement=replace(found.judgement, spikes=total))


def total_of(spikes: Events) -> Array:
    """Return how many spikes each neuron fired, (neuron,)."""
    return np.bincount(spikes.source_of_each(), spikes.amplitude, minlength=spikes.sources).astype(float)


def refined(
    found: Connectivity, score: Array, usable: NDArray[np.bool_], known: NDArray[np.str_] | None = None
) -> tuple[Connectivity, float]:
    """Join the evidence of the correlograms and that of the likelihood, as far as its null is clean.

    Where unconnected pairs have scores as the likelihood promises, nothing hidden disturbs it, and both together tell
    more than either. Where their spread is twice that, hidden common input rules, and the correlograms count alone.
    Of cell types the likelihood counts a quarter: it has no baseline, and slow common input, weak in every pair, adds
    up over the pairs of a neuron and looks like excitation.

    Parameters
    ----------
    found
        What the correlograms say.
    score
        Weights of the likelihood over their standard errors, (pre, post).
    usable
        Pairs that can be judged, (pre, post).
    known
        Cell types that are known, (neuron,).

    Returns
    -------
    connectivity
        The joint answer.
    inflation
        Spread of the scores of unconnected pairs under the likelihood; 1 is clean.
    """
    if usable.sum() < FEW_PAIRS:
        return found, 1.0
    inflation = max(1.0, float(np.median(np.abs(score[usable]))) / NORMAL_MEDIAN)
    trusted = float(np.clip((DISTURBED - inflation) / (DISTURBED - CLEAN), 0, 1))
    if trusted == 0:
        return found, inflation
    prior, old = prior_odds(len(score), known), found.judgement
    each = visible(old.spikes) if old.decoys and old.spikes is not None else None
    more = view(score, usable, prior, None if each is None else levels(each, each))
    shown = max(found.any, more.any)
    excitatory = expit(shown) * (more.excitatory - prior)

    def joined(known: Floats, news: Floats) -> Floats:
        found: Floats = (known + trusted * _as_far_as_any(shown, news)) * (1 - (1 - NEWS) * trusted)
        return found

    both = replace(
        old,
        sides=joined(old.sides, more.sides),
        mirrored=None if old.mirrored is None else joined(old.mirrored, more.mirrored),
        excitatory=old.excitatory + trusted * TYPE_NEWS * excitatory,
    )
    return replace(found, judgement=both, usable=usable, types=_types_of(both, known), any=shown), inflation


def combined(
    blocks: Iterable[list[View]],
    usable: NDArray[np.bool_],
    tau: Array,
    known: NDArray[np.str_] | None = None,
    bin_s: float = 0.001,
) -> Connectivity:
    """Take the median of the evidence of several views, pair by pair and neuron by neuron.

    The type of a neuron is told twice: by the median over views of what all its pairs say together, in which common
    input, weak in every pair, adds up; and by its pairs, of each of which the median was taken first, in which weak
    synapses are lost. Where one is wrong the other seldom is; their mean counts.

    Parameters
    ----------
    blocks
        What each view says, a block of presynaptic neurons after the other.
    usable
        Pairs that can be judged, (pre, post).
    tau
        Decay of each kernel in bins, (kernel,).
    known
        Cell types that are known, (neuron,).
    bin_s
        Width of a bin [s]. Where it is longer than a synaptic effect, the other direction of a pair speaks as well, as
        far as both directions say the same over all pairs.
    """
    sides, delay = np.zeros((2, *usable.shape), np.float32), np.zeros(usable.shape, np.float32)
    pairs = int(usable.sum())
    mirrored = np.zeros_like(sides[:, :, posts_mirrored(len(usable))])
    views, by_view, at, shown = [], np.zeros(len(usable)), 0, -np.inf
    for views in blocks:
        mine = slice(at, at := at + views[0].sides.shape[1])
        shown = max(each.any for each in views)
        sides[:, mine] = _as_far_as_any(shown, _by_all([each.sides for each in views], pairs))
        mirrored[:, mine] = _as_far_as_any(shown, _by_all([each.mirrored for each in views], pairs))
        delay[mine] = np.median([each.delay for each in views], axis=0)
        by_view[mine] = np.median([each.excitatory for each in views], axis=0)
    framed, prior = bin_s > FINE_BIN_S, prior_odds(len(usable), known)
    by_view = prior + expit(shown) * (by_view - prior)
    share, hidden, same = float(np.median([v.share for v in views])), float(np.median([v.hidden for v in views])), 0.0
    if framed and usable.sum() >= FEW_PAIRS:
        same = alike(sides[0], usable)
        sides = contrasted(_of_both_directions(sides, same) if bin_s > COARSE_BIN_S else sides, usable)
        excitatory = prior + _lean(FRAME_NEWS * sides, usable, share)
    else:
        excitatory = prior + TOLD_TWICE * (by_view - prior + _lean(sides, usable, share)) / 2
    broad = np.median([v.broad for v in views], axis=0)
    judgement = Judgement(sides, excitatory, share, not framed, None, same, mirrored, hidden, broad)
    kernel = np.mean([v.kernel.mean(0) for v in views], axis=0)
    inflation = float(np.median([v.inflation for v in views]))
    decay = float(np.exp(kernel @ np.log(tau)))
    return Connectivity(judgement, usable, _types_of(judgement, known), inflation, delay, decay, shown)


def _by_all(seen: Sequence[Floats], pairs: int) -> Floats:
    """Return the median of the evidence of several views; of two, what both see counts most where pairs are few.

    A synapse looks like one with every baseline, and what only one of two sees may be something whose shape neither
    knows. Where many pairs taught the views what unconnected ones look like the mean counts, the fewer the more the
    smaller one of the two.
    """
    if len(seen) != 2:
        return np.asarray(np.median(seen, axis=0))
    larger = np.float32(0.5 - ONE_SIDED * FEW_TAUGHT / (pairs + FEW_TAUGHT))
    found: Floats = (1 - larger) * np.minimum(*seen) + larger * np.maximum(*seen)
    return found


def _as_far_as_any(shown: float, sides: Floats) -> Floats:
    """Return the evidence on pairs where it is not sure that there are any connections: `shown` are the log odds."""
    none, some = np.float32(log_expit(-shown)), np.float32(log_expit(shown))  # of 32 bits, as what they are added to
    found: Floats = np.logaddexp(none, some + sides)
    return found


def _lean(sides: Floats, usable: NDArray[np.bool_], share: float) -> Array:
    """Return how much more probable E is than I for each neuron by its pairs, in nats, (pre,)."""
    pairs = (np.where(each, log_probability(sides[:, k].astype(float), share), 0.0) for k, each in enumerate(usable))
    return np.array([(pair[0] - pair[1]).sum() for pair in pairs])


def _of_both_directions(sides: Floats, same: float) -> Floats:
    """Let the other direction of each pair speak as well, as far as both say the same."""
    found: Floats = (sides + np.float32(same) * sides.transpose(0, 2, 1)) / np.float32(1 + same)
    return found


def _types_of(judgement: Judgement, known: NDArray[np.str_] | None) -> CellTypes:
    return named_types(expit(judgement.excitatory), known)
