"""Draw the reference images of tests/test_plot.py: ``python tests/write_images.py``; look at them before committing.

``python tests/write_images.py FOLDER`` draws them larger into another folder.
"""

import sys
from pathlib import Path

import draw_figure
import draw_plot
import matplotlib as mpl
from matplotlib.axes import Axes

from brainsim import plot

IMAGES = Path(__file__).resolve().parent / "image"
DRAWN_WITH = "3.11"  # of matplotlib: others set text a little differently
DPI, LARGE = 60, 110


def plots():
    """Return the drawing of every function of brainsim.plot by its name."""
    named = [name for name in plot.__all__ if callable(getattr(plot, name)) and hasattr(draw_plot, name)]
    return {name: getattr(draw_plot, name) for name in named}


def figures():
    """Return the drawings of brainsim.figure by their names."""
    return {each.__name__: each for drawings in draw_figure.DRAWN.values() for each in drawings}


def images(folder, name, drawing, dpi=DPI):
    """Draw into a folder and return the files; the style is ours, whatever matplotlib is set to."""
    with mpl.rc_context({**mpl.rcParamsDefault, **plot.STYLE, "backend": mpl.get_backend()}):
        made = drawing()
        if isinstance(made, Axes) or hasattr(made, "savefig"):
            parts = {f"plot-{name}": made.figure if isinstance(made, Axes) else made}
        else:
            parts = {f"{name}-{each.name}": each.figure for each in ([made] if hasattr(made, "figure") else made)}
        for stem, figure in parts.items():
            figure.savefig(folder / f"{stem}.png", dpi=dpi, metadata={"Software": None})
    return [folder / f"{stem}.png" for stem in parts]


if __name__ == "__main__":
    target, dpi = (Path(sys.argv[1]), LARGE) if len(sys.argv) > 1 else (IMAGES, DPI)
    target.mkdir(exist_ok=True)
    for each in target.glob("*.png"):
        each.unlink()
    for name, drawing in {**plots(), **figures()}.items():
        for path in images(target, name, drawing, dpi):
            print(path)
