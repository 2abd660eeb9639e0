"""The hash is a function of the rows alone."""

import hashlib

import numpy as np
from mock_file import mock_jets

from pseudoexp.dataset import schema
from pseudoexp.dataset.digest import BLOCK_ROWS, DatasetDigest, canonical_json, dataset_hash


def rows(n: int) -> np.ndarray:
    return schema.pack_jets(mock_jets(n, seed=3))


def hash_of(pieces: list[np.ndarray], name: str = "jets") -> str:
    digest = DatasetDigest(name, schema.JET_DTYPE)
    for piece in pieces:
        digest.update(piece)
    digest.finish()
    return dataset_hash([digest])


def test_definition():
    jets = rows(BLOCK_ROWS + 5)
    header = {"name": "jets", "fields": [[f.name, np.dtype(f.dtype).str] for f in schema.JET_FIELDS],
              "itemsize": schema.JET_DTYPE.itemsize, "row_shape": []}
    expected = hashlib.sha256(canonical_json(header).encode())
    for block in (jets[:BLOCK_ROWS], jets[BLOCK_ROWS:]):
        expected.update(hashlib.sha256(block.tobytes()).digest())
    assert hash_of([jets]) == expected.hexdigest()


def test_does_not_depend_on_how_rows_arrive():
    jets = rows(2 * BLOCK_ROWS + 17)
    pieces = [jets[:1], jets[1:9_999], jets[9_999:10_001], jets[10_001:]]
    assert hash_of(pieces) == hash_of([jets])


def test_padding_and_kinds_of_nan_do_not_matter_but_values_do():
    jets = rows(10)
    jets["vr1_sv1_mass"][3] = np.nan
    reference = hash_of([jets])
    dirty = jets.copy()
    dirty.view(np.uint8).reshape(10, -1)[:, -1] = 255
    dirty["vr1_sv1_mass"].view(np.uint32)[3] |= 1
    packed = np.empty(10, [(f.name, f.dtype) for f in schema.JET_FIELDS])
    packed[:] = jets
    assert dirty.tobytes() != jets.tobytes() and hash_of([dirty]) == reference == hash_of([packed])
    jets["vr1_sv1_mass"][4] = np.nextafter(jets["vr1_sv1_mass"][4], np.float32(np.inf))
    assert hash_of([jets]) != reference


def test_name_is_part_of_it():
    assert hash_of([rows(10)]) != hash_of([rows(10)], name="tracks")


def test_canonical_json_is_one_text():
    assert canonical_json({"b": 1.0, "a": [True, None]}) == '{"a":[true,null],"b":1.0}'


def test_locators_find_one_changed_block_and_stay_few(monkeypatch):
    from pseudoexp.dataset import digest as module

    def locators(blocks):
        digest = DatasetDigest("jets", schema.JET_DTYPE)
        digest.blocks = blocks
        return digest.locators()

    blocks = [bytes([i]) * 32 for i in range(10)]
    changed = [*blocks[:7], b"x" * 32, *blocks[8:]]
    assert np.flatnonzero(locators(blocks) != locators(changed)).tolist() == [7]
    monkeypatch.setattr(module, "MAX_LOCATORS", 4)
    assert len(locators(blocks)) == 4 and module.blocks_per_locator(10) == 3
    assert np.flatnonzero(locators(blocks) != locators(changed)).tolist() == [2]
