"""Divergence of two histograms, as the peers' metrics need it."""

import numpy as np

from brainsim.missing import Floats


def divergence(recorded: Floats, candidate: Floats, edges: Floats) -> float:
    """Return D(recorded || candidate) of two samples [nats]; half a count stands in every bin.

    The half (Krichevsky and Trofimov 1981, IEEE Transactions on Information Theory 27:199) keeps it finite where the
    candidate has an empty bin.

    Parameters
    ----------
    recorded, candidate
        Shape (n,); missing values are left out.
    edges
        Inner borders of the bins, increasing: values below the first and above the last are bins too.
    """
    p, q = (_shares(values[np.isfinite(values)], edges) for values in (recorded, candidate))
    return float((p * np.log(p / q)).sum())


def even_edges(recorded: Floats, candidate: Floats, bins: int) -> Floats:
    """Return the inner borders of equal bins over the range of both samples; one border where it is a point."""
    both = np.concatenate([values[np.isfinite(values)] for values in (recorded, candidate)])
    if not len(both) or both.min() == both.max():
        return np.zeros(1)
    return np.linspace(both.min(), both.max(), bins + 1)[1:-1]


def _shares(known: Floats, edges: Floats) -> Floats:
    n = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1) + 0.5
    return np.asarray(n / n.sum())
