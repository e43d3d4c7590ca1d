"""Whether generated trials lead to the connectivity that recorded trials lead to, where the truth is known.

A simulated recording brings its true weights. The same network (rule ml) is fitted to its trials, to as many trials of
another source and to each half of its trials. If the source is right in what matters for connectivity, its fit is as
near to the recorded one as one half is to the other, and ranks true synapses as well.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr

from brainsim import gradient
from brainsim.accuracy import accuracy
from brainsim.alignment import Aligned
from brainsim.comparison import Comparison
from brainsim.contest import edge_order
from brainsim.error import InputError
from brainsim.evidence import Sample, draw
from brainsim.gradient import Settings
from brainsim.missing import Floats
from brainsim.peer import Inferred
from brainsim.progress import Progress, silent
from brainsim.rule.ml import Ml

HALVES = ("first half", "second half")
SLACK = 0.05  # in r and in average precision
FOUND = 0.1  # of what a blind ranking leaves to be found, from which a fit counts as having found anything


def with_connectivity(
    comparison: Comparison,
    recorded: xr.Dataset,
    seed: int = 0,
    progress: Progress = silent,
    *,
    target: str = "cpp",
) -> Comparison:
    """Return a comparison with what the fits say of each source.

    Parameters
    ----------
    comparison
        From :func:`brainsim.compare.compare`.
    recorded
        Its reference, with `true_weight`.
    seed
        Which trials of a source are taken where it has more.
    progress
        Called after every fit.
    target
        ``"cpp"`` or ``"numpy"``: see :class:`brainsim.gradient.Settings`.

    Returns
    -------
    Comparison
        With `connectivity`: for each source `weight_r` and `weight_r_floor` (Pearson's r between the weights of all
        pairs, recorded against source and half against half), `ap_recorded`, `ap_source` and `ap_halves` (average
        precision against the true synapses), `share_connected`, which is the precision of a blind ranking, and the
        sentence `verdict`.

    Raises
    ------
    InputError
        If the true weights are not known, or are those of other neurons.
    FitError
        If trials of one side cannot be fitted.
    """
    true = check_truth(recorded, comparison.reference)
    aligned, reference = comparison.aligned, comparison.aligned.samples[comparison.reference]
    halves = [reference.take(np.arange(len(reference)) % 2 == at) for at in (0, 1)]
    counts = {name: int(reference.where(name).sum()) for name in np.unique(reference.labels)}
    parts = {comparison.reference: reference, **dict(zip(HALVES, halves, strict=True))}
    parts |= {
        name: draw(sample if sample.stimuli else _like(sample, reference), counts, np.random.default_rng(seed))
        for name, sample in aligned.samples.items()
        if name != comparison.reference
    }
    fits: dict[str, xr.Dataset] = {}
    for done, (name, sample) in enumerate(parts.items()):
        progress(done, len(parts), f"fit: {name}")
        ridge = fits[comparison.reference].attrs["ridge"] if fits else None
        fits[name] = gradient.fit(
            as_recording(sample, aligned), Ml(), Settings(ridge=ridge, target=target, check=False)
        )
    progress(len(parts), len(parts), "")
    found = {name: agreement(fits, comparison.reference, name, true) for name in comparison.scores}
    return replace(comparison, connectivity=found)


def check_truth(recorded: xr.Dataset, name: str) -> Floats:
    """Return the true weights, (pre, post).

    Raises
    ------
    InputError
        If there are none, or not one for each pair of neurons.
    """
    if "true_weight" not in recorded:
        raise InputError(
            "its true weights are not known",
            where=f"{name}, field 'true_weight'",
            remedy="use a simulated recording (brainsim data simulate), or leave --connectivity out",
        )
    true: Floats = np.nan_to_num(recorded["true_weight"].transpose("pre", "post").values.astype(float))
    if true.shape != (recorded.sizes["neuron"],) * 2 or not true.any():
        raise InputError(
            f"there are true weights of {true.shape[0]} x {true.shape[1]} pairs ({np.count_nonzero(true)} synapses) "
            f"for {recorded.sizes['neuron']} neurons",
            where=f"{name}, field 'true_weight'",
            remedy="use the recording as it was simulated",
        )
    return true


def as_recording(sample: Sample, aligned: Aligned) -> xr.Dataset:
    """Return trials with their spikes per frame, deconvolved as those of all others."""
    values = np.maximum(aligned.rule.spikes(sample), 0)
    return xr.Dataset(
        {"spikes": (("trial", "time", "neuron"), values)},
        coords={
            "time": np.arange(sample.frames) / sample.rate,
            "neuron": aligned.neuron,
            "stimulus": ("trial", sample.labels),
        },
        attrs={"source": "recorded", "sampling_rate_hz": sample.rate},
    )


def agreement(
    fits: Mapping[str, xr.Dataset], reference: str, source: str, true: Floats
) -> dict[str, float | str | None]:
    """Hold the fit of a source against that of the recording, and both against the truth."""
    weight = {name: _pairs(fit["weight"].values) for name, fit in fits.items()}
    precision = {name: accuracy(_inferred(fit), true).ap for name, fit in fits.items()}
    halves = [precision[name] for name in HALVES]
    known = [value for value in halves if value is not None]
    found: dict[str, float | str | None] = {
        "weight_r": _r(weight[reference], weight[source]),
        "weight_r_floor": _r(*(weight[name] for name in HALVES)),
        "ap_recorded": precision[reference],
        "ap_source": precision[source],
        "ap_halves": float(np.mean(known)) if known else None,
        "share_connected": float((_pairs(true) != 0).mean()),
    }
    return found | {"verdict": conclusion(found)}


def conclusion(found: Mapping[str, float | str | None]) -> str:
    """Say in a sentence what the numbers of a source mean."""
    r, floor, recorded, own, halves, blind = (
        float(found[name] or 0.0)
        for name in ("weight_r", "weight_r_floor", "ap_recorded", "ap_source", "ap_halves", "share_connected")
    )
    if recorded < blind + FOUND * (1 - blind):
        return "nothing follows: the fit to the recorded trials hardly finds the true synapses itself"
    if r >= floor - SLACK and own >= halves - SLACK:
        return "leads to the connectivity that recorded trials lead to"
    if own >= halves - SLACK:
        return "finds true synapses as well as recorded trials do, with other weights"
    return "does not lead to the connectivity that recorded trials lead to"


def _inferred(fit: xr.Dataset) -> Inferred:
    z = np.nan_to_num(fit["z"].values)
    return Inferred(edge_order(fit["edge_probability"].values, z), np.sign(z), fit["q_value"].values < 0.05)


def _pairs(matrix: Floats) -> Floats:
    return np.asarray(np.nan_to_num(matrix)[~np.eye(len(matrix), dtype=bool)])


def _r(one: Floats, other: Floats) -> float | None:
    return float(np.corrcoef(one, other)[0, 1]) if one.std() > 0 and other.std() > 0 else None


def _like(sample: Sample, reference: Sample) -> Sample:
    """Return trials without stimuli under the labels of the recording, in turn, so that as many are taken."""
    return replace(sample, stimulus=np.resize(reference.labels, len(sample)))
