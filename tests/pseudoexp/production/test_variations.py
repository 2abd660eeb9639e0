"""The dataset of event weights for other parameters, from the chunk to the verified file."""

import fake_chunks
import h5py
import numpy as np
import pytest

import pseudoexp
from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import probe
from pseudoexp.dataset.verify import verify
from pseudoexp.errors import ConfigError, DamagedFile, GenerationError
from pseudoexp.production.chunk import ChunkRows, pack
from pseudoexp.production.run import produce
from pseudoexp.production.run_config import RunConfig

NAMES = [field.name for field in schema.VARIATION_FIELDS]


def config(n=1500, variations=True, **options):
    return RunConfig.from_options(n, engine="builtin", variations=variations, **options)


def made(path, options):
    produce(options, path, threads=1, make_chunk="fake_chunks:make_chunk")
    with h5py.File(path) as file:
        return {name: file[name][:] for name in file}, dict(file["mcEventWeights"].attrs) if "mcEventWeights" in file else {}


@pytest.mark.parametrize("keep_unmatched", [False, True])
def test_weights_stay_with_their_rows(tmp_path, keep_unmatched):
    rows, attributes = made(tmp_path / "a.h5", config(keep_unmatched=keep_unmatched, tracks=2))
    weights, number = rows[schema.VARIATIONS], rows["jets"]["eventNumber"]
    assert list(attributes["names"]) == NAMES == list(weights.dtype.names)
    expected = schema.file_event_number(weights[NAMES[1]].astype(int), weights["nominal"].astype(int))
    assert len(weights) == len(number) and np.array_equal(number, expected)
    assert verify(tmp_path / "a.h5").info.datasets[schema.VARIATIONS].shape == (len(weights),)


def test_rows_are_those_without(tmp_path):
    with_weights, _ = made(tmp_path / "with.h5", config())
    without, _ = made(tmp_path / "without.h5", config(variations=False))
    assert sorted(with_weights) == ["jets", schema.VARIATIONS] and list(without) == ["jets"]
    assert np.array_equal(with_weights["jets"], without["jets"])
    shorter, _ = made(tmp_path / "short.h5", config(400))
    assert np.array_equal(shorter[schema.VARIATIONS], with_weights[schema.VARIATIONS][:400])
    assert "variations" not in config(variations=False).identity()


def test_weights_are_read_back(tmp_path):
    path = tmp_path / "a.h5"
    rows, _ = made(path, config(keep_unmatched=True))
    for split, chosen in ((None, slice(None)), ("test", rows["jets"]["eventNumber"] % 10 == 9)):
        physical, nominal, varied = (pseudoexp.load(path, split, weight=name, keep_unmatched=True).weight
                                     for name in ("physical", "nominal", "fsr_muR_2"))
        assert np.allclose(nominal / physical, rows[schema.VARIATIONS]["nominal"][chosen] / 2.0)
        assert np.allclose(varied / physical, 0.5)
    with pytest.raises(ConfigError, match="weight 'soup'; allowed: benchmark, physical, nominal, isr_muR"):
        pseudoexp.load(path, weight="soup")
    made(tmp_path / "b.h5", config(variations=False))
    with pytest.raises(ConfigError, match="allowed: benchmark, physical or None"):
        pseudoexp.load(tmp_path / "b.h5", weight="fsr_muR_2")


def test_damage_is_found_named_and_repaired(tmp_path):
    path = tmp_path / "a.h5"
    made(path, config())
    good = path.read_bytes()
    content = bytearray(good)
    content[probe(path).datasets[schema.VARIATIONS].offset + 7 * schema.VARIATION_DTYPE.itemsize] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match="`mcEventWeights` is damaged in block 0"):
        verify(path)
    with pytest.raises(DamagedFile, match=rf"1 damaged rows: mcEventWeights\[7\] \({NAMES[0]}\)"):
        pseudoexp.verify(path, make_chunk=fake_chunks.make_chunk)
    repaired = pseudoexp.verify(path, repair=True, make_chunk=fake_chunks.make_chunk)
    assert [(c.dataset, c.row) for c in repaired.changed] == [(schema.VARIATIONS, 7)] and path.read_bytes() == good


def test_other_engines_and_missing_weights():
    with pytest.raises(ConfigError, match="variations: engine 'pythia8' has no weights for them"):
        RunConfig.from_options(1, engine="pythia8", variations=True)
    with pytest.raises(GenerationError, match="weights of variations are missing"):
        pack(config(), 0, 0, ChunkRows(np.zeros((0, len(schema.JET_FIELDS))), None, 0.0))


def test_built_in_engine(tmp_path):
    """The rows of a real chunk with and without weights, which belong to their events."""
    for variations in (False, True):
        pseudoexp.generate(30, tmp_path / f"{variations}.h5", engine="builtin", threads=1, variations=variations)
    with h5py.File(tmp_path / "False.h5") as without, h5py.File(tmp_path / "True.h5") as varied:
        jets, weights = varied["jets"][:], varied[schema.VARIATIONS][:]
        assert np.array_equal(without["jets"][:], jets)
    assert np.array_equal(weights["nominal"], jets["mcEventWeight"])
    matrix = np.stack([weights[name] / weights["nominal"] for name in NAMES], axis=1)
    signal = jets["flavour_label"] == 0
    assert (matrix[:, 1:5].std(axis=0) > 0.1).all() and (matrix[signal][:, 7:].std(axis=0) > 0.05).all()
    _, first = np.unique(jets["eventNumber"], return_index=True)
    for number, row in zip(jets["eventNumber"][first], first, strict=True):
        assert (matrix[jets["eventNumber"] == number] == matrix[row]).all()
