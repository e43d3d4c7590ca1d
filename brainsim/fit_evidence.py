"""Evidence of the connections of a fit on the type of each neuron: Dale's law, read from its outgoing synapses."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.posterior import PRIOR_EXCITATORY

Floats = NDArray[np.float64]

MOST_SURE = 0.02
NOTHING = 1e-9


def of_fit(dataset: xr.Dataset, fit: xr.Dataset) -> Floats:
    """Return what the connections of a fit say of each neuron: log odds of E against I without a prior, (neuron,).

    No fit is believed beyond 49 to 1: hidden neurons make some of its sure answers wrong (11 of 249 cells of three
    simulated recordings).

    Raises
    ------
    InputError
        If it is no fit of the rule ``ml``, was told the cell types, or lacks a neuron of the recording.
    """
    if fit.attrs.get("rule") != "ml" or "cell_type_probability" not in fit:
        raise InputError(
            f"it is no fit that infers cell types (rule {fit.attrs.get('rule', 'none')})",
            where="fit, field 'cell_type_probability'",
            remedy="fit the recording with brainsim snn fit --rule ml",
        )
    if fit.attrs.get("known_types", 0):
        raise InputError(
            "it was told the cell types, so its probabilities repeat them",
            where="fit, field 'cell_type_probability'",
            remedy="fit again without --known-types",
        )
    names, there = (each["neuron"].values.astype(str).tolist() for each in (dataset, fit))
    if lacking := [name for name in names if name not in set(there)]:
        raise InputError(
            f"it lacks {len(lacking)} of the {len(names)} neurons of the recording: {', '.join(lacking[:5])}",
            where="fit, field 'neuron'",
            remedy="give the fit of this recording",
        )
    place = {name: at for at, name in enumerate(there)}
    p = fit["cell_type_probability"].values.astype(float)[[place[name] for name in names]]
    p = np.where(np.isfinite(p), np.clip(p, MOST_SURE, 1 - MOST_SURE), PRIOR_EXCITATORY)
    odds = np.log(p / (1 - p)) - np.log(PRIOR_EXCITATORY / (1 - PRIOR_EXCITATORY))
    return np.where(np.abs(odds) < NOTHING, 0.0, odds)
