"""The documentation site: its generated pages name everything there is, and its checker sees what is wrong."""

import doctest
import inspect
import pkgutil
import re
import sys
from importlib import import_module
from pathlib import Path

import check_site
import pytest

import brainsim
from brainsim import catalog

DOCS = Path(__file__).resolve().parents[1] / "docs"
CODE = DOCS.parent / "brainsim"
SHOWN = [path for path in sorted(CODE.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]


@pytest.fixture(scope="module")
def catalogue():
    """The module that writes the pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(DOCS), *sys.path])
        import catalogue

        yield catalogue


@pytest.mark.parametrize("folder", catalog.FOLDERS)
def test_everything_in_a_catalogue_is_on_its_page_with_its_parameters(folder, catalogue):
    page = catalogue.page(folder)
    assert catalog.names(folder)
    for name, kind in catalog.entries(folder).items():
        assert f"\n\n{name}\n{'-' * len(name)}\n" in page
        assert f"autoclass:: {kind.__module__}.{kind.__name__}\n" in page
        for parameter in getattr(kind, "__dataclass_fields__", {}).values():
            if "unit" in parameter.metadata:
                assert f"``{parameter.name}``" in page
                assert parameter.metadata["meaning"] in page


def test_every_catalogue_has_a_page(catalogue):
    assert set(catalogue.TITLES) >= set(catalog.FOLDERS)
    assert all(folder in catalogue.index() for folder in catalog.FOLDERS)


def test_every_public_module_is_listed_once(catalogue):
    listed = re.findall(r"^   (brainsim\.[\w.]+)$", catalogue.modules(), re.MULTILINE)
    found = [each.name for each in pkgutil.walk_packages(brainsim.__path__, "brainsim.") if "._" not in each.name]
    entries = {kind.__module__ for folder in catalog.FOLDERS for kind in catalog.entries(folder).values()}
    assert sorted(listed) == sorted(set(found) - entries)
    assert len(set(listed)) == len(listed)


def test_pages_are_written_only_when_they_change(catalogue, tmp_path):
    catalogue.write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    catalogue.write(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert {path.name for path in before} == {"index.rst", "modules.rst", *(f"{each}.rst" for each in catalog.FOLDERS)}


def test_pages_of_modules_that_are_gone_are_forgotten(catalogue, tmp_path):
    for name in ("brainsim.gone", "brainsim.store"):
        (tmp_path / f"{name}.rst").write_text("")
    catalogue.forget(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["brainsim.store.rst"]


def test_every_command_of_a_tutorial_is_a_command(cli):
    for path in sorted((DOCS / "tutorials").glob("*.md")):
        for line in re.findall(r"^brainsim (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            words = [word for word in line.split() if re.fullmatch(r"[a-z]+", word)][:2]
            words = words[:1] if words[0] in ("deconvolve", "compare", "demo", "check") else words
            assert cli(*words, "--help").exit_code == 0, line
            for option in re.findall(r"(--[a-z][a-z-]*)", line):
                assert option in cli(*words, "--help").output, line


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('<a href="other.html#here">', None),
        ('<a href="https://example.org">', None),
        ('<a href="none.html">', "there is no such file"),
        ('<a href="other.html#nowhere">', "there is no such place"),
        ('<script src="https://example.org/x.js"></script>', "fetches https://example.org/x.js"),
        ('<img src="none.png">', "there is no such file"),
    ],
)
def test_the_checker_of_the_site_sees_what_is_wrong(body, complaint, tmp_path):
    (tmp_path / "index.html").write_text(body)
    (tmp_path / "other.html").write_text('<p id="here">')
    found = check_site.broken(tmp_path)
    assert len(found) == (complaint is not None)
    assert complaint is None or complaint in found[0]


def test_a_site_without_pages_or_too_large_is_refused(tmp_path, monkeypatch):
    assert "no pages" in check_site.broken(tmp_path)[0]
    (tmp_path / "index.html").write_text("x" * 100)
    monkeypatch.setattr(check_site, "LARGEST", 99)
    assert "MiB" in check_site.broken(tmp_path)[0]


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.stem)
def test_the_examples_in_docstrings_give_what_they_show(path):
    parts = path.relative_to(CODE.parent).with_suffix("").parts
    module = import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    found = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert found.attempted > 0
    assert found.failed == 0


def test_a_line_that_comes_in_pieces_is_one_line_on_the_page(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", [str(DOCS), *sys.path])
    import notebook_output

    def piece(text, name="stdout"):
        return {"output_type": "stream", "name": name, "text": text}

    picture = {"output_type": "display_data", "data": {}}
    told = [piece("100 neu"), piece("beware", "stderr"), picture, piece("rons\n2 trials\n")]
    assert notebook_output.joined(told) == [piece("100 neurons\n2 trials\n"), piece("beware", "stderr"), picture]
    assert told[0] == piece("100 neu"), "what was run stays as it was"
    render = pytest.importorskip("myst_nb.core.render")
    monkeypatch.setattr(render, "coalesce_streams", render.coalesce_streams)
    monkeypatch.setenv("IPYTHONDIR", "")
    notebook_output.prepare(tmp_path)
    notebook_output.prepare(tmp_path)
    assert render.coalesce_streams([piece("100 neu"), piece("rons\n")]) == [piece("100 neurons\n")]
    assert "IPKernelApp.log_level" in (tmp_path / "profile_default" / "ipython_kernel_config.py").read_text()


SHOWN_ELSEWHERE = {"brainsim.before_after.compare": ("tutorials/pairing.md", "brainsim snn change")}
PAGE = (DOCS / "python.md").read_text(encoding="utf-8")
PUBLIC = re.findall(r"^   (brainsim\.[\w.]+)$", PAGE, re.MULTILINE)


def test_every_name_of_the_package_is_on_the_page_of_python():
    assert len(set(PUBLIC)) == len(PUBLIC) >= 20
    assert {f"{home}.{name}" for name, home in brainsim._HOME.items()} <= set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_tells_its_parameters_and_has_an_example(name):
    module, _, attribute = name.rpartition(".")
    each = getattr(import_module(module), attribute)
    text = inspect.getdoc(each)
    for parameter in inspect.signature(each).parameters:
        assert re.search(rf"^(\w+, )*{parameter}(, \w+)*$", text, re.MULTILINE), parameter
    if name in SHOWN_ELSEWHERE:
        page, words = SHOWN_ELSEWHERE[name]
        assert words in (DOCS / page).read_text(encoding="utf-8")
        assert name in PAGE
    else:
        assert doctest.DocTestParser().get_examples(text), "it has no example"
        assert CODE / Path(*module.split(".")[1:]).with_suffix(".py") in SHOWN
