"""The folder of compiled kernels belongs to one state of the sources."""

from pseudoexp.core import cache


def test_an_edit_anywhere_starts_a_new_cache(tmp_path, monkeypatch):
    (tmp_path / "a.py").write_text("x = 1\n")
    monkeypatch.setattr(cache, "PACKAGE", tmp_path)
    before = cache.source_hash.__wrapped__()
    (tmp_path / "a.py").write_text("x = 2\n")
    assert cache.source_hash.__wrapped__() != before
