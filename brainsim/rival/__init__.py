"""Rivals that cost nothing: what every simulation and every generator has to beat, one file each.

`photocopy` is a cheat, shown as a control and never counted as a rival: it is the best there is in everything except
being new. All others are made from the training trials of a split alone.
"""

from collections.abc import Callable

import numpy as np

from brainsim.evidence import Sample
from brainsim.rival.dichotomised_gaussian import dichotomised_gaussian
from brainsim.rival.independent_gaussian import independent_gaussian
from brainsim.rival.photocopy import photocopy
from brainsim.rival.residual_resampling import residual_resampling
from brainsim.rival.shrinkage_gaussian import shrinkage_gaussian

PHOTOCOPY = "photocopy of training trials"
INDEPENDENT = "independent Gaussian"
RIVALS: dict[str, Callable[[Sample, np.random.Generator], Sample]] = {
    PHOTOCOPY: photocopy,
    "class mean + any trial's residual": residual_resampling,
    INDEPENDENT: independent_gaussian,
    "shrinkage Gaussian": shrinkage_gaussian,
    "dichotomised Gaussian": dichotomised_gaussian,
}
