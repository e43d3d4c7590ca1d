"""Recorded and simulated responses of a fit as files: a figure and two tables."""

from pathlib import Path

import matplotlib
import pandas as pd
import xarray as xr

from brainsim.error import InputError
from brainsim.figure.resemblance import resemblance_picture
from brainsim.folder import png, result_folder
from brainsim.plot import STYLE
from brainsim.reader._cell import protected

FILES = ("resemblance.csv", "responses.csv", "responses.png")


def write(folder: str | Path, fit: xr.Dataset, *, overwrite: bool = False) -> dict[str, float]:
    """Write ``resemblance.csv``, ``responses.csv`` and ``responses.png`` into a new folder, all of it or nothing.

    Parameters
    ----------
    folder
        Must not exist, unless `overwrite` and it holds an earlier result.
    fit
        A fit of an online rule to a recording whose trials have a stimulus.
    overwrite
        Replace an earlier result.

    Returns
    -------
    dict
        ``resemblance_mean``, ``resemblance_other``, ``resemblance_shuffled_low`` and ``_high`` (means over stimuli),
        ``resemblance_p_stimuli``.

    Raises
    ------
    InputError
        If the fit holds no responses.
    OutputError
        If the folder exists or cannot be written.
    """
    if "resemblance" not in fit:
        raise InputError(
            "the fit holds no responses to stimuli",
            where="field 'resemblance'",
            remedy="fit a recording whose trials have a stimulus with an online rule, as --rule nearest-stdp",
        )
    with result_folder(folder, FILES[0], overwrite=overwrite) as draft:
        _by_stimulus(fit).to_csv(draft / "resemblance.csv", index=False)
        _by_cell(fit).to_csv(draft / "responses.csv", index=False)
        with matplotlib.rc_context(STYLE):
            (draft / "responses.png").write_bytes(png(resemblance_picture(fit).figure))
    low, high = fit["resemblance_shuffled"].mean("condition").values
    return {
        "resemblance_mean": float(fit.attrs["resemblance_mean"]),
        "resemblance_other": float(fit["resemblance_other"].mean()),
        "resemblance_shuffled_low": float(low),
        "resemblance_shuffled_high": float(high),
        "resemblance_p_stimuli": float(fit.attrs["resemblance_p_stimuli"]),
    }


def _names(variable: xr.DataArray) -> list[str]:
    return [protected(str(name)) for name in variable.values]


def _averaged(variable: xr.DataArray) -> xr.DataArray:
    """Return the mean over repeats, where there are any."""
    return variable.mean("repeat") if "repeat" in variable.dims else variable


def _by_stimulus(fit: xr.Dataset) -> pd.DataFrame:
    """Return one row per stimulus."""
    low, high = fit["resemblance_shuffled"].transpose("bound", "condition").values
    return pd.DataFrame(
        {
            "stimulus": _names(fit["condition"]),
            "resemblance": _averaged(fit["resemblance"]).values,
            "shuffled_low": low,
            "shuffled_high": high,
            "p": fit["resemblance_p"].values,
            "other_stimuli": fit["resemblance_other"].values,
        }
    )


def _by_cell(fit: xr.Dataset) -> pd.DataFrame:
    """Return one row per stimulus and cell."""
    names = {"recorded_response": "recorded_sd", "simulated_response": "simulated_sd", "simulated_count": "spikes"}
    columns = {new: _averaged(fit[old]).transpose("condition", "neuron").values.ravel() for old, new in names.items()}
    cells, stimuli = _names(fit["neuron"]), _names(fit["condition"])
    where = {"stimulus": [s for s in stimuli for _ in cells], "neuron": cells * len(stimuli)}
    return pd.DataFrame({**where, "cell_type": fit["cell_type"].values.tolist() * len(stimuli), **columns})
