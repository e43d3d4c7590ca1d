"""What test files share: one cache of compiled networks per run, the shared recordings, the installed command."""

import os
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click.testing import CliRunner

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def program_cache(tmp_path_factory):
    """A cold cache of compiled networks for this run; BRAINSIM_TEST_CACHE keeps a warm one between runs."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = Path(os.environ.get("BRAINSIM_TEST_CACHE") or base / "programs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSIM_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def shared():
    """The folder of real recordings beside the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"the shared recordings are not at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def entry():
    """The installed command, loaded as the console script loads it."""
    (found,) = entry_points(group="console_scripts", name="brainsim")
    return found.load()


@pytest.fixture(scope="session")
def cli(entry):
    """Run the installed command: ``cli("snn", "fit", path)``."""

    def run(*args, **options):
        return CliRunner().invoke(entry, [str(arg) for arg in args], **options)

    return run
