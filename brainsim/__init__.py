"""brainsim: from a calcium recording to spikes, a fitted spiking network, a generative model and an honest comparison.

Everything passes through one kind of :class:`xarray.Dataset` (see :mod:`brainsim.schema`):

>>> import brainsim
>>> sorted(brainsim.__all__)[:3]
['ConditionalGAN', 'SpikingNetwork', 'deconvolve']
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "SpikingNetwork": "brainsim.network",
    "ConditionalGAN": "brainsim.gan",
    "deconvolve": "brainsim.calcium",
    "load_dataset": "brainsim.dataset",
    "open_recording": "brainsim.store",
    "save_recording": "brainsim.store",
}
__all__ = [*sorted(_HOME)]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that ``import brainsim`` stays light."""
    if name not in _HOME:
        raise AttributeError(f"module 'brainsim' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
