"""What is installed: the wheel holds everything and works from another folder."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from brainsim import catalog

ROOT = Path(__file__).resolve().parents[1]
PACKED = (".py", ".h", ".cpp", ".html", ".nc", ".md", ".typed")
FACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_list_of_packages_is_the_folders():
    folder_of = FACTS["tool"]["setuptools"]["package-dir"]
    name_of = {folder: name for name, folder in folder_of.items()}
    found = set()
    for top in folder_of.values():
        for module in (ROOT / top).rglob("*.py"):
            first, *rest = module.parent.relative_to(ROOT).parts
            found.add(".".join([name_of[first], *rest]))
    assert set(FACTS["tool"]["setuptools"]["packages"]) == found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from what a clone would hold."""
    if find_spec("build") is None:
        pytest.skip("the package `build` is not installed")
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone: nothing tells which files belong to it")
    folder = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        source = ROOT / name
        if source.is_file():
            (folder / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "clone" / name).write_bytes(source.read_bytes())
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(folder / "clone"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel):
    """The wheel, installed into a folder of its own."""
    target = wheel.parent / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True)
    return target


def run(installed, code, folder):
    """Run Python in another folder, where the wheel is found before the clone."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={**os.environ, "PYTHONPATH": str(installed)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_that_is_needed(wheel):
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    for package, folder in FACTS["tool"]["setuptools"]["package-dir"].items():
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in PACKED and "__pycache__" not in path.parts:
                assert f"{package}/{path.relative_to(ROOT / folder).as_posix()}" in inside
    assert {f"brainsim/{name}" for name in ("py.typed", "recorded_input.h", "correlogram.cpp", "report.html")} <= inside
    assert not [name for name in inside if name.startswith(("tests/", "docs/", "cli/", "dataset/"))]


def test_the_wheel_says_what_it_is(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("METADATA"))
        text = archive.read(name).decode()
        (points,) = (archive.read(n).decode() for n in archive.namelist() if n.endswith("entry_points.txt"))
    assert "\nName: brainsim-toolkit\n" in text
    assert "\nLicense-Expression: GPL-3.0-or-later\n" in text
    assert "brainsim = brainsim_cli.main:brainsim" in points


def test_the_installed_command_works_from_another_folder(installed, tmp_path):
    code = (
        f"import brainsim, sys; assert brainsim.__file__.startswith({str(installed)!r}), brainsim.__file__\n"
        "from importlib.metadata import entry_points\n"
        "found = [e for e in entry_points(group='console_scripts', name='brainsim')][0].load()\n"
        "import importlib; module = importlib.import_module(found.callback.__module__)\n"
        f"assert module.__file__.startswith({str(installed)!r}), module.__file__\n"
        "found(['--help'])"
    )
    told = run(installed, code, tmp_path)
    assert "Usage:" in told
    assert "deconvolve" in told


def test_the_installed_catalogues_are_whole(installed, tmp_path):
    code = (
        "import json; from brainsim import catalog\nprint(json.dumps({f: catalog.names(f) for f in catalog.FOLDERS}))"
    )
    assert json.loads(run(installed, code, tmp_path)) == {f: catalog.names(f) for f in catalog.FOLDERS}


def test_the_installed_recording_loads(installed, tmp_path):
    code = (
        "from brainsim.dataset import load_dataset, paths\n"
        "data = load_dataset(); print(data.sizes['neuron'], data.attrs['source'])\n"
        "print(*[p for p in paths().values()])"
    )
    told = run(installed, code, tmp_path).splitlines()
    assert told[0] == "50 simulated"
    assert all(path.startswith(str(installed)) for path in told[1].split())


@pytest.fixture
def dropped(installed):
    """The rule of the tutorial, dropped into the installation."""
    tutorial = (ROOT / "docs" / "tutorials" / "rule.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"%%writefile (\w+\.py)\n(.*?)```", tutorial, re.DOTALL)
    path = installed / "brainsim" / "rule" / found[0]
    path.write_text(found[1])
    yield installed
    path.unlink()


FIT = """
import functools
from click.testing import CliRunner
from test_online import fluorescence
import brainsim
from brainsim import gradient
from brainsim_cli.main import brainsim as command

gradient.Settings = functools.partial(gradient.Settings, target="numpy")  # compiles nothing
brainsim.save_recording(fluorescence(), "rec.nc")
for name in ("abs", "abss"):
    done = CliRunner().invoke(command, ["snn", "fit", "rec.nc", "--rule", name, "--out", f"{name}.nc", "--quiet"])
    print(done.exit_code, done.output.strip())
fit = brainsim.open_recording("abs.nc")
print(fit.attrs["rule"], bool((fit["weight"] != fit["weight_initial"]).any()))
"""


def test_a_rule_dropped_into_the_installation_is_used_documented_and_tested(dropped, tmp_path):
    tests = ROOT / "tests"
    fitted, misspelt, learned = run(
        dropped, f"import sys; sys.path.append({str(tests)!r})\n{FIT}", tmp_path
    ).splitlines()
    assert fitted == "0 abs.nc"
    assert misspelt.startswith("1 ")
    assert "did you mean 'abs'" in misspelt
    assert learned == "abs True"
    page = run(
        dropped,
        f"import sys; sys.path.append({str(ROOT / 'docs')!r})\nimport catalogue; print(catalogue.page('rule'))",
        tmp_path,
    )
    assert "abs\n---" in page
    assert "``theta``" in page
    assert "autoclass:: brainsim.rule.abs_rule.Abs" in page
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-vv", "-k", "abs", str(tests / "test_catalog.py")],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(dropped)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "test_a_rule_learns_something_finite[abs] PASSED" in done.stdout


COMPLETIONS = {("snn", "f"): "fit", ("snn", "fit", "--re"): "--repeats", ("data", "sim"): "simulate"}


@pytest.mark.parametrize("words", COMPLETIONS, ids=" ".join)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands_and_options(words, shell, cli):
    typed = " ".join(["brainsim", *words])
    env = {"_BRAINSIM_COMPLETE": f"{shell}_complete", "COMP_WORDS": typed, "COMP_CWORD": str(len(words))}
    if shell == "fish":
        env["COMP_CWORD"] = words[-1]
    done = cli(env=env, prog_name="brainsim")
    assert COMPLETIONS[words] in re.split(r"[\n,]", done.stdout.replace("\t", "\n"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_page_on_shells_names_the_line_that_works(shell, cli):
    done = cli(env={"_BRAINSIM_COMPLETE": f"{shell}_source"}, prog_name="brainsim")
    assert f"_BRAINSIM_COMPLETE={shell}_complete" in done.stdout
    assert f"_BRAINSIM_COMPLETE={shell}_source brainsim" in (ROOT / "docs" / "shell.md").read_text(encoding="utf-8")


def test_make_help_lists_the_verbs():
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {line.split()[1] for line in done.stdout.splitlines()} >= {"demo", "test", "lint", "docs", "bench"}
