"""Progress bars for a notebook or a terminal."""

import warnings
from typing import Any

from tqdm import TqdmWarning

from brainsim.progress import Progress

with warnings.catch_warnings():  # without ipywidgets the bar is text, in a notebook as well
    warnings.simplefilter("ignore", TqdmWarning)
    from tqdm.auto import tqdm


def bar(label: str = "") -> Progress:
    """Make a progress bar to hand over as `progress`.

    Parameters
    ----------
    label
        What stands before the bar.

    Examples
    --------
    >>> from brainsim.notebook import bar
    >>> spikes = brainsim.deconvolve(recording, progress=bar("deconvolve"))  # doctest: +SKIP
    """
    shown: list[Any] = []

    def progress(done: int, total: int, note: str = "") -> None:
        if shown and (shown[-1].total != total or done < shown[-1].n):
            shown.pop().close()  # the next part of the work
        if not shown:
            shown.append(tqdm(total=total, desc=label or None, leave=True))
        shown[-1].set_postfix_str(note, refresh=False)
        shown[-1].update(done - shown[-1].n)
        if done >= total:
            shown.pop().close()

    return progress
