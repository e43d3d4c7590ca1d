"""Every function of brainsim.plot and every figure of brainsim.figure looks as it did when somebody looked at it."""

import inspect
import pkgutil
from importlib import import_module

import draw_figure
import matplotlib as mpl
import pytest
import write_images
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images

from brainsim import figure, plot

TOLERATED = 2.0  # root mean square difference of pixels, of 255
COMPARED = {"pictures": 4.0, "pictures_of_single_frames": 4.0, "of_checkpoints": 4.0}  # a classifier may err elsewhere
LARGEST = 1.5e6  # bytes of all images
PLOTS, FIGURES = write_images.plots(), write_images.figures()
alike = pytest.mark.skipif(
    not mpl.__version__.startswith(f"{write_images.DRAWN_WITH}."),
    reason=f"the images were drawn with matplotlib {write_images.DRAWN_WITH}, this is {mpl.__version__}",
)


@alike
@pytest.mark.parametrize("name", [*PLOTS, *FIGURES])
def test_it_looks_as_it_did(name, tmp_path):
    made = write_images.images(tmp_path, name, (PLOTS | FIGURES)[name])
    assert made
    for path in made:
        tolerated = COMPARED.get(name, TOLERATED)
        different = compare_images(str(write_images.IMAGES / path.name), str(path), tolerated)
        assert different is None, different


def test_a_wrong_colour_or_a_lost_line_is_seen(tmp_path, monkeypatch):
    wrong = {
        "weights": ("brainsim.plot.connectivity.DIVERGING", "RdBu"),
        "roc": ("brainsim.plot.celltype.RIVAL", "white"),
        "cells_by_set": ("brainsim.plot.celltype.CELL_TYPE", {"E": "#0072B2", "I": "#D55E00"}),
    }
    for name, (where, value) in wrong.items():
        with monkeypatch.context() as patch:
            (right,) = write_images.images(tmp_path, name, PLOTS[name])
            kept = right.rename(tmp_path / "right.png")
            patch.setattr(where, value)
            (drawn,) = write_images.images(tmp_path, name, PLOTS[name])
        assert compare_images(str(kept), str(drawn), TOLERATED, in_decorator=True)["rms"] > TOLERATED


def test_every_image_belongs_to_a_drawing_and_together_they_are_small():
    files = sorted(write_images.IMAGES.glob("*.png"))
    owners = {f"plot-{name}" for name in PLOTS} | set(FIGURES)
    assert {path.stem for path in files if path.stem.startswith("plot-")} == {f"plot-{name}" for name in PLOTS}
    assert {path.stem if path.stem in owners else path.stem.split("-")[0] for path in files} == owners
    assert sum(path.stat().st_size for path in files) < LARGEST


def drawing(module):
    """Give the public functions of a module that take Axes or a Figure, with their signatures."""
    for name, function in vars(module).items():
        if inspect.isfunction(function) and not name.startswith("_"):
            signature = inspect.signature(function)
            if {Axes, Figure} & {each.annotation for each in signature.parameters.values()}:
                yield name, signature


def test_every_plot_function_takes_and_returns_axes_and_has_a_drawing():
    found = {name: signature for name, signature in drawing(plot) if name in plot.__all__}
    assert found.keys() == PLOTS.keys()
    for name, signature in found.items():
        first = next(iter(signature.parameters.values())).annotation
        assert first is signature.return_annotation, name
        assert first in (Axes, Figure), name


def test_every_plot_function_of_a_module_is_exported():
    for module in pkgutil.iter_modules(plot.__path__, "brainsim.plot."):
        for name, _ in drawing(import_module(module.name)):
            assert name in plot.__all__ or name == "bare", f"{module.name}.{name}"


def test_every_figure_has_a_drawing():
    found = pkgutil.iter_modules(figure.__path__, "brainsim.figure.")
    modules = [figure, *(import_module(each.name) for each in found)]
    within_a_report = {"activity", "card", "population"}
    for module in modules:
        for name, function in vars(module).items():
            if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_"):
                returned = str(inspect.signature(function).return_annotation)
                if "Picture" in returned and module.__name__.rsplit(".", 1)[-1] not in within_a_report:
                    assert function in draw_figure.DRAWN, f"{module.__name__}.{name}"
