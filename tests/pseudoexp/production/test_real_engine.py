"""Rows of the built-in engine and of Pythia8: any number of workers, any length, both classes in all residues of event numbers.

Few rows of either always, 5,000 of 20,000 of the built-in engine in the slow form.
"""

import importlib.util
import json

import h5py
import numpy as np
import pytest

import pseudoexp

PYTHIA = pytest.mark.skipif(importlib.util.find_spec("pythia8mc") is None, reason="pythia8mc is not installed")


def make(path, n, threads, engine):
    """Return summary and rows of a production with one option only: the engine."""
    summary = pseudoexp.generate(n, path, threads=threads, engine=engine)
    with h5py.File(path) as file:
        assert json.loads(file.attrs["configuration"])["engine"] == engine
        return summary, file["jets"][:]


@pytest.mark.parametrize(("engine", "few", "many"), [
    ("builtin", 300, 600), pytest.param("builtin", 5000, 20_000, marks=pytest.mark.slow),
    pytest.param("pythia8", 100, 300, marks=PYTHIA)])
def test_workers_prefixes_and_residues(tmp_path, engine, few, many):
    """Several chunks even for the smallest `many`: two workers finish them in another order than one."""
    (one, rows), (two, _), (whole, all_rows) = (
        make(tmp_path / f"{name}.h5", n, threads, engine)
        for name, n, threads in (("1", few, 1), ("2", few, 2), ("3", many, 2)))
    assert one.dataset_hash == two.dataset_hash != whole.dataset_hash
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "2.h5").read_bytes()
    assert len(rows) == few and len(all_rows) == many and np.array_equal(rows, all_rows[:few])
    assert whole.events_tried["signal"] > 1.5 * many / 2 and whole.events_tried["qcd"] > many / 2
    assert whole.cross_section["signal"] == pytest.approx(1.426e-3, rel=0.15)
    assert whole.cross_section["qcd"] == pytest.approx(2.607e5, rel=0.15)
    for label in (0, 1):
        counts = np.bincount(all_rows["eventNumber"][all_rows["flavour_label"] == label] % 10, minlength=10)
        expected = many / 20
        assert abs(counts - expected).max() < 5.0 * np.sqrt(expected), counts
