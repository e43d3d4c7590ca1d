"""Excitatory or inhibitory: from the trace of a cell, from the connections of a fit, or from both.

log odds of E = log(prior / (1 - prior)) + evidence of the trace + evidence of the fit

The prior counts once: it is taken out of the classifier (the share of E among its cells) and of the fit (four of five).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from brainsim import __version__
from brainsim.edge import SURE
from brainsim.error import InputError
from brainsim.fit_evidence import of_fit
from brainsim.labelled import known_types
from brainsim.posterior import PRIOR_EXCITATORY
from brainsim.progress import Progress, silent
from brainsim.told_apart import told_apart
from brainsim.trace_evidence import TraceEvidence, of_traces
from brainsim.validation import doubts, validation

Floats = NDArray[np.float64]

SAID = ("cell_evidence_trace", "cell_evidence_fit", "cell_type_probability")
MEASURED = ("cell_feature", "cell_feature_outside", "feature")
FIGURES = ("cells", "unanswered", "accuracy", "ci95", "majority_share", "balanced_accuracy", "auc", "auc_ci95")


@dataclass(frozen=True)
class Settings:
    """How cells are classified.

    Parameters
    ----------
    method
        ``features`` or ``snippet-svm``.
    prior
        Share of E that is expected before anything is seen.
    sure
        A cell is named where its type is at least so probable, ``unknown`` otherwise.
    seed
        Of folds and bootstrap.
    """

    method: str = "features"
    prior: float = PRIOR_EXCITATORY
    sure: float = SURE
    seed: int = 0

    def __post_init__(self) -> None:
        for field, low in (("prior", 0.0), ("sure", 0.5)):
            if not low < getattr(self, field) < 1:
                raise InputError(
                    f"it is {getattr(self, field):g}",
                    where=f"field '{field}'",
                    remedy=f"give a number between {low:g} and 1",
                )


@dataclass(frozen=True, eq=False)
class Classified:
    """The answer.

    Attributes
    ----------
    dataset
        The recording with `cell_type`, `cell_type_probability` (of E) and what it is made of.
    facts
        Counts, `validation`, `agreement` with types that the recording came with, and notices.
    traces
        What the classifier said of the recording and of held-out cells; None without training.
    """

    dataset: xr.Dataset
    facts: dict[str, Any]
    traces: TraceEvidence | None


def classify(
    dataset: xr.Dataset,
    training: Sequence[tuple[str, xr.Dataset]] = (),
    fit: xr.Dataset | None = None,
    settings: Settings | None = None,
    progress: Progress = silent,
) -> Classified:
    """Tell which neurons of a recording are excitatory and which inhibitory.

    Parameters
    ----------
    dataset
        The recording. Cell types that it came with are not used: they are kept as `cell_type_given` and held against
        the answer.
    training
        Name and recording of labelled cells (`cell_type`).
    fit
        A fit of the rule ``ml`` to the same neurons.
    settings
        Method, prior, how sure, seed.
    progress
        Called after each recording that was measured and each fold.

    Raises
    ------
    InputError
        If there is neither training nor fit, or one of them does not serve.
    UnknownName
        If there is no such method.

    Examples
    --------
    >>> from brainsim.dataset import load_dataset
    >>> recording = load_dataset().drop_dims(["spike", "pre", "post", "trial"]).isel(time=slice(600))
    >>> labelled = [("forty cells", recording.isel(neuron=slice(10, None)))]
    >>> found = classify(recording.isel(neuron=slice(10)), labelled).dataset
    >>> found["cell_type"].dims, sorted(set(found["cell_type"].values) - {"E", "I", "unknown"})
    (('neuron',), [])
    """
    settings = settings or Settings()
    if not training and fit is None:
        raise InputError(
            "there is nothing to tell cell types by",
            where="field 'cell_type'",
            remedy="give labelled recordings (--train) or a fit (--fit)",
        )
    traces = of_traces(dataset, training, settings.method, settings.seed, progress) if training else None
    linked = None if fit is None else of_fit(dataset, fit)
    return _assembled(_bare(dataset), traces, linked, settings)


def _bare(dataset: xr.Dataset) -> xr.Dataset:
    """Leave out what an earlier classification said; types that the recording came with stay."""
    given = known_types(dataset)
    bare = dataset.drop_vars(
        [name for name in (*SAID, *MEASURED, "cell_type", "cell_type_given") if name in dataset.variables]
    )
    bare.attrs = {name: value for name, value in dataset.attrs.items() if not str(name).startswith("cells_")}
    return bare if given is None else bare.assign_coords(cell_type_given=("neuron", given))


def _assembled(
    dataset: xr.Dataset, traces: TraceEvidence | None, linked: Floats | None, settings: Settings
) -> Classified:
    """Join the evidence, name the cells, and put it all into the recording."""
    parts = {} if traces is None else {"cell_evidence_trace": traces.evidence}
    parts |= {} if linked is None else {"cell_evidence_fit": linked}
    total = sum(parts.values(), np.zeros(dataset.sizes["neuron"]))
    p = 1 / (1 + np.exp(-(np.log(settings.prior / (1 - settings.prior)) + total)))
    said = (traces.answered if traces else False) | (linked != 0 if linked is not None else False)
    named = np.select([said & (p >= settings.sure), said & (p <= 1 - settings.sure)], ["E", "I"], "unknown")
    result = dataset.assign({name: ("neuron", values, {"units": "nats"}) for name, values in parts.items()})
    result = result.assign(cell_type_probability=("neuron", p)).assign_coords(cell_type=("neuron", named))
    notices = list(traces.notices) if traces else []
    notices += ["the fit tells no cell types"] if linked is not None and not linked.any() else []
    used = [settings.method] * (traces is not None) + ["fit"] * (linked is not None)
    facts: dict[str, Any] = {
        "method": " + ".join(used),
        "prior": settings.prior,
        "sure": settings.sure,
        "seed": settings.seed,
        "cell_types": {kind: int((named == kind).sum()) for kind in ("E", "I", "unknown")},
    }
    if traces:
        result = _with_features(result, traces)
        facts["validation"] = validation(traces, settings.seed)
        notices += doubts(facts["validation"])
    given = dataset["cell_type_given"].values if "cell_type_given" in dataset.coords else np.array([], str)
    if (at := np.isin(given, ("E", "I"))).any():
        cells = np.arange(at.sum()).astype(str)
        odds = np.where(said, total, np.nan)[at]
        facts["agreement"] = told_apart(given[at] == "E", odds, p[at], cells, settings.seed)
        facts["agreement"]["named_right"] = float((named[at] == given[at]).mean())
    result.attrs |= _attributes(facts, dataset, notices)
    return Classified(result, facts | {"notices": notices}, traces)


def _with_features(dataset: xr.Dataset, traces: TraceEvidence) -> xr.Dataset:
    """Add what was measured of each trace, where it is numbers."""
    if not traces.columns:
        return dataset
    return dataset.assign(
        cell_feature=(("neuron", "feature"), traces.rows.astype(np.float64)),
        cell_feature_outside=("neuron", traces.outside),
    ).assign_coords(feature=list(traces.columns))


def _attributes(facts: dict[str, Any], dataset: xr.Dataset, notices: list[str]) -> dict[str, Any]:
    """Return what was found as attributes; those of the recording stay, and its notices come first."""
    told = [line for line in str(dataset.attrs.get("notices", "")).splitlines() if line and line not in notices]
    found: dict[str, Any] = {
        "cells_method": facts["method"],
        "cells_prior": facts["prior"],
        "cells_sure": facts["sure"],
        "cells_seed": facts["seed"],
        "brainsim_version": __version__,
    }
    tables = {"cells_by_" + key: value for key, value in facts.get("validation", {}).items()}
    for prefix, table in (tables | {"cells_agreement": facts.get("agreement")}).items():
        for name in FIGURES:
            if table is not None:
                found[f"{prefix}_{name}"] = table[name]
    if told or notices:
        found["notices"] = "\n".join([*told, *notices])
    return found
