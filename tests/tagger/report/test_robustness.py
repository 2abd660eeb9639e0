"""The tables on other samples, from made-up figures."""

import json
import shutil

import pytest

from tagger.report.page import load_runs, write_report
from tagger.report.robustness import robustness, samples


def entry(run, rejection, engine):
    """The run's own figures under another sample's name, but for what the nominal thresholds let through."""
    point = {"threshold": 0.0, "signal": 0.4512, "signal_error": 0.0123, "passed": 9, "n_eff_passed": 9.0, "background": 0.01,
             "background_error": 0.001, "rejection": rejection, "rejection_error": rejection and 12.0, "rejection_above": 300.0}
    return {"sample": {"engine": engine, "card": "atlas-itk", "pileup": 60.0, "rows": 200000, "dataset_hash": "0123456789abcdef"},
            "figures": run.metrics["weightings"]["benchmark"], "at_nominal_thresholds": {"0.5": point, "0.6": point}}


@pytest.fixture
def folders(small_run, small_folder, tmp_path):
    """A run that was judged on two samples, and one that was not."""
    first, second = (shutil.copytree(small_folder, tmp_path / name) for name in ("base", "half"))
    found = {"mu60": entry(small_run, 153.0, "builtin"), "pythia8": entry(small_run, None, "pythia8")}
    (first / "robustness.json").write_text(json.dumps({"samples": found}))
    for folder in (first, second):
        (folder / "histograms.json").unlink()
    return [first, second]


def test_every_run_and_sample_has_a_row(folders):
    table = robustness(load_runs(folders))
    assert [(number, cells[:2]) for number, cells in table.rows] == [
        (0, ("base", "nominal")), (0, ("base", "mu60")), (0, ("base", "pythia8"))]
    assert all(len(cells) == len(table.heads) for _, cells in table.rows)
    own, mu60, pythia8 = (cells for _, cells in table.rows)
    assert own[2:5] == mu60[2:5]  # figures at thresholds found there
    assert own[5:] == ("–",) * 4
    assert mu60[5:] == ("45.1 ± 1.2 %", "153 ± 12") * 2
    assert pythia8[6] == "> 300"
    assert robustness(load_runs(folders[1:])) is None


def test_samples(folders):
    assert [cells for _, cells in samples(load_runs(folders)).rows] == [
        ("mu60", "builtin", "atlas-itk", "60", "200\u2009000", "0123456789ab"),
        ("pythia8", "pythia8", "atlas-itk", "60", "200\u2009000", "0123456789ab")]


def test_page(folders, tmp_path):
    page = write_report(folders, tmp_path / "r.html").read_text()
    assert '<section id="robustness">' in page and "45.1 ± 1.2 %" in page
    assert "robustness" not in write_report(folders[1:], tmp_path / "q.html").read_text()
    (folders[0] / "robustness.json").write_text('{"samples": {"mu60": {}}}')
    told = []
    write_report(folders, tmp_path / "s.html", trouble=told.append)
    assert len(told) == 1 and "robustness.json is damaged" in told[0]
