"""`snn response`: recorded beside simulated responses as a figure and two tables."""

import csv
import json

import numpy as np
import pytest
from test_online import fluorescence, network_of

from brainsim.resemblance import sentence
from brainsim.store import save_recording


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Fits of a recording with and without stimuli."""
    home = tmp_path_factory.mktemp("responses")
    data = fluorescence(frames=120, trials=("=a", "b"))
    save_recording(network_of(repeats=2).fit(data).fit_, home / "two.nc")
    save_recording(network_of().fit(data).fit_, home / "one.nc")
    save_recording(network_of().fit(fluorescence()).fit_, home / "none.nc")
    return home


@pytest.mark.parametrize("name", ["two", "one"])
def test_the_command_writes_what_the_fit_holds(cli, folder, tmp_path, name):
    fit = network_of(repeats=2 if name == "two" else 1).fit(fluorescence(frames=120, trials=("=a", "b"))).fit_
    done = cli("snn", "response", folder / f"{name}.nc", "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert facts["resemblance_mean"] == pytest.approx(fit.attrs["resemblance_mean"])
    with (tmp_path / "out" / "resemblance.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["stimulus"] for row in rows] == ["'=a", "b"], "a spreadsheet runs no name"
    found = fit["resemblance"].mean("repeat") if name == "two" else fit["resemblance"]
    np.testing.assert_allclose([float(row["resemblance"]) for row in rows], found)
    assert facts["resemblance_mean"] == pytest.approx(float(found.mean()))
    with (tmp_path / "out" / "responses.csv").open() as file:
        cells = list(csv.DictReader(file))
    assert len(cells) == 2 * 6
    count = fit["simulated_count"].mean("repeat") if name == "two" else fit["simulated_count"]
    np.testing.assert_allclose([float(row["spikes"]) for row in cells], count.values.ravel())
    assert [row["neuron"] for row in cells] == fit["neuron"].values.tolist() * 2
    assert (tmp_path / "out" / "responses.png").read_bytes()[:4] == b"\x89PNG"


def test_the_sentence_is_told(cli, folder, tmp_path):
    done = cli("snn", "response", folder / "two.nc", "--out", tmp_path / "out")
    fit = network_of(repeats=2).fit(fluorescence(frames=120, trials=("=a", "b"))).fit_
    assert sentence(fit) in done.stdout
    assert f"rank correlation {fit.attrs['resemblance_mean']:.2f}" in done.stdout


def test_a_fit_without_stimuli_is_refused_and_leaves_nothing(cli, folder, tmp_path):
    failed = cli("snn", "response", folder / "none.nc", "--out", tmp_path / "out")
    assert failed.exit_code == 1
    assert "holds no responses to stimuli" in failed.stderr
    assert not (tmp_path / "out").exists()


def test_nothing_is_replaced_unasked(cli, folder, tmp_path):
    assert cli("snn", "response", folder / "one.nc", "--out", tmp_path / "out").exit_code == 0
    again = cli("snn", "response", folder / "one.nc", "--out", tmp_path / "out")
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    assert cli("snn", "response", folder / "one.nc", "--out", tmp_path / "out", "--overwrite").exit_code == 0
