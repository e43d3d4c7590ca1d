"""From numbers to one plain sentence, by stated rules.

1. *Copies your trials*: they lie at less than half the usual distance, or more than half are near copies and a random
   forest cannot tell them from real ones (trials without any variation lie near many real ones, and are no copies).
2. A metric is *missed* where it is worse than its floor by more than its tolerance and by more than three standard
   errors (three, as a dozen metrics are looked at together).
3. *Indistinguishable from held-out recorded trials*: nothing is missed, and the recording has the trials to tell: an
   independent Gaussian, which has no correlations at all, is missed by the noise correlations or by a classifier. Where
   even that passes, the verdict is *too few trials to tell*.
4. *Not better than resampling your own trials*: it is clearly nearer to the floor than the best rival that costs
   nothing on no more metrics than it is clearly farther (by half the tolerance and one standard error).
   A metric for which the source has seen the trials that it is tested on (a note says so) is no lead for anybody.
5. Otherwise: what it misses, properties of the activity before what classifiers see, and how often it beats that rival.
"""

from collections.abc import Mapping

from brainsim.statistic import Statistic
from brainsim.yardstick import Score

COPY_RATIO = 0.5
COPY_SHARE = 0.5
STANDARD_ERRORS = 3.0
NAMED = 4
CONTROL = "independent Gaussian"
CONTROLLED = ("noise_correlation_r", "c2st_linear", "c2st_forest")
ORDER = (
    "noise_correlation_r",
    "signal_correlation_r",
    "rate_wasserstein",
    "population_count_kl",
    "autocorrelation_rmse",
    "psd_rmse",
    "isi_cv",
    "coverage",
    "tstr",
    "inception_score",
    "c2st_linear",
    "c2st_forest",
)


def conclude(scores: Mapping[str, Score], statistics: Mapping[str, Statistic]) -> str:
    """Return the verdict on one source.

    Parameters
    ----------
    scores
        Every metric of the source.
    statistics
        The statistics by name.
    """
    judged = {
        name: score
        for name, score in scores.items()
        if statistics[name].decides and score.value is not None and score.floor is not None
    }
    if _copies(scores, statistics["c2st_forest"]):
        return f"copies your trials{_numbers_of_copies(scores)}"
    if not judged:
        return "cannot be judged: no metric could be computed"
    missed = [name for name in sorted(judged, key=place) if excess(statistics[name], judged[name]) > 1]
    if not missed and not _can_tell(judged, statistics):
        return "too few trials to tell: even an independent Gaussian would pass for the recording here"
    if not missed:
        return f"indistinguishable from held-out recorded trials on all {len(judged)} metrics that count"
    failures = "misses " + _listed([statistics[name].respect for name in missed])
    fair = {name: score for name, score in judged.items() if score.rival is not None and not score.note}
    leads = [_lead(statistics[name], score) for name, score in fair.items()]
    ahead, behind = leads.count(1), leads.count(-1)
    if leads and ahead <= behind:
        return f"not better than resampling your own trials: {failures}"
    against = f"nearer to the recording than resampling your own trials on {ahead} of {len(leads)} metrics"
    return f"{failures}; {against}, farther on {behind}"


def place(name: str) -> tuple[int, str]:
    """Return where a metric stands in a sentence; one that is new to :data:`ORDER` comes last."""
    return (ORDER.index(name) if name in ORDER else len(ORDER)), name


def is_missed(statistic: Statistic, score: Score) -> bool:
    """Tell whether a metric is worse than its floor by rule 2."""
    return score.value is not None and score.floor is not None and excess(statistic, score) > 1


def excess(statistic: Statistic, score: Score, value: float | None = None) -> float:
    """Return how far a value (by default the score's own) is beyond the floor, over what is allowed: missed above 1."""
    value = score.value if value is None else value
    assert value is not None
    assert score.floor is not None
    return statistic.gap(value, score.floor) / max(statistic.tolerance, STANDARD_ERRORS * score.error)


def _lead(statistic: Statistic, score: Score) -> int:
    """Return 1 where the value is clearly nearer to the floor than the rival, -1 where clearly farther, else 0."""
    assert score.value is not None
    assert score.floor is not None
    assert score.rival is not None
    own, rivals = (max(0.0, statistic.gap(value, score.floor)) for value in (score.value, score.rival))
    margin = max(statistic.tolerance / 2, score.error)
    return int(rivals - own > margin) - int(own - rivals > margin)


def _can_tell(judged: Mapping[str, Score], statistics: Mapping[str, Statistic]) -> bool:
    """Tell whether the control that has no correlations is missed on at least one of the metrics that should see it."""
    controls = [
        excess(statistics[name], judged[name], value)
        for name in CONTROLLED
        if name in judged and (value := judged[name].rivals.get(CONTROL)) is not None
    ]
    return not controls or max(controls) > 1


def _copies(scores: Mapping[str, Score], forest: Statistic) -> bool:
    ratio, share = scores["nn_ratio"].value, scores["copy_share"].value
    plausible = not is_missed(forest, scores["c2st_forest"])
    return (ratio is not None and ratio < COPY_RATIO) or (share is not None and share > COPY_SHARE and plausible)


def _numbers_of_copies(scores: Mapping[str, Score]) -> str:
    ratio, share = scores["nn_ratio"].value, scores["copy_share"].value
    return (
        ""
        if ratio is None or share is None
        else f": {share:.0%} of them are near copies, at {ratio:.2f} of the usual distance"
    )


def _listed(respects: list[str]) -> str:
    """Join the worst few into words."""
    named = respects[:NAMED]
    if len(respects) > NAMED:
        return f"{', '.join(named)} and {len(respects) - NAMED} more"
    return " and ".join([", ".join(named[:-1]), named[-1]] if named[1:] else named)
