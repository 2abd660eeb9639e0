"""Rows of this dataset version and of this version of the default engine, to the bit; and the rule of versions."""

import golden
import numpy as np
import pytest

from pseudoexp.core import laps
from pseudoexp.dataset import schema


@pytest.mark.parametrize("name", list(golden.MAKERS))
def test_rows_are_those_of_their_versions(name):
    """`python tests/golden.py` writes them anew, once the versions are raised as the rule demands."""
    stored, found = golden.read()[name], golden.MAKERS[name]()
    assert not (text := golden.complaint(stored, found)), f"{text}, then run `python tests/golden.py`"
    for key, value in found.items():
        same = value == stored[key] if isinstance(value, str) else golden.change(stored[key], value) == "patch"
        assert same, f"{key} of the golden rows is not the present one; run `python tests/golden.py`"


def test_taking_times_changes_no_row():
    laps.measure(True)
    try:
        found, times = golden.MAKERS["builtin"](), laps.take()
    finally:
        laps.measure(False)
    stored = golden.read()["builtin"]
    assert all(golden.change(stored[name], rows) == "patch" for name, rows in found.items() if not isinstance(rows, str))
    assert set(laps.STAGES) - set(times) == {"pile-up subtraction", "rows of tracks", "images"}
    assert times["strings"] > times["hard process"] and times["large-R jets"] > times["labels, columns"]


def test_versions_have_three_and_two_places():
    assert len(schema.DATASET_VERSION.split(".")) == 3
    assert len(golden.read()["builtin"]["engine_version"].split(".")) == 2


@pytest.mark.parametrize(("old", "new", "allowed"), [
    ("1.2.3", "1.2.3", "patch"), ("1.2.3", "1.2.4", "patch"), ("1.2.3", "1.3.0", "minor"), ("1.2.3", "2.0.0", "major"),
    ("0.2.0", "0.2.0", "patch"), ("0.2.0", "0.2.1", "minor"), ("0.2.0", "0.3.0", "major"), ("0.2.0", "1.0.0", "major"),
    ("0.9.1", "0.10.0", "major"), ("1.2.3", "1.2.2", ""), ("0.3.0", "0.2.9", "")])
def test_what_a_version_allows(old, new, allowed):
    levels = golden.LEVELS[:golden.LEVELS.index(allowed) + 1] if allowed else ()
    assert [level for level in golden.LEVELS if golden.allows(old, new, level)] == list(levels)


def rows(**columns):
    array = np.zeros(3, dtype=[(name, np.float32) for name in columns])
    for name, value in columns.items():
        array[name] = value
    return array


def test_what_changed():
    one = rows(pt=[1, 2, np.nan], eta=0)
    assert golden.change(one, one.copy()) == "patch"
    assert golden.change(one, rows(pt=[1, 2, np.nan], eta=0, mass=1)) == "minor"
    assert golden.change(one, rows(pt=[1, 2, np.nan])) == "major"
    assert golden.change(one, rows(pt=[1, 2, 3], eta=0)) == "major"
    assert golden.change(one, rows(pt=[1, 2, np.nan], eta=-0.0)) == "major"
    assert golden.change(one, one[:2]) == "major"


def complaint(new, version, engine=None, old_version="0.2.0"):
    old = {"qcd": rows(pt=[1, 2, 3]), "dataset_version": old_version}
    more = {} if engine is None else {"engine_version": engine}
    return golden.complaint(old | ({} if engine is None else {"engine_version": "0.10"}),
                            {"qcd": new, "dataset_version": version} | more)


def test_what_is_refused():
    same, other, wider = rows(pt=[1, 2, 3]), rows(pt=[1, 2, 4]), rows(pt=[1, 2, 3], eta=0)
    assert complaint(same, "0.2.0") == "" and complaint(other, "0.3.0") == "" and complaint(wider, "0.2.1") == ""
    assert "rows changed; raise schema.DATASET_VERSION (it is 0.2.1)" in complaint(other, "0.2.1")
    assert "columns were added" in complaint(wider, "0.2.0")
    assert "the version fell" in complaint(same, "0.1.0")
    assert complaint(other, "0.2.0", engine="0.11") == ""
    assert "or the engine's (it is 0.10)" in complaint(other, "0.2.0", engine="0.10")
    assert "rows changed" in complaint(rows(eta=0), "0.2.0", engine="0.11")  # columns are not the engine's
    assert "columns were added" in complaint(wider, "0.2.0", engine="0.11")


def test_nothing_is_written_where_the_rule_is_broken(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(golden, "GOLDEN", tmp_path / "golden.npz")
    made = {"qcd": rows(pt=[1, 2, 3]), "dataset_version": "0.2.0"}
    monkeypatch.setattr(golden, "MAKERS", {"chain": lambda: made})
    assert golden.main() == 0
    before = golden.GOLDEN.read_bytes()
    made["qcd"] = rows(pt=[1, 2, 4])
    assert golden.main() == 1 and "rows changed" in capsys.readouterr().err and golden.GOLDEN.read_bytes() == before
    made["dataset_version"] = "0.3.0"
    assert golden.main() == 0 and golden.read()["chain"]["dataset_version"] == "0.3.0"
