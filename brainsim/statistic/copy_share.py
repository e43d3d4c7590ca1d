"""Copying: share of near copies."""

import numpy as np

from brainsim.missing import Floats
from brainsim.statistic import Measure
from brainsim.statistic.nn_ratio import NNRatio


class CopyShare(NNRatio):
    """Share of candidate trials nearer to a recorded trial than the nearest twentieth of real ones are to each other.

    Notes
    -----
    Distances as in `nn_ratio`; 0.05 is expected of new real trials, 1 of photocopies.
    """

    name = "copy_share"
    title = "share of near copies"
    better = "lower"
    bounds = (0.0, 1.0)

    def of(self, own: Floats, usual: Floats) -> Measure:
        """Return the share below the fifth percentile of the usual distances."""
        if not len(own) or not len(usual):
            return Measure(None, "no two trials share a frame")
        near = own < np.quantile(usual, 0.05)
        return Measure(float(near.mean()), draw=lambda rng: float(rng.choice(near, len(near)).mean()))
