"""`SpikingNetwork` and `ConditionalGAN` are estimators of scikit-learn, and show themselves in a notebook."""

import io
import pickle

import numpy as np
import pytest
from made_up import calcium_trials
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_checks
from test_gradient import as_events, recording, wiring

from brainsim import notebook
from brainsim.compare import compare
from brainsim.error import InputError
from brainsim.gan import ConditionalGAN
from brainsim.gradient import Settings
from brainsim.network import SpikingNetwork
from brainsim.rule.nearest_stdp import NearestStdp

ESTIMATORS = (SpikingNetwork(NearestStdp(A_plus=0.01), repeats=3, seed=4), ConditionalGAN(epochs=3, lr=1e-4, seed=4))
CHECKS = (
    "check_no_attributes_set_in_init",
    "check_get_params_invariance",
    "check_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
)
each = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)


@each
@pytest.mark.parametrize("check", CHECKS)
def test_the_checks_of_scikit_learn_that_apply_pass(estimator, check):
    before = estimator.get_params()
    getattr(estimator_checks, check)(type(estimator).__name__, clone(estimator))
    assert estimator.get_params() == before


def test_the_defaults_of_the_gan_are_plain():  # those of the network are descriptions: a rule, settings
    estimator_checks.check_parameters_default_constructible("ConditionalGAN", ConditionalGAN())


@each
def test_a_clone_has_the_same_settings_and_nothing_fitted(estimator):
    again = clone(estimator)
    assert again is not estimator
    assert again.get_params() == estimator.get_params()
    assert not any(name.endswith("_") for name in again.get_params())
    assert again.set_params(seed=9).seed == 9
    assert estimator.seed == 4


@each
def test_use_before_fit_is_refused_in_the_words_of_both(estimator):
    with pytest.raises(NotFittedError, match=r"fit\(recording\) first") as failed:
        estimator.sample(trials=1) if isinstance(estimator, ConditionalGAN) else estimator.sample()
    assert isinstance(failed.value, InputError)
    assert str(pickle.loads(pickle.dumps(failed.value))) == str(failed.value)


def test_a_network_shows_what_it_found():
    network = SpikingNetwork(settings=Settings(ridge=10.0, check=False))
    assert "not fitted" in network._repr_html_()
    assert "not fitted" in network._repr_mimebundle_()["text/html"]
    counts = recording(wiring(4), seconds=3.0)
    shown = network.fit(as_events(counts))._repr_html_()
    assert f"{network.fit_.attrs['log_likelihood_per_spike_held_out']:.3g}" in shown
    assert "Dataset" not in repr(network)


def test_a_comparison_shows_every_metric_and_escapes_names():
    found = compare(calcium_trials(0), {"<b>": calcium_trials(1, source="simulated")})
    shown = found._repr_html_()
    assert "&lt;b&gt;" in shown
    assert all(name in shown for name in found.scores["<b>"])
    assert f"{found.scores['<b>']['rate_wasserstein'].floor:.3g}" in shown
    assert repr(found).splitlines()[1:] == [f"  <b>: {found.verdict['<b>']}"]


def test_a_bar_follows_the_work_and_begins_anew(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    progress = notebook.bar("fit")
    for total in (3, 2):
        for done in range(1, total + 1):
            progress(done, total, "note")
    assert "3/3" in screen.getvalue()
    assert "2/2" in screen.getvalue()
    assert "fit" in screen.getvalue()
    assert np.char.count(screen.getvalue(), "100%") == 2
