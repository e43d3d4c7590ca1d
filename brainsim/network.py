"""`SpikingNetwork`: fit a spiking network with plastic synapses to a recording, let it run."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator

from brainsim import __version__, catalog, freerun, gradient, online, trust
from brainsim.display import table
from brainsim.error import InputError
from brainsim.fitted import check_fitted
from brainsim.gradient import Settings
from brainsim.neuron import Neuron
from brainsim.progress import Progress, silent
from brainsim.rule import Rule
from brainsim.rule.ml import Ml

CARRIED = ("cell_type", "position", "onset", "duration", "stimulus", "session", "decay_time", "noise", "baseline")
SHOWN = ("log_likelihood_per_spike_held_out", "passes", "simulated_rate_hz", "seconds_fit", "trust")


@dataclass(eq=False, repr=False)
class SpikingNetwork(BaseEstimator):  # type: ignore[misc]
    """A network of spiking neurons whose synapses learn from a recording; a scikit-learn estimator.

    Parameters
    ----------
    rule
        How synapses learn: :class:`~brainsim.rule.ml.Ml` (maximum likelihood of the recorded spikes) or an online
        rule such as :class:`~brainsim.rule.nearest_stdp.NearestStdp`.
    neuron
        The neuron model; None takes the rule's own.
    settings
        How to fit by maximum likelihood.
    repeats
        Random initialisations of an online rule.
    seed
        Seed of every random number.

    Attributes
    ----------
    fit_
        The fit: a Dataset on `pre` and `post`; see ``docs/schema.md``.

    Examples
    --------
    >>> network = SpikingNetwork(seed=1)
    >>> network.rule.name, network.neuron_model.name
    ('ml', 'lif')
    """

    rule: Rule = Ml()  # noqa: RUF009 - frozen
    neuron: Neuron | None = None
    settings: Settings = Settings()  # noqa: RUF009 - frozen
    repeats: int = 1
    seed: int = 0
    fit_: xr.Dataset | None = field(default=None, init=False)

    @property
    def neuron_model(self) -> Neuron:
        """The neuron model that is used."""
        model: Neuron = self.neuron or catalog.get("neuron", self.rule.neuron)()
        return model

    def fit(self, dataset: xr.Dataset, progress: Progress = silent) -> Self:
        """Fit the network to a recording.

        Parameters
        ----------
        dataset
            A recording: ``spikes`` or ``spike_time`` for the rule ``ml``, ``calcium`` over time for online rules.
        progress
            Called after each shard or repeat.

        Raises
        ------
        InputError
            If the recording does not hold what the rule needs, or rule and neuron do not go together.
        FitError
            If there is nothing to learn from, or the network explodes.
        """
        if isinstance(self.rule, Ml):
            if self.neuron_model.name != "lif":
                raise InputError(
                    "the rule 'ml' fits the neuron 'lif' only: its likelihood needs escape noise",
                    where="option --neuron",
                    remedy="leave --neuron out, or use --rule nearest-stdp",
                )
            result = gradient.fit(dataset, self.rule, self.settings, progress)
        elif self.neuron_model.name == "lif":
            raise InputError(
                f"the rule '{self.rule.name}' needs a neuron that is driven by a current",
                where="option --neuron",
                remedy="use --neuron izhikevich",
            )
        elif self.rule.name == "static":
            raise InputError(
                "the rule 'static' learns nothing", where="option --rule", remedy="use --rule ml or --rule nearest-stdp"
            )
        else:
            how = (self.rule, self.neuron_model, self.repeats, self.seed, self.settings.target)
            with self.settings.pool() as pool:
                result = online.fit(dataset, *how, pool, progress)
        self.fit_ = _carry(dataset, result, self.seed)
        if isinstance(self.rule, Ml) and self.settings.check:
            self.fit_ = trust.trust_report(dataset, self.fit_, self.seed, self.settings.target)
        return self

    def sample(self, seed: int | None = None) -> xr.Dataset:
        """Let the fitted network run freely.

        Parameters
        ----------
        seed
            By default the seed of the fit.

        Raises
        ------
        NotFitted
            If nothing was fitted yet.
        InputError
            If the rule's network does not run freely.
        """
        check_fitted(self, "fit_")
        assert self.fit_ is not None
        return freerun.sample(self.fit_, self.seed if seed is None else seed, self.settings.target)

    def _html_repr(self) -> str:
        """Show rule, neuron and what the fit found (scikit-learn hands it to the notebook)."""
        facts: list[tuple[str, object]] = [("rule", self.rule), ("neuron", self.neuron_model), ("seed", self.seed)]
        if self.fit_ is None:
            return table("SpikingNetwork, not fitted", (), facts)
        attrs = self.fit_.attrs
        facts += [("neurons", self.fit_.sizes["neuron"])]
        facts += [(name.replace("_", " "), attrs[name]) for name in SHOWN if name in attrs]
        return table("SpikingNetwork", (), facts, str(attrs.get("notices", "")).splitlines())


def _carry(dataset: xr.Dataset, result: xr.Dataset, seed: int) -> xr.Dataset:
    """Keep with the fit what describes the recording: trials, positions, truth, how the calcium decays."""
    for name in CARRIED:
        if name in dataset.coords and name not in result.coords:
            result = result.assign_coords({name: dataset[name].variable})
    if "cell_type" in dataset.coords and result.attrs["rule"] == "ml":
        result = result.assign_coords(cell_type_given=("neuron", dataset["cell_type"].values))
    for name in ("true_weight", "true_weight_before"):
        if name in dataset:
            result[name] = (("pre", "post"), dataset[name].values)
    keep: dict[str, Any] = {k: dataset.attrs[k] for k in ("sampling_rate_hz", "trial_frames") if k in dataset.attrs}
    if "spikes" in dataset and "trial" in dataset["spikes"].dims:
        keep["cut_frames"] = int(dataset.sizes["time"])
    if (
        result.attrs.get("input") == "events"
        and "time" in dataset.coords
        and "cut_frames" not in keep
        and dataset.sizes["time"] > 1
    ):
        result["frame_time"] = ("frame", np.asarray(dataset["time"].values, float))
    result.attrs.update(keep, source=dataset.attrs["source"], seed=seed, brainsim_version=__version__)
    return result
