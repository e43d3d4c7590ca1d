"""Blocks of time: which are fitted, which held out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainsim.assembly import chunk_steps


@dataclass(frozen=True)
class Folds:
    """Blocks of time: which are fitted, which held out.

    Parameters
    ----------
    kind
        1 fitted, 2 held out, for each chunk of bins.
    chunk
        Bins per chunk.
    """

    kind: NDArray[np.int8]
    chunk: int

    def held(self, bins: int) -> NDArray[np.bool_]:
        """Return which bins are held out."""
        return np.repeat(self.kind == 2, self.chunk)[:bins]


def blocked_folds(bins: int, tau: float, every: int = 5, blocks: int = 25) -> Folds:
    """Hold out every fifth of about 25 blocks of time; ``every=0`` holds out nothing."""
    chunk = chunk_steps(tau)
    chunks = -(-bins // chunk)
    block = np.arange(chunks) * blocks // max(chunks, blocks)
    held = (block % every == every - 1) if every else np.zeros(chunks, bool)
    return Folds(np.where(held, 2, 1).astype(np.int8), chunk)
