"""How right an inferred connectivity is, where the truth is known."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, matthews_corrcoef, roc_auc_score

from brainsim.peer import Bools, Floats, Inferred

FEWEST_PAIRS = 50
BINS = 10
Curve = dict[str, list[float]]


@dataclass(frozen=True)
class Accuracy:
    """How right a method is; None where the truth or the method does not allow to say. Self-pairs never count.

    Attributes
    ----------
    auc
        Area under the receiver operating characteristic of the score.
    ap
        Average precision of the score; a score without information has the share of connected pairs.
    mcc_best
        Largest Matthews correlation over all thresholds of the score.
    mcc_own
        Matthews correlation of the pairs that the method itself calls.
    sign_accuracy
        Share of the true edges among the called ones whose sign is right.
    ei_accuracy
        Share of the neurons of known type whose type is right; ``unknown`` is wrong.
    direction
        Share of the pairs connected one way whose score is larger in the true direction; a tie counts half.
    calibration
        Largest difference between edge probability and share of edges, over bins with at least 50 pairs.
    calibration_mean
        The same difference averaged over pairs.
    """

    auc: float | None = None
    ap: float | None = None
    mcc_best: float | None = None
    mcc_own: float | None = None
    sign_accuracy: float | None = None
    ei_accuracy: float | None = None
    direction: float | None = None
    calibration: float | None = None
    calibration_mean: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """Return the numbers by their names."""
        return asdict(self)


def accuracy(inferred: Inferred, true_weight: Floats, cell_type: NDArray[np.str_] | None = None) -> Accuracy:
    """Hold what a method says against the truth.

    Parameters
    ----------
    inferred
        What it says.
    true_weight
        True weights, (pre, post), 0 where there is no synapse.
    cell_type
        True type of each neuron, (neuron,); others than ``E`` and ``I`` are not judged.
    """
    pairs = ~np.eye(len(true_weight), dtype=bool)
    edge, score = true_weight[pairs] != 0, np.nan_to_num(np.abs(inferred.score))[pairs]
    worst, mean = calibration(reliability(inferred.probability, true_weight))
    both = edge.any() and not edge.all()
    return Accuracy(
        float(roc_auc_score(edge, score)) if both else None,
        float(average_precision_score(edge, score)) if both else None,
        best_mcc(edge, score) if both else None,
        float(matthews_corrcoef(edge, inferred.called[pairs])) if both else None,
        sign_accuracy(inferred, true_weight),
        ei_accuracy(inferred, cell_type),
        direction(np.abs(inferred.score), true_weight),
        worst,
        mean,
    )


def best_mcc(edge: Bools, score: Floats) -> float:
    """Return the largest Matthews correlation over all thresholds of the score.

    Parameters
    ----------
    edge, score
        Whether each pair is connected, and its score; (pair,).
    """
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)
    hits = np.cumsum(edge[order])[last].astype(float)
    called = np.flatnonzero(last) + 1.0
    edges, pairs = float(edge.sum()), float(len(edge))
    scale = np.sqrt(called * (pairs - called) * edges * (pairs - edges))
    mcc = np.divide(hits * pairs - called * edges, scale, out=np.zeros_like(scale), where=scale > 0)
    return float(mcc.max())


def sign_accuracy(inferred: Inferred, true_weight: Floats) -> float | None:
    """Return the share of the true edges among the called ones whose sign is right."""
    found = inferred.called & (true_weight != 0) & ~np.eye(len(true_weight), dtype=bool)
    if not found.any() or np.isnan(inferred.sign).all():
        return None
    return float((inferred.sign[found] == np.sign(true_weight[found])).mean())


def ei_accuracy(inferred: Inferred, cell_type: NDArray[np.str_] | None) -> float | None:
    """Return the share of the neurons of known type whose type is right."""
    known = np.isin(cell_type, ["E", "I"]) if cell_type is not None else np.zeros(1, bool)
    found = inferred.cell_type if inferred.cell_type is not None else types_of_signs(inferred)
    if cell_type is None or found is None or not known.any():
        return None
    return float((found[known] == cell_type[known]).mean())


def types_of_signs(inferred: Inferred) -> NDArray[np.str_] | None:
    """Return the type that the called outgoing pairs of each neuron speak for, summed by score; None without signs."""
    if np.isnan(inferred.sign).all():
        return None
    pooled = np.where(inferred.called, np.nan_to_num(inferred.sign) * np.abs(inferred.score), 0.0).sum(1)
    return np.select([pooled > 0, pooled < 0], ["E", "I"], "unknown")


def direction(score: Floats, true_weight: Floats) -> float | None:
    """Return the share of the pairs connected one way whose score is larger in the true direction."""
    one_way = (true_weight != 0) & (true_weight.T == 0)
    np.fill_diagonal(one_way, False)
    if not one_way.any():
        return None
    ahead = (score - score.T)[one_way]
    return float((ahead > 0).mean() + 0.5 * (ahead == 0).mean())


def reliability(probability: Floats | None, true_weight: Floats) -> Curve | None:
    """Return the reliability curve: what was told in each tenth of probability, and how many pairs are connected.

    Parameters
    ----------
    probability
        Edge probability, (pre, post), or None.
    true_weight
        True weights, (pre, post).

    Returns
    -------
    dict or None
        ``pairs`` (how many), ``told`` (sum of their probabilities) and ``connected`` (how many are), each a number
        for every tenth. The curve of several networks together is the sum (:func:`pooled`).
    """
    if probability is None:
        return None
    pairs = ~np.eye(len(true_weight), dtype=bool)
    told, edge = probability[pairs], true_weight[pairs] != 0
    place = np.clip((told * BINS).astype(int), 0, BINS - 1)
    sums = {"pairs": np.ones(len(told)), "told": told, "connected": edge.astype(float)}
    return {name: np.bincount(place, weight, BINS).tolist() for name, weight in sums.items()}


def pooled(curves: Sequence[Curve | None]) -> Curve | None:
    """Return the reliability curve of several networks together; None where no method told a probability."""
    known = [curve for curve in curves if curve is not None]
    if not known:
        return None
    return {name: np.sum([curve[name] for curve in known], axis=0).tolist() for name in known[0]}


def calibration(curve: Curve | None) -> tuple[float | None, float | None]:
    """Return the largest and the mean distance of a reliability curve from the diagonal.

    Notes
    -----
    Tenths with fewer than 50 pairs are left out. The mean is over pairs.
    """
    if curve is None:
        return None, None
    count, told, connected = (np.array(curve[name]) for name in ("pairs", "told", "connected"))
    gap, enough = np.abs(told - connected) / np.maximum(count, 1), count >= FEWEST_PAIRS
    if not enough.any():
        return None, None
    return float(gap[enough].max()), float(np.average(gap[enough], weights=count[enough]))
