import base64
import io
import re
from html.parser import HTMLParser

import matplotlib.image
import numpy as np
import pytest
from made_up import calcium_trials, fit, fraction_trials, independent_gaussian

from brainsim import report, web_page
from brainsim.compare import compare
from brainsim.error import OutputError
from brainsim.folder import result_folder

EVIL = "<script>alert('x')</script>"


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.sources = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for key, value in attrs if key in ("src", "href", "srcset", "action", "data", "poster")]


@pytest.fixture(scope="module")
def comparison():
    def poisoned(dataset):
        names = [EVIL, "$\\frac{", *dataset["neuron"].values[2:].tolist()]
        stimuli = np.where(dataset["stimulus"].values == "air", "<img src=x onerror=y>", dataset["stimulus"].values)
        return dataset.assign_coords(neuron=names, stimulus=("trial", stimuli)).assign_attrs(title=EVIL)

    recorded = poisoned(calcium_trials(0))
    return compare(
        recorded, {EVIL: poisoned(calcium_trials(1, source="simulated")), "generated": independent_gaussian(recorded)}
    )


@pytest.fixture(scope="module")
def written(comparison, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "out"
    curve = {"critic_loss": np.linspace(3, 1, 20), "penalty": np.linspace(0, 1, 20)}
    network = fit(16, kinds=["E"] * 12 + ["I"] * 4)
    return report.write(folder, comparison, network, learning_curve=curve, commands=[f"brainsim compare {EVIL}"])


@pytest.fixture(scope="module")
def page(written):
    parsed = Page()
    parsed.feed(written.read_text(encoding="utf-8"))
    return parsed


def test_nothing_is_fetched(written, page):
    assert page.sources
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    text = re.sub(r'base64,[^"]+', "", written.read_text(encoding="utf-8"))
    assert not re.search(r"url\(|@import|https?://", text)


def test_names_from_files_are_harmless(written, page):
    assert "script" not in page.tags
    assert len(page.sources) == page.tags.count("img")
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in written.read_text(encoding="utf-8")


def test_images_are_figures_of_a_readable_size(written, page):
    files = {path.read_bytes() for path in (written.parent / "figures").iterdir()}
    assert len(files) == len(page.sources) == 10
    for source in page.sources:
        data = base64.b64decode(source.split(",", 1)[1], validate=True)
        assert data in files
        image = matplotlib.image.imread(io.BytesIO(data), format="png")
        assert image.shape[0] > 250
        assert 1000 < image.shape[1] < 3000
        assert image[..., :3].std() > 0.02


def test_verdicts_and_numbers_are_on_the_page(written, comparison):
    text = written.read_text(encoding="utf-8")
    sentence = comparison.verdict["generated"]
    assert sentence[1:] in text.replace("&#39;", "'")
    assert f"{comparison.scores['generated']['noise_correlation_r'].value:.3f}" in text
    assert f"{comparison.scores['generated']['noise_correlation_r'].floor:.3f}" in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_one_frame_trials_and_no_fit_make_a_report(tmp_path):
    result = compare(fraction_trials(0), {"other": fraction_trials(1)})
    path = report.write(tmp_path / "out", result)
    names = {figure.stem for figure in (path.parent / "figures").iterdir()}
    assert names == {"report_card", "trials", "response", "distribution", "correlation"}
    assert "Not computed:" in path.read_text(encoding="utf-8")


def test_sources_without_stimuli_make_a_report(tmp_path):
    bare = [calcium_trials(seed).drop_vars("stimulus") for seed in (0, 1)]
    path = report.write(tmp_path / "out", compare(bare[0], {"other": bare[1]}))
    assert not (path.parent / "figures" / "response.png").exists()
    assert (path.parent / "figures" / "correlation.png").exists()


def test_a_failure_half_way_leaves_the_old_result(tmp_path):
    folder = tmp_path / "out"
    with result_folder(folder, "a.txt", overwrite=False) as draft:
        (draft / "a.txt").write_text("old")

    def fail_half_way():
        with result_folder(folder, "a.txt", overwrite=True) as draft:
            (draft / "a.txt").write_text("new")
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left"):
        fail_half_way()
    assert (folder / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    with result_folder(folder, "a.txt", overwrite=True) as draft:
        (draft / "a.txt").write_text("new")
    assert (folder / "a.txt").read_text() == "new"


def test_fill_leaves_other_files_of_a_larger_result_alone(tmp_path):
    (tmp_path / "simulated.nc").write_text("kept")
    path = report.fill(tmp_path, compare(fraction_trials(0), {"other": fraction_trials(1)}))
    assert path == tmp_path / "report.html"
    assert (tmp_path / "simulated.nc").read_text() == "kept"


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (0.81532, "0.815"), (-0.04, "-0.040"), (1234.5, "1.23e+03")])
def test_numbers_are_short(value, text):
    assert web_page.number(value) == text
