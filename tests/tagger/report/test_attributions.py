"""What the smallest and the largest network look at, from made-up values."""

import pytest

from tagger.report import plots
from tagger.report.attributions import agreement, attributions, drawn, order, pair
from tagger.runs import Run


def shapley(mean):
    return {"rows": 320, "mean": mean, "error": dict.fromkeys(mean, 0.012)}


def run(path, multiplications, importance, mean, ip3d=None):
    """A run; `ip3d` are both measures of all its ratios together."""
    histograms = {"importance": importance, "shapley": shapley(mean)}
    others = [{name: value for name, value in values.items() if "ip3d" not in name} for values in (importance, mean)]
    together = [values | {"vr1_ip3d_*": value} for values, value in zip(others, ip3d, strict=True)] if ip3d else others
    histograms["quantities"] = {"importance": together[0], "shapley": shapley(together[1])}
    return Run(None, tuple(importance), metrics={"model": {"multiplications": multiplications}}, histograms=histograms, path=path)


@pytest.fixture
def runs(tmp_path):
    """The second one is from before there were Shapley values."""
    wide = {"vr1_ip3d_bu": 0.1, "mass": 0.4, "eta": 0.3, "vr1_ip3d_bc": 0.05, "vr1_pt": 0.2}
    few = {"mass": 0.2, "vr1_pt": 0.1, "vr1_ip3d_bu": 0.3}
    moved = {"vr1_ip3d_bu": 1.0, "mass": 4.0, "eta": 3.0, "vr1_ip3d_bc": 0.5, "vr1_pt": 2.0}
    found = [run(tmp_path / "base", 900, wide, moved, (0.5, 5.0)),
             run(tmp_path / "old", 9000, wide, wide),
             run(tmp_path / "small", 10, few, {"mass": 2.0, "vr1_pt": 1.0, "vr1_ip3d_bu": 3.0}, (0.3, 3.0)),
             run(tmp_path / "larger", 20, few, {"mass": 4.0, "vr1_pt": 2.5, "vr1_ip3d_bu": 1.0}, (0.3, 1.0))]
    found[1].histograms = {"importance": wide}
    return found


def names(chosen):
    return [run.name for run in chosen]


def test_largest_and_smallest(runs):
    assert names(pair(runs)) == ["base", "small"]
    assert names(pair(runs[2:])) == ["larger", "small"]
    assert names(pair(runs[:2])) == ["base"]
    assert pair(runs[1:2]) == []


def test_values(runs):
    table = attributions(pair(runs))
    assert table.heads[1:3] == ("base: loss of AUC, shuffled", "base: mean |SHAP|")
    assert [cells[0] for _, cells in table.rows] == ["vr1_ip3d_*", "mass", "eta", "vr1_pt", "vr1_ip3d_bu", "vr1_ip3d_bc"]
    assert table.rows[1][1] == ("mass", "0.40000", "4.000 ± 0.012", "0.20000", "2.000 ± 0.012")
    assert table.rows[0][1] == ("vr1_ip3d_*", "0.50000", "5.000 ± 0.012", "0.30000", "3.000 ± 0.012")
    assert table.rows[2][1][3:] == ("–", "–")


def test_agreement(runs):
    """By hand: bu, mass, vr1_pt rank 1 3 2 and 3 2 1, so 1 - 6 (4 + 1 + 1) / (3 (9 - 1)) = -0.5; with IP3D as one the same."""
    measure, other = "loss of AUC, shuffled", "mean |SHAP|"
    assert [cells for _, cells in agreement(pair(runs)).rows] == [
        (measure, "base and small", "3", "-0.50", "3", "1.00"), (other, "base and small", "3", "-0.50", "3", "1.00"),
        (f"{measure}, and {other}", "base", "5", "1.00", "4", "1.00"),
        (f"{measure}, and {other}", "small", "3", "1.00", "3", "1.00")]
    assert len(agreement(runs[:1]).rows) == 1


def test_measures_that_disagree(runs):
    """By hand: mass, vr1_pt, bu rank 2 1 3 by AUC and 3 2 1 by logit, so again -0.5."""
    assert agreement([runs[3]]).rows[0][1][2:4] == ("3", "-0.50")


def test_too_few_inputs_have_no_rank(tmp_path):
    two = run(tmp_path / "two", 5, {"pt": 0.1, "mass": 0.2}, {"pt": 1.0, "mass": 2.0})
    assert [cells[2:] for _, cells in agreement([two]).rows] == [("2", "–", "2", "–")]


def test_figure(runs, monkeypatch):
    chosen = pair(runs)
    assert drawn(chosen) == order(chosen)
    monkeypatch.setattr("tagger.report.attributions.FIRST", 2)
    assert drawn(chosen) == ["vr1_ip3d_*", "mass", "vr1_pt", "vr1_ip3d_bu"]
    assert drawn(chosen[:1]) == ["vr1_ip3d_*", "mass"]
    assert plots.attributions(runs, chosen).startswith("data:image/svg+xml;base64,")
