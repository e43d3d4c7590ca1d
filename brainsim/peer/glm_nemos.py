"""The population GLM of nemos."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar

import numpy as np
import xarray as xr
from scipy import stats

from brainsim.description import quantity
from brainsim.error import ToolError
from brainsim.peer import Floats, Inferred, Peer
from brainsim.peer._spikes import Spikes, binned

WINDOW_S = 0.02
WINDOW_INFERRED_S = 0.5
LARGEST_GIB = 12.0
COPIES = 7  # of the design at the peak of a fit, measured with nemos 0.2.8


@dataclass(frozen=True)
class GlmNemos(Peer):
    """Poisson population GLM of nemos with raised-cosine coupling filters and a ridge prior.

    Filters reach 20 ms (0.5 s where spikes are inferred per frame). The score of a pair is the Wald statistic of its
    filter, with the curvature taken at the mean rate; a pair is called where the Benjamini-Hochberg q value is below
    `level`. The sign is that of the filter's sum. nemos holds the whole design, bins x (neurons x functions).

    References
    ----------
    Pillow et al. (2008), Nature 454:995. nemos: https://nemos.readthedocs.io.
    """

    functions: float = quantity(3.0, "1", "basis functions of a filter")
    ridge: float = quantity(10.0, "1", "precision of the prior of a coefficient")
    level: float = quantity(0.05, "1", "false discovery rate of the pairs that are called")
    steps: float = quantity(100.0, "1", "most steps of L-BFGS")

    name: ClassVar[str] = "glm-nemos"
    modules: ClassVar[tuple[str, ...]] = ("nemos",)

    def infer(self, dataset: xr.Dataset, bin_s: float) -> Inferred:
        """Fit the GLM and test the filter of every pair.

        Raises
        ------
        ToolError
            If nemos is not installed, or the design would be too large.
        """
        if find_spec("nemos") is None:
            raise ToolError("nemos is not installed", remedy="pip install 'brainsim-toolkit[bench]'")
        spikes = binned(dataset, bin_s)
        needed = COPIES * 8 * spikes.bins * spikes.neurons * self.functions / 2**30
        if needed > LARGEST_GIB:
            raise ToolError(
                f"the fit would need about {needed:.1f} GiB for its dense design: "
                f"{spikes.bins} bins x {spikes.neurons} neurons x "
                f"{self.functions:g} functions, and {LARGEST_GIB:g} GiB is the bound",
                remedy="shorten the recording with --duration",
            )
        weight, wald = self._fit(spikes)
        n, k = spikes.neurons, int(self.functions)
        other = ~np.eye(n, dtype=bool) & (spikes.total > 0)[:, None] & (spikes.total > 0)[None, :]
        called = np.zeros((n, n), bool)
        if other.any():
            called[other] = stats.false_discovery_control(stats.chi2.sf(wald[other], k)) < self.level
        return Inferred(np.where(other, np.sqrt(np.maximum(wald, 0)), 0), np.sign(weight.sum(1)) * other, called)

    def _fit(self, spikes: Spikes) -> tuple[Floats, Floats]:
        """Return the coefficients, (pre, function, post), and the Wald statistic of each pair, (pre, post)."""
        import jax
        import nemos

        jax.config.update("jax_enable_x64", True)
        n, k = spikes.neurons, int(self.functions)
        window = max(k, spikes.within(WINDOW_S, WINDOW_INFERRED_S))
        basis = nemos.basis.RaisedCosineLogConv(n_basis_funcs=k, window_size=window)
        count = spikes.count.T.toarray()
        design = np.array(basis.compute_features(count))[window:]
        count = count[window:]
        design -= design.mean(0)  # the optimum is the same, and L-BFGS reaches it in far fewer steps
        model = nemos.glm.PopulationGLM(
            regularizer="Ridge",
            regularizer_strength=self.ridge / len(count),
            solver_name="LBFGS",
            solver_kwargs={"maxiter": int(self.steps)},
        )
        weight = np.asarray(model.fit(design, count).coef_, float)
        return weight.reshape(n, k, n), self._wald(weight, design.T @ design, count.mean(0))

    def _wald(self, weight: Floats, gram: Floats, rate: Floats) -> Floats:
        """Return w' C^-1 w of each filter, C the posterior covariance at the mean rate of the postsynaptic neuron."""
        n, k = len(rate), int(self.functions)
        value, vector = np.linalg.eigh(gram)
        wald = np.zeros((n, n))
        for post in range(n):
            covariance = (vector / (rate[post] * np.maximum(value, 0) + self.ridge)) @ vector.T
            blocks = covariance.reshape(n, k, n, k)[np.arange(n), :, np.arange(n), :]
            filters = weight[:, post].reshape(n, k)
            wald[:, post] = np.einsum("ij,ij->i", filters, np.linalg.solve(blocks, filters[..., None])[..., 0])
        return wald
