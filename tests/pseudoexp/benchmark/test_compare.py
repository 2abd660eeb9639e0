"""Any file against a release: fields, counts, hash, rows."""

import h5py
import numpy as np
import pytest
from mock_file import mock_file
from toy_releases import TEXT, frozen

from pseudoexp.benchmark import store
from pseudoexp.benchmark.compare import compare
from pseudoexp.benchmark.registry import release
from pseudoexp.dataset.metadata import Provenance, Tally
from pseudoexp.dataset.probe import probe
from pseudoexp.dataset.writer import FileWriter
from pseudoexp.errors import ConfigError, SchemaError


@pytest.fixture
def pinned(small, registered):
    """The made-up release with the hash that its file in the cache has."""
    path = store.path_of("v1-small")
    frozen(registered, dataset_hash=str(probe(path).attributes["dataset_hash"]))
    return path


def test_the_release_itself(pinned):
    found = compare(pinned, "v1-small")
    assert found.differences == [] and found.notes == []


def test_a_candidate_without_hash_says_so(small):
    found = compare(store.path_of("v1-small"), "v1-small")
    assert found.differences == [] and "candidate" in found.notes[0] and "no dataset hash" in found.notes[1]


def test_every_field_that_differs_is_named(small):
    lines = compare(store.path_of("v1-other"), "v1-small").differences
    fields = {line.split(":")[0] for line in lines}
    assert {"seed", "n", "card.name", "card.tracking.impact_scale", "calibration_sha256", "rows"} <= fields
    assert "seed: 4; v1-small: 3" in lines and "rows: 500 hbb, 500 qcd; v1-small: 1500 hbb, 1500 qcd" in lines
    assert not {"engine", "pileup", "tracks", "pt_bias"} & fields


def test_a_shorter_file_is_a_prefix(small, registered, tmp_path):
    registered(TEXT.replace("n = 3000", "n = 5000"))
    found = compare(_from_cache(small), "v1-small")
    assert [line.split(":")[0] for line in found.differences] == ["n", "rows"]
    assert "the file holds the first 3000 rows of the release's sequence" in found.notes


def _from_cache(releases):
    return store.path_of(releases["v1-small"])


def rewritten(source, out, change):
    """Write the rows of a file anew after a change."""
    info = probe(source)
    with h5py.File(source) as file:
        rows = file["jets"][:]
    change(rows)
    a = info.attributes
    provenance = Provenance(a["configuration"], a["configuration_hash"], a["seed"])
    with FileWriter(out, len(rows), provenance) as writer:
        writer.write(rows)
        writer.finish(Tally(tuple(a["events_tried"]), tuple(a["cross_section"])))
    return out


def test_rows_that_differ_are_named(pinned, tmp_path):
    def change(rows):
        rows["vr1_sv1_mass"][17] += 1.0
        rows["pt"][17] += 1.0
        rows["mass"][2999] = np.nan

    lines = compare(rewritten(pinned, tmp_path / "a.h5", change), "v1-small").differences
    assert lines[0].startswith("dataset hash: ")
    assert lines[1].startswith("row 17 (eventNumber ") and lines[1].endswith("): pt, vr1_sv1_mass")
    assert lines[2].startswith("row 2999 ") and lines[3:] == ["rows that differ: 2 of the first 3000"]


def test_the_hash_alone_differs_where_the_release_is_not_here(pinned, tmp_path, monkeypatch):
    other = rewritten(pinned, tmp_path / "a.h5", lambda rows: rows["pt"].__iadd__(1.0))
    monkeypatch.setenv("PSEUDOEXP_CACHE", str(tmp_path / "nothing"))
    assert [line.split(":")[0] for line in compare(other, "v1-small").differences] == ["dataset hash"]


def test_foreign_files(small, tmp_path):
    lines = compare(mock_file(tmp_path / "a.h5", 100), "v1-small").differences
    assert "seed: not there; v1-small: 3" in lines and "engine: 'mock'; v1-small: 'builtin'" in lines
    with pytest.raises(SchemaError, match="configuration"):
        compare(mock_file(tmp_path / "b.h5", 100, configuration="[]"), "v1-small")
    with pytest.raises(ConfigError, match="release 'v7'"):
        compare(tmp_path / "a.h5", "v7")
    assert release("v1-small").n == 3000
