"""What holds for the house as a whole: every test can fail."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
CHECKS = ("assert_", "raises", "warns", "fail", "check_parameters_default_constructible")


def functions(path):
    """Return the functions of a file by name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {each.name: each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


def called(function):
    """Give the names of what a function calls."""
    for each in ast.walk(function):
        if isinstance(each, ast.Call):
            yield getattr(each.func, "attr", getattr(each.func, "id", ""))


def asserts(function, helpers, within=()):
    """Tell whether a function asserts something, itself or in a helper that it calls."""
    if any(isinstance(each, ast.Assert) for each in ast.walk(function)):
        return True
    for name in called(function):
        if name.startswith(CHECKS):
            return True
        if name in helpers and name not in within and asserts(helpers[name], helpers, (*within, name)):
            return True
    return False


HELPERS = {name: each for path in sorted(TESTS.glob("*.py")) for name, each in functions(path).items()}


@pytest.mark.parametrize("path", sorted(TESTS.glob("test_*.py")), ids=lambda path: path.stem)
def test_every_test_asserts_something(path):
    found = {name: each for name, each in functions(path).items() if name.startswith("test_")}
    assert found
    assert [name for name, each in found.items() if not asserts(each, HELPERS)] == []


def test_one_that_asserts_nothing_is_found():
    empty = ast.parse("def test_it():\n    print(check(1))\n\ndef check(x):\n    return x == 1\n")
    helpers = {each.name: each for each in empty.body}
    assert not asserts(helpers["test_it"], helpers)
    full = ast.parse("def test_it():\n    check(1)\n\ndef check(x):\n    assert x == 1\n")
    helpers = {each.name: each for each in full.body}
    assert asserts(helpers["test_it"], helpers)
