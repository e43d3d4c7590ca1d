"""The report in a real browser: it shows what it should, asks for nothing, complains of nothing, in any light."""

import io

import chromium
import matplotlib.image
import numpy as np
import pytest
from made_up import fit, fraction_trials

from brainsim import report
from brainsim.compare import compare

if chromium.program() is None:
    pytest.skip(f"none of {', '.join(chromium.NAMES)} is installed", allow_module_level=True)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A report with every kind of figure."""
    found = compare(fraction_trials(0), {"generated": fraction_trials(1)})
    curve = {"critic_loss": np.linspace(3, 1, 20)}
    folder = tmp_path_factory.mktemp("report") / "out"
    return report.write(folder, found, fit(16, kinds=["E"] * 12 + ["I"] * 4), learning_curve=curve)


@pytest.fixture(scope="module")
def page(path, tmp_path_factory):
    """The report, open."""
    with chromium.page(tmp_path_factory.mktemp("profile")) as opened:
        opened.show(1100, 1400)
        opened.open(path.as_uri())
        yield opened


def pixels(png):
    return matplotlib.image.imread(io.BytesIO(png), format="png")[..., :3]


def test_nothing_is_asked_for_but_the_page(page, path):
    assert [each for each in page.requests if not each.startswith("data:")] == [path.as_uri()]
    assert any(each.startswith("data:image/png") for each in page.requests)


def test_the_console_is_silent(page):
    assert page.complaints == []


def test_every_figure_is_there_and_nothing_is_wider_than_the_window(page):
    assert page.run("document.images.length") == 8
    assert page.run("[...document.images].every(image => image.complete && image.naturalWidth > 1000)")
    for width in (1100, 420):
        page.show(width, 1400)
        assert page.run("document.documentElement.scrollWidth") <= width


def test_the_verdict_is_what_is_seen_first(page):
    page.show(1100, 700)
    assert page.run("document.querySelector('.verdict').getBoundingClientRect().bottom") < 700


def test_dark_is_dark_and_light_is_light(page):
    brightness = {}
    for scheme in ("light", "dark"):
        page.show(1100, 700, scheme)
        brightness[scheme] = float(np.median(pixels(page.screenshot())))
    assert brightness["light"] > 0.9
    assert brightness["dark"] < 0.25


def test_it_prints_black_on_white_on_several_pages(page):
    page.show(1100, 700, "dark", "print")
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.run("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    printed = page.pdf()
    assert printed.startswith(b"%PDF")
    assert 3 <= printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") <= 20


def test_a_page_that_asks_and_complains_is_caught(page, tmp_path):
    (tmp_path / "bad.html").write_text("<img src='http://127.0.0.1:9/x.png'><script>nowhere()</script>")
    page.show(1100, 700)
    asked, complained = len(page.requests), len(page.complaints)
    page.open((tmp_path / "bad.html").as_uri())
    assert "http://127.0.0.1:9/x.png" in page.requests[asked:]
    assert len(page.complaints) > complained
