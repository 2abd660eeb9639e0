"""Whole comparisons: the limits decide, the page holds everything."""

import json

import numpy as np
import pytest
from mock_file import mock_file

from pseudoexp.errors import ConfigError
from pseudoexp.validation.compare import Table, breaches, compare_samples, count_fractions, hadron_fractions
from pseudoexp.validation.limits import Limits
from pseudoexp.validation.run import FIGURES, PAGE, validate_files, write
from pseudoexp.validation.samples import Sample


def sample(seed, n=600, shift=0.0):
    rng = np.random.default_rng(seed)
    data = np.stack([rng.exponential(200, n) + 250, rng.normal(5 + shift, 1, n), *rng.poisson([[0.5], [0.3]], (2, n))], axis=1)
    return Sample(("pt", "width", "nB", "nD"), 2, data.astype(np.float32), np.arange(n), data[:, 0].astype(np.float32))


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    lines = []
    found = validate_files(mock_file(folder / "one.h5", 900), mock_file(folder / "two.h5", 800, 5),
                           progress=lambda *told: lines.append(told))
    assert ("hbb: distances", 0, 0) in lines
    return found


def test_equal_files_pass(outcome):
    assert outcome.passed and [table.sample for table, _ in outcome.tables] == ["hbb", "qcd"]
    table = outcome.tables[0][0]
    assert len(table.distances) == 45 and len(table.judged) == 39
    assert abs(table.verdicts["all"].auc - 0.5) < 4 * table.verdicts["all"].error


def test_page_and_figures_are_written(outcome, tmp_path):
    page = write(outcome, tmp_path / "out").read_text()
    assert page.count("data:image/svg+xml;base64,") == 4 and "http" not in page.split("base64", 1)[0]
    assert "vr1_ip3d_bu" in page and "within limits" in page
    figures = json.loads((tmp_path / "out" / FIGURES).read_text())
    assert figures["passed"] and figures["tables"][1]["observables"]["mass"]["first"]["n"] == 450
    assert len(figures["tables"][0]["correlation"]["first"]) == 39
    with pytest.raises(ConfigError, match="--force"):
        write(outcome, tmp_path / "out")
    write(outcome, tmp_path / "out", force=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="not a folder"):
        write(outcome, tmp_path / "file")
    assert (tmp_path / "out" / PAGE).exists()


def test_limits_decide():
    table = compare_samples("rows", "made up", sample(1, 1200), sample(2, 1200, 0.7))
    assert breaches(table, Limits({"particles": {"auc": 0.5}})) == []
    limits = {"auc": 0.6, "mean": 0.1, "spread": 0.1, "total_variation": 0.1, "p_value": 1e-6, "wasserstein": 0.5}
    strict = Limits({"rows": limits}, expected_below=1.0)
    found = {(b.observable, b.figure) for b in breaches(table, strict)}
    assert found == {("two-sample test, all", "auc"), ("width", "mean"), ("width", "total_variation"), ("width", "p_value"),
                     ("width", "wasserstein")}
    line = breaches(table, strict)[0].line()
    assert line.startswith("made up, width: mean 0.1") and line.endswith("limit 0.1")
    assert not breaches(table, Limits({"rows": {"mean": 0.14}}, sigmas=2.0))  # beyond, but within errors
    assert not breaches(table, Limits({"rows": {"total_variation": 0.0}}, expected_below=1e-3))


def test_bins_of_pt():
    table = compare_samples("rows", "made up", sample(1, 6000), sample(2, 6000))
    assert list(table.verdicts) == ["all", "pT 250-350", "pT 350-500", "pT 500-750"]
    assert table.verdicts["pT 250-350"].rows < 3000


def test_fractions():
    one, two = sample(1, 4000), sample(2, 4000)
    found = {(f.hadron, f.where, f.count): f for f in hadron_fractions(one, two)}
    f = found["b", "all", "0"]
    assert f.first[0] == pytest.approx(np.mean(one.column("nB") == 0)) and abs(f.shift[0]) < 4 * f.shift[1]
    within = (one.pt >= 400) & (one.pt < 600) & (one.data[:, 2] == 0)
    assert found["c", "pT 400-600", ">=2"].first[0] == pytest.approx(np.mean(one.data[within, 3] >= 2))
    half = list(count_fractions("b", "all", np.array([80.0, 15, 4, 1]), np.array([900.0, 50, 50, 0])))
    assert [f.first[0] for f in half] == [0.8, 0.15, 0.05]
    table = Table("reference", "x", {}, (), fractions=tuple(half))
    broken = breaches(table, Limits({"reference": {"fraction": 0.1}}, sigmas=0.0))
    assert [b.observable for b in broken] == ["0 b hadrons, all", "1 b hadrons, all"]
