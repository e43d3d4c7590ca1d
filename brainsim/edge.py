"""From weights and their errors to edges and cell types, with calibrated uncertainty."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.isotonic import IsotonicRegression

Array = NDArray[np.float64]
MEDIAN_CHI2 = float(stats.chi2.ppf(0.5, 1))
PRIOR_EXCITATORY = 0.8
SURE = 0.9


@dataclass(frozen=True)
class Edges:
    """What the z scores of all pairs say.

    Attributes
    ----------
    z
        Scores over the empirical null's spread, (pre, post).
    q_value
        Benjamini-Hochberg false discovery rate.
    probability
        One minus the local false discovery rate: the probability that the pair is connected.
    inflation
        Spread of the empirical null over that of a standard normal; 1 is clean, more says how much hidden common
        input disturbs the answer.
    """

    z: Array
    q_value: Array
    probability: Array
    inflation: float


def edges(z: Array, usable: NDArray[np.bool_], *, centred: bool = False) -> Edges:
    """Turn z scores into q values and edge probabilities.

    Most pairs carry no edge, so the middle of the scores shows the null: its median square against that of a
    chi-square tells the inflation, which is taken out (never below 1). The two-group model (Efron) then gives the
    probability of an edge at each score.

    Parameters
    ----------
    z
        Weight over standard error, (pre, post).
    usable
        Pairs that can be judged (no self-connections, no silent neurons).
    centred
        Take the median out too: where a bin is longer than a synapse acts, common input lifts the scores of all pairs.

    References
    ----------
    Benjamini & Hochberg (1995), J R Stat Soc B 57:289. Efron (2004), JASA 99:96.
    """
    if not usable.any():
        return Edges(np.zeros_like(z), np.ones_like(z), np.zeros_like(z), 1.0)
    z = z - float(np.median(z[usable])) if centred else z
    inflation = max(1.0, float(np.sqrt(np.median(z[usable] ** 2) / MEDIAN_CHI2)))
    scaled = np.where(usable, z / inflation, 0.0)
    p = 2 * stats.norm.sf(np.abs(scaled[usable]))
    q_value, probability = np.ones_like(z), np.zeros_like(z)
    q_value[usable] = stats.false_discovery_control(np.maximum(p, 1e-300))
    probability[usable] = _local_probability(np.abs(scaled[usable]), p)
    return Edges(scaled, q_value, probability, inflation)


def _local_probability(score: Array, p: Array) -> Array:
    """Return 1 - local false discovery rate, which never falls as the score grows."""
    if len(score) < 20:
        return 1 - np.minimum(1.0, stats.false_discovery_control(np.maximum(p, 1e-300)))
    null_share = min(1.0, float((p > 0.5).mean() / 0.5))
    top = max(float(np.quantile(score, 0.999)), 4.0)
    bins = np.linspace(0, top, int(np.clip(len(score) / 50, 10, 60)) + 1)
    counts, _ = np.histogram(np.minimum(score, top), bins)
    expected = null_share * len(score) * np.diff(2 * stats.norm.cdf(bins))
    expected[-1] += null_share * len(score) * 2 * stats.norm.sf(top)
    share = 1 - np.minimum(1.0, (expected + 1e-12) / np.maximum(counts, 1e-12))
    share[counts == 0] = np.nan
    known = ~np.isnan(share)
    middle = (bins[:-1] + bins[1:]) / 2
    curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(
        middle[known], share[known], sample_weight=counts[known]
    )
    probability: Array = curve.predict(score)
    return probability


@dataclass(frozen=True)
class CellTypes:
    """Excitatory or inhibitory, from the pooled sign of outgoing weights: Dale's law as inference.

    Attributes
    ----------
    cell_type
        ``E``, ``I`` or, where neither has a probability of 0.9, ``unknown``; (neuron,).
    probability
        Probability of E, (neuron,).
    """

    cell_type: NDArray[np.str_]
    probability: Array


def no_types(n: int) -> CellTypes:
    """Return what is known of the types of n neurons when nothing was seen of them."""
    return CellTypes(np.full(n, "unknown", dtype="<U7"), np.full(n, PRIOR_EXCITATORY))


def cell_types(found: Edges, usable: NDArray[np.bool_]) -> CellTypes:
    """Infer the type of each presynaptic neuron from all its outgoing scores together.

    Under E a connected pair has a score around +m, under I around -m, an unconnected one around 0; m, the spread and
    the share of connected pairs are those of the network.

    Parameters
    ----------
    found
        Scores of all pairs.
    usable
        Pairs that can be judged.
    """
    n = len(found.z)
    share = float(np.clip(found.probability[usable].mean() if usable.any() else 0, 1e-4, 0.9))
    weight = found.probability[usable]
    strength = np.abs(found.z[usable])
    centre = float((weight * strength).sum() / max(weight.sum(), 1e-9)) if weight.sum() > 1e-9 else 3.0
    spread = float(np.sqrt(1 + max((weight * (strength - centre) ** 2).sum() / max(weight.sum(), 1e-9), 0)))
    null = stats.norm.pdf(found.z)
    excitatory = (1 - share) * null + share * stats.norm.pdf(found.z, centre, spread)
    inhibitory = (1 - share) * null + share * stats.norm.pdf(found.z, -centre, spread)
    evidence = np.where(usable, np.log(excitatory + 1e-300) - np.log(inhibitory + 1e-300), 0.0).sum(1)
    odds = np.clip(evidence + np.log(PRIOR_EXCITATORY / (1 - PRIOR_EXCITATORY)), -50, 50)
    probability = 1 / (1 + np.exp(-odds))
    names = np.full(n, "unknown", dtype="<U7")
    names[probability >= SURE], names[probability <= 1 - SURE] = "E", "I"
    return CellTypes(names, probability)
