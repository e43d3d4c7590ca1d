"""What a comparison found: scores, verdicts, warnings, as objects, as JSON and as a Dataset."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from brainsim import catalog, rival
from brainsim.alignment import Aligned
from brainsim.display import table
from brainsim.statistic import Statistic
from brainsim.yardstick import Score


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What :func:`compare` found.

    Parameters
    ----------
    reference
        Name of the recording that the others are held against.
    scores
        Metric by metric, for each source.
    verdict
        One sentence for each source.
    warnings
        What a reader must know before believing a number.
    missed
        Names of the metrics that each source misses, by the rules of :mod:`brainsim.verdict`.
    aligned
        All recordings in one shape, for figures.
    provenance
        Seeds, versions and attributes of the files.
    splits
        Which trials the distributions of each source are held against, in words.
    connectivity
        Of each source, from :func:`brainsim.connection_truth.connections_agree`; empty where nobody asked.

    Examples
    --------
    >>> from brainsim.compare import compare
    >>> from brainsim.dataset import load_dataset
    >>> from brainsim.trial import cut_trials
    >>> recording = load_dataset().drop_dims(["spike", "pre", "post"]).isel(neuron=slice(4), trial=slice(32))
    >>> frame = cut_trials(recording).isel(time=[5]).drop_vars("stimulus")
    >>> found = compare(frame, {"half of them": frame.isel(trial=slice(0, 32, 2))})
    >>> found  # doctest: +ELLIPSIS
    Comparison with recorded, ... metrics
      half of them: copies your trials: 100% of them are near copies, at 0.00 of the usual distance
    >>> round(found.scores["half of them"]["nn_ratio"].value, 3)
    0.0
    """

    reference: str
    scores: dict[str, dict[str, Score]]
    verdict: dict[str, str]
    warnings: tuple[str, ...]
    missed: dict[str, tuple[str, ...]]
    aligned: Aligned
    provenance: dict[str, dict[str, str]]
    splits: dict[str, str]
    connectivity: dict[str, dict[str, float | str | None]] = field(default_factory=dict)

    @property
    def statistics(self) -> dict[str, Statistic]:
        """The statistics behind the scores, by name."""
        made = catalog.entries("statistic")
        return {name: made[name]() for name in next(iter(self.scores.values()))}

    def to_dict(self) -> dict[str, Any]:
        """Return the object of ``metrics.json``: plain numbers, strings and null, no NaN."""
        sources = {
            source: {name: score.to_dict() for name, score in scores.items()} for source, scores in self.scores.items()
        }
        facts = {"reference": self.reference, "sources": sources, "verdict": dict(self.verdict)}
        told = {"splits": dict(self.splits), "warnings": list(self.warnings)}
        return facts | told | ({"connectivity": self.connectivity} if self.connectivity else {})

    def to_dataset(self) -> xr.Dataset:
        """Return every number on (source, metric), NaN where there is none, as ``metrics.nc`` holds it.

        Returns
        -------
        Dataset
            `value`, `floor`, `rival`, `photocopy`, `ci95_low`, `ci95_high`, `rival_name` and `why`; the coordinate
            `unit` on `metric` and `verdict` on `source`.
        """
        names = list(next(iter(self.scores.values())))
        rows = [[self.scores[source][name] for name in names] for source in self.scores]
        numbers = {
            key: _numbers([[_field(score, key) for score in row] for row in rows])
            for key in ("value", "floor", "rival", "photocopy", "ci95_low", "ci95_high")
        }
        words = {
            key: [[str(getattr(score, key) or "") for score in row] for row in rows] for key in ("rival_name", "why")
        }
        coords = {
            "source": list(self.scores),
            "metric": names,
            "unit": ("metric", [score.unit for score in rows[0]]),
            "verdict": ("source", [self.verdict[source] for source in self.scores]),
        }
        variables = {key: (("source", "metric"), values) for key, values in {**numbers, **words}.items()}
        attrs = {
            "reference": self.reference,
            "warnings": "\n".join(self.warnings),
            **self.provenance["brainsim compare"],
        }
        return xr.Dataset(variables, coords=coords, attrs=attrs)

    def __repr__(self) -> str:
        lines = [f"  {source}: {sentence}" for source, sentence in self.verdict.items()]
        return "\n".join([f"Comparison with {self.reference}, {len(self.statistics)} metrics", *lines])

    def _repr_html_(self) -> str:
        """Show every number beside its floor and its best rival, a table for each source."""
        head = ("metric", "value", "real floor", "best rival", "missed")
        parts = []
        for source, scores in self.scores.items():
            missed = self.missed[source]
            rows = [(n, s.value, s.floor, s.rival, "missed" if n in missed else "") for n, s in scores.items()]
            parts.append(table(f"{source}: {self.verdict[source]}", head, rows))
        return "".join(parts)


def _field(score: Score, key: str) -> float | None:
    if key == "photocopy":
        return score.rivals.get(rival.PHOTOCOPY)
    if key.startswith("ci95"):
        return score.ci95[int(key.endswith("high"))] if score.ci95 else None
    found: float | None = getattr(score, key)
    return found


def _numbers(rows: list[list[float | None]]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([[np.nan if value is None else value for value in row] for row in rows])
