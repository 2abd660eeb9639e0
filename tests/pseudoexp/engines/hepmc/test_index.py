"""The pass through a file: events, weights, cross-section, digest; foreign, empty and truncated files are mistakes."""

import gzip
import hashlib
import json
import re

import pytest

pytest.importorskip("pyhepmc")

import pyhepmc
from toy_hepmc import toy_batch, write

from pseudoexp.engines.hepmc import index as module
from pseudoexp.engines.hepmc.index import HEPMC2, HEPMC3, index_of, scan
from pseudoexp.errors import ConfigError, SchemaError


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "a.hepmc3", toy_batch(9), options='{"pt_bias":4.0,"pthat_min":150.0}')


def test_content(path):
    found, text = scan(path), path.read_bytes()
    weights = toy_batch(9).weight
    assert found.form == HEPMC3 and found.events == 9 and (found.weights == weights).all()
    assert found.cross_section == pytest.approx(weights.mean(), rel=1e-8) and found.scale == 1.0
    assert found.sha256 == hashlib.sha256(text).hexdigest()
    assert found.options == {"pt_bias": 4.0, "pthat_min": 150.0}
    for k, start in enumerate(found.offsets[:-1]):
        assert text[start:].startswith(f"E {k} ".encode())
    assert text[found.offsets[-1]:] .startswith(b"HepMC::Asciiv3-END")


@pytest.mark.parametrize("block", [1000, 1001, 4096, 10_000])
def test_blocks_do_not_matter(path, monkeypatch, block):
    whole = scan(path)
    monkeypatch.setattr(module, "_BLOCK", block)
    parts = scan(path)
    assert (parts.offsets == whole.offsets).all() and parts.sha256 == whole.sha256 and parts.header == whole.header


def as_hepmc2(path, out):
    with pyhepmc.open(path) as source, pyhepmc.open(out, "w", format="HepMC2") as target:
        for event in source:
            target.write(event)
    return out


def test_hepmc2(path, tmp_path):
    found = scan(as_hepmc2(path, tmp_path / "b.hepmc"))
    assert found.form == HEPMC2 and found.events == 9 and found.options == {}
    assert found.weights == pytest.approx(toy_batch(9).weight) and found.cross_section == pytest.approx(found.weights.mean())


def test_weights_are_scaled_to_the_cross_section(path, tmp_path):
    text = path.read_text().splitlines()
    lines = ["A 0 GenCrossSection 50.0 1.0 9 9" if line.startswith("A 0 GenCrossSection") else line for line in text]
    (tmp_path / "b.hepmc3").write_text("\n".join(lines) + "\n")
    found = scan(tmp_path / "b.hepmc3")
    assert found.scale * found.weights.mean() == pytest.approx(50.0)
    lines = [line for line in text if not line.startswith("A 0 GenCrossSection")]
    (tmp_path / "c.hepmc3").write_text("\n".join(lines) + "\n")
    assert scan(tmp_path / "c.hepmc3").cross_section == 0.0 and scan(tmp_path / "c.hepmc3").scale == 1.0


def test_index_is_kept_and_made_again_for_a_new_file(path, tmp_path, monkeypatch):
    monkeypatch.setenv("PSEUDOEXP_CACHE", str(tmp_path / "cache"))
    module._index.cache_clear()
    first = index_of(path)
    module._index.cache_clear()
    monkeypatch.setattr(module, "scan", None)
    again = index_of(path)
    assert again.sha256 == first.sha256 and (again.offsets == first.offsets).all() and again.header == first.header
    monkeypatch.undo()
    monkeypatch.setenv("PSEUDOEXP_CACHE", str(tmp_path / "cache"))
    write(path, toy_batch(5))
    assert index_of(path).events == 5
    module._index.cache_clear()


def complaint(path):
    with pytest.raises((SchemaError, ConfigError)) as error:
        index_of(path)
    assert error.value.exit_code == 2 and "\n" not in str(error.value) and str(path) in str(error.value)
    return str(error.value)


def test_files_that_are_not_there_or_foreign(tmp_path):
    assert "no such file" in complaint(tmp_path / "none")
    assert "not a regular file" in complaint(tmp_path)
    for content, message in ((b"", "is empty"), (b"\n \n", "is empty"), (b"<LesHouchesEvents>\n", "not HepMC3 or HepMC2"),
                             (b"\x89HDF\r\n\x1a\n" + bytes(1000), "not HepMC3 or HepMC2")):
        (tmp_path / "a").write_bytes(content)
        assert message in complaint(tmp_path / "a")


def test_truncated_and_damaged_files(path, tmp_path):
    text, bad = path.read_bytes(), tmp_path / "bad"
    for end in (200, len(text) // 2, len(text) - 40):
        bad.write_bytes(text[:end])
        assert "truncated" in complaint(bad)
    head = text[:text.index(b"\nE ") + 1]
    bad.write_bytes(head + b"HepMC::Asciiv3-END_EVENT_LISTING\n\n")
    assert "holds no event" in complaint(bad)
    place = text.index(b"\nP ", text.index(b"\nE 4 ")) + 1
    bad.write_bytes(text[:place] + text[text.index(b"\n", place) + 1:])
    assert "event 4 is truncated or damaged" in complaint(bad)
    bad.write_bytes(text + text)
    assert "event 8 is truncated or damaged" in complaint(bad)
    bad.write_bytes(gzip.compress(text)[:-2000])
    assert "truncated or damaged compressed file" in complaint(bad)


def test_weights_that_are_no_weights(path, tmp_path):
    for weight in ("nan", "-1.0", "0"):
        (tmp_path / "b").write_text(re.sub(r"\nW [0-9].*\n", f"\nW {weight}\n", path.read_text()))
        assert "mean weight" in complaint(tmp_path / "b")


def test_changed_while_it_was_read(path):
    found = index_of(path)
    write(path, toy_batch(3, first=5))
    with pytest.raises(SchemaError, match="has changed while it was read"):
        module.text_of(path, found, 4, 2)


def test_options_of_others(path, tmp_path):
    text = path.read_text().replace(json.dumps({"pt_bias": 4.0, "pthat_min": 150.0}, separators=(",", ":")), "{broken")
    (tmp_path / "b").write_text(text)
    assert scan(tmp_path / "b").options == {}
