"""The rivals have the moments that they promise, and nothing of a trial."""

import numpy as np
import pytest
from made_up import NAMES, RATE, calcium_trials, fraction_trials

from brainsim.evidence import Sample
from brainsim.missing import correlation
from brainsim.rival import INDEPENDENT, PHOTOCOPY, RIVALS
from brainsim.rival._rectified import rectified
from brainsim.rival.dichotomised_gaussian import dichotomised_gaussian, hermite, solved
from brainsim.statistic.autocorrelation_rmse import autocorrelation, lagged_products
from brainsim.statistic.noise_correlation_r import likeness
from brainsim.verdict import CONTROL


def fractions(trials=600):
    made = fraction_trials(0, trials=trials)
    return Sample(made["calcium"].values, 1.0, made["stimulus"].values.astype(str))


def traces():
    made = calcium_trials(0, trials=160)
    return Sample(made["calcium"].values, RATE, made["stimulus"].values.astype(str))


def drawn(title, sample, seed=0):
    return RIVALS[title](sample, np.random.default_rng(seed))


@pytest.mark.parametrize("title", RIVALS)
@pytest.mark.parametrize("sample", [fractions(), traces()], ids=["one frame", "twenty frames"])
def test_every_rival_keeps_shape_labels_and_the_mean_of_each_stimulus(title, sample):
    made = drawn(title, sample)
    assert made.trace.shape == sample.trace.shape
    assert sorted(made.labels) == sorted(sample.labels)
    assert np.isfinite(made.trace).all()
    for name in NAMES:
        ours, theirs = (s.trace[s.where(name)].mean((0, 1)) for s in (sample, made))
        assert np.corrcoef(ours, theirs)[0, 1] > 0.8
    assert np.array_equal(drawn(title, sample).trace, made.trace)
    assert not np.array_equal(drawn(title, sample, 1).trace, made.trace)


@pytest.mark.parametrize("title", [t for t in RIVALS if t not in (PHOTOCOPY, INDEPENDENT)])
def test_rivals_with_correlations_have_those_of_the_recording(title):
    sample = fractions()
    ours, theirs = (correlation(s.residual) for s in (sample, drawn(title, sample)))
    assert likeness(ours, theirs) > 0.9
    assert abs(likeness(ours, correlation(drawn(INDEPENDENT, sample).residual))) < 0.1


def test_only_the_photocopy_holds_recorded_trials():
    sample = traces()
    known = {trial.tobytes() for trial in sample.trace}
    for title in RIVALS:
        copied = np.mean([trial.tobytes() in known for trial in drawn(title, sample).trace])
        assert copied == 1 if title == PHOTOCOPY else copied < 0.01, title


def test_the_dichotomised_gaussian_keeps_zeros_mean_variance_and_memory():
    sample = fractions(2000)
    made = dichotomised_gaussian(sample, np.random.default_rng(0))
    for name in NAMES:
        ours, theirs = (s.trace[s.where(name)][:, 0] for s in (sample, made))
        np.testing.assert_allclose((theirs == 0).mean(0), (ours == 0).mean(0), atol=0.09)
        np.testing.assert_allclose(theirs.mean(0), ours.mean(0), atol=0.06)
        np.testing.assert_allclose(theirs.std(0), ours.std(0), atol=0.07)
    timed = traces()
    made = dichotomised_gaussian(timed, np.random.default_rng(0))
    ours, theirs, none = (
        autocorrelation(lagged_products(s, 1)).mean() for s in (timed, made, drawn(INDEPENDENT, timed))
    )
    assert abs(theirs - ours) < 0.2 * abs(none - ours)


def test_latent_parameters_are_recovered():
    """A rectified Gaussian of known threshold, power, gain and correlation."""
    rng = np.random.default_rng(0)
    latent = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 40_000)
    shown = 0.5 + 2.0 * np.maximum(latent - [0.8, -0.3], 0) ** [1.5, 0.7]
    model = rectified([shown[:, None, :]])
    np.testing.assert_allclose(model.threshold.ravel(), [0.8, -0.3], atol=0.02)
    np.testing.assert_allclose(model.power.ravel(), [1.5, 0.7], atol=0.06)
    np.testing.assert_allclose(model.gain.ravel(), [2.0, 2.0], atol=0.1)
    np.testing.assert_allclose(model.base.ravel(), 0.5)
    score = model.score(shown[:, None, :], np.zeros(len(shown), int))[:, 0]
    series = hermite(model.threshold)[:, 0, 0]
    r = solved(score.T @ score / len(score), series[:, :, None] * series[:, None, :])
    assert r[0, 1] == pytest.approx(0.6, abs=0.02)
    assert np.corrcoef(shown.T)[0, 1] < 0.55


def test_neurons_that_are_silent_or_missing_stay_so():
    sample = fractions(200)
    trace = sample.trace.copy()
    trace[:, :, 3] = 0
    trace[sample.where("aud"), :, 4] = 0
    trace[:, :, 5] = np.nan
    made = {title: drawn(title, Sample(trace, 1.0, sample.stimulus)).trace for title in RIVALS}
    for title, values in made.items():
        assert not values[:, :, 3].any(), title
        assert np.isnan(values[:, :, 5]).all(), title
        assert np.isfinite(np.delete(values, 5, axis=2)).all(), title
    assert not made["dichotomised Gaussian"][sample.where("aud"), :, 4].any()


def test_the_control_of_the_verdict_is_a_rival():
    assert CONTROL == INDEPENDENT
