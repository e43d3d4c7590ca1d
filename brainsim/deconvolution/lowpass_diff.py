"""The rising part of a smoothed trace, as the project that this one grew from took it for activity."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.signal import lfilter

from brainsim.deconvolution import Deconvolution, Floats
from brainsim.description import quantity
from brainsim.error import InputError


@dataclass(frozen=True)
class LowpassDiff(Deconvolution):
    """Low-pass filter, differentiate, clip at zero, add the smallest fluorescence.

    With ``a = 2 pi cutoff / rate`` the filter is ``y[n] = a x[n] + (1 - a) y[n - 1]``, started at ``y[0] = x[0]``; the
    result is ``max(y[n] - y[n - 1], 0) + min(x)``, the minimum over all runs of the neuron, and the first frame of a
    run has no difference: ``min(x)`` alone. One unit is a rise of the smoothed trace by 1 dF/F within one frame; it is
    no spike count, and it is negative where the smallest fluorescence is (`offset` off leaves the minimum out).

    References
    ----------
    Gao, Wang, Chen, Zhong: Simulating calcium signals from mouse visual cortex with GANs and inferring the functional
    connectivity of the biological neurons with a spiking neural network, ShanghaiTech (2021), section 3.2.
    """

    name: ClassVar[str] = "lowpass-diff"

    cutoff: float = quantity(0.2, "Hz", "corner frequency of the low-pass filter")
    offset: bool = True

    def runs(self, traces: Sequence[Floats], rate: float) -> tuple[list[Floats], dict[str, float]]:
        """Return the clipped differences of every run; nothing is estimated.

        Raises
        ------
        InputError
            If the sampling rate is too low for the filter (``a > 1``).
        """
        a = 2 * np.pi * self.cutoff / rate
        if not 0 < a <= 1:
            raise InputError(
                f"a low-pass filter at {self.cutoff:g} Hz needs more than {2 * np.pi * self.cutoff:.3g} "
                f"frames per second, not {rate:g}",
                where="field 'sampling_rate_hz'",
                remedy="use --method oasis, or a lower cutoff",
            )
        lowest = min(float(trace.min()) for trace in traces) if self.offset else 0.0
        return [_rises(trace, a) + lowest for trace in traces], {}


def _rises(trace: Floats, a: float) -> Floats:
    """Return the clipped differences of the filtered trace."""
    smooth, _ = lfilter([a], [1, a - 1], trace, zi=[(1 - a) * trace[0]])
    return np.asarray(np.maximum(np.diff(smooth, prepend=smooth[0]), 0))
