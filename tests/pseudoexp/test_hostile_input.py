"""Nothing that is read can bring a traceback, a hang, a crash, memory without end, or foreign code.

Bytes of good files are changed, cut and multiplied; further files are made to deceive. A process with limits reads them all.
"""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import h5py
import hostile
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mock_file import mock_file, mock_jets

from pseudoexp.calibration import FOLDER
from pseudoexp.cli.app import run
from pseudoexp.config import CARDS, from_mapping, load_card
from pseudoexp.dataset import schema
from pseudoexp.detector.card import DetectorCard
from pseudoexp.errors import ConfigError, PseudoexpError

TESTS = Path(hostile.__file__).parent
MANY = [pytest.param(24, id="few"), pytest.param(400, id="many", marks=pytest.mark.slow)]


def outcomes(kind, paths):
    """Return what comes of each file; a crash names the file it came with."""
    found = {}
    paths = list(map(str, paths))
    while paths:
        command = [sys.executable, "-P", str(TESTS / "hostile.py"), kind, *paths]
        done = subprocess.run(command, capture_output=True, timeout=600, check=False)
        lines = done.stdout.decode("utf-8", "replace").splitlines()  # libraries may print, too
        answers = [json.loads(line) for line in lines if line.startswith('["')]
        found |= dict(answers)
        paths = paths[len(answers):]
        if paths:
            found[paths.pop(0)] = f"ended with {done.returncode}: {done.stderr[-500:]!r}"
    return found


def assert_harmless(kind, paths):
    found = outcomes(kind, paths)
    bad = {path: outcome for path, outcome in found.items() if outcome != "read" and not outcome.startswith("refused: ")}
    assert not bad and len(found) == len(list(paths))
    assert not any("\n" in outcome for outcome in found.values())
    return found


def mutants(good, folder, count, suffix):
    """Write damaged versions of a file's content."""
    rng = np.random.default_rng(count)
    for k in range(count):
        content = bytearray(good)
        for _ in range(int(rng.choice([1, 1, 3, 30]))):
            place, length = int(rng.integers(len(good))), int(rng.integers(1, 9))
            kind = rng.integers(5)
            if kind == 0:
                content[place:place + length] = rng.bytes(length)
            elif kind == 1:
                content[place:place + 1] = bytes([content[place % len(content)] ^ 1 << int(rng.integers(8))])
            elif kind == 2:
                content[place:place + length] = b"\xff" * length
            elif kind == 3:
                del content[place:place + length * 50 ** int(rng.integers(2))]
            else:
                content[place:place] = content[place:place + length * 20]
        path = folder / f"{k}{suffix}"
        path.write_bytes(content)
        yield path


@pytest.mark.parametrize("count", MANY)
def test_cards(tmp_path, count):
    good = (CARDS / "atlas-itk.toml").read_bytes()
    found = assert_harmless("card", list(mutants(good, tmp_path, count, ".toml")))
    assert any(outcome != "read" for outcome in found.values())


TOML_VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
                           lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["tracking", "calorimeter", "solenoid", "name", "material", "nonsense"]), TOML_VALUES)
def test_any_value_in_a_card(key, value):
    try:
        from_mapping(DetectorCard, {"name": "a", key: value}, "card")
    except PseudoexpError as error:
        assert len(str(error)) < 5000


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_text_as_a_card(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("card") / "a.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    try:
        load_card(path)
    except PseudoexpError as error:
        assert error.exit_code == 2


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 10_000, "x." * 3000 + "y = 1", "#" * (1 << 21),
                                  "base = 'a.toml'", 'base = "\\u0000.toml"', 'base = "/dev/zero"', "name = 1e999"])
def test_cards_that_mean_harm(tmp_path, text):
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_card(path)
    assert len(str(error.value)) < 20_000
    assert "refused" in next(iter(assert_harmless("limits", [path]).values()))


@pytest.mark.parametrize("count", MANY)
def test_datasets(tmp_path, count):
    for compression in ("none", "gzip"):
        good = mock_file(tmp_path / "good.h5", 1500, tracks=2, compression=compression).read_bytes()
        (folder := tmp_path / compression).mkdir()
        with h5py.File(tmp_path / "good.h5") as file:
            start = file["jets"].id.get_offset() or len(good) // 2
        ends = good[:start] + good[-30_000:]  # most changes shall hit what describes the rows
        assert_harmless("dataset", list(mutants(good, folder, count // 4, ".h5")))
        for k, path in enumerate(mutants(ends, folder, count // 4, "-ends.h5")):
            content = path.read_bytes()
            path.write_bytes(content[:start] + good[start:-30_000] + content[start:])
            assert k >= 0
        assert_harmless("dataset", sorted(folder.glob("*-ends.h5")))


def our_attributes(**changed):
    return {"format_version": "1.0", "flavour_label": ["hbb", "qcd"], "events_tried": [3, 3], "configuration": "{}"} | changed


def deceiving(folder):
    """Write files whose descriptions lie, and yield their paths."""
    rows = schema.pack_jets(mock_jets(20))
    pointers = np.dtype([*((n, schema.JET_DTYPE[n]) for n in schema.JET_DTYPE.names), ("extra", h5py.vlen_dtype(np.int32))])
    datasets = {
        "pointers": {"shape": (20,), "dtype": pointers},
        "never_written": {"shape": (10**13,), "dtype": rows.dtype, "chunks": (1000,)},
        "huge_pieces": {"shape": (10**8,), "dtype": rows.dtype, "chunks": (10**7,), "compression": "gzip"},
        "other_filter": {"data": rows, "chunks": (20,), "scaleoffset": None, "compression": "lzf", "fletcher32": True},
    }
    for name, options in datasets.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file.create_dataset("jets", **options).attrs.update(our_attributes())
    for name, changed in {"nested": {"configuration": "[" * 60_000}, "long": {"configuration": "x" * 60_000},
                          "counts": {"events_tried": [-(2**62), 2**62]}, "locators": {"block_locators": ["a"]},
                          "version": {"format_version": "1\x1b[2J" * 9}}.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["jets"] = rows
            file["jets"].attrs.update(our_attributes(**changed))
    with h5py.File(folder / "uneven.h5", "w") as file:
        file["jets"] = rows
        file["jets"].attrs.update(our_attributes())
        file["tracks"] = np.zeros((5, 2), schema.TRACK_DTYPE)
    yield from sorted(folder.glob("*.h5"))


def test_datasets_that_lie(tmp_path):
    found = assert_harmless("dataset", list(deceiving(tmp_path)))
    read = {Path(path).stem for path, outcome in found.items() if outcome == "read"}
    assert read <= {"other_filter", "counts"}, found


def test_a_bomb_of_a_dataset(tmp_path):
    """Ten million rows of zeros, packed a thousand times."""
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        jets = file.create_dataset("jets", (10**7,), schema.JET_DTYPE, chunks=(100_000,), compression="gzip")
        jets.attrs.update(our_attributes())
        jets[:100_000] = np.zeros(100_000, schema.JET_DTYPE)  # a plain 0 leaves the padding between columns as the memory was
        filters, piece = jets.id.read_direct_chunk((0,))
        for start in range(0, 10**7, 100_000):
            jets.id.write_direct_chunk((start,), piece, filters)
    outcome = next(iter(assert_harmless("dataset", [path]).values()))
    assert outcome.startswith("refused: ") and "would become" in outcome


@pytest.mark.parametrize("count", MANY)
def test_hepmc(tmp_path, monkeypatch, count):
    pytest.importorskip("pyhepmc")
    from toy_hepmc import toy_batch, write

    monkeypatch.setenv("PSEUDOEXP_CACHE", str(tmp_path / "cache"))
    good = write(tmp_path / "good.hepmc3", toy_batch(8)).read_bytes()
    (folder := tmp_path / "mutants").mkdir()
    found = assert_harmless("hepmc", list(mutants(good, folder, count, ".hepmc3")))
    assert any(outcome != "read" for outcome in found.values())
    packed = list(mutants(gzip.compress(good), folder, count // 4, ".gz"))
    assert_harmless("hepmc", packed)


def test_hepmc_that_means_harm(tmp_path, monkeypatch):
    pytest.importorskip("pyhepmc")
    from toy_hepmc import toy_batch, write

    monkeypatch.setenv("PSEUDOEXP_CACHE", str(tmp_path / "cache"))
    text = write(tmp_path / "good.hepmc3", toy_batch(2)).read_bytes()
    lines = text.split(b"\n")
    first = next(i for i, line in enumerate(lines) if line.startswith(b"P "))
    changes = {"far": (first, b"P 1 -900000 22 0 0 0 0 0 1"), "number": (first, b"P 99999999 0 22 0 0 0 0 0 1"),
               "wide": (first, lines[first] + b" 7" * 10**6), "nan": (first, b"P 1 0 2212 nan nan inf inf 0 4")}
    for name, (place, line) in changes.items():
        (tmp_path / f"{name}.hepmc3").write_bytes(b"\n".join([*lines[:place], line, *lines[place + 1:]]))
    events = next(i for i, line in enumerate(lines) if line.startswith(b"E "))
    (tmp_path / "many.hepmc3").write_bytes(b"\n".join([*lines[:events], b"E 0 2000000000 2000000000", *lines[events + 1:]]))
    with gzip.open(tmp_path / "bomb.gz", "wb", compresslevel=1) as file:
        file.write(b"\n".join(lines[:events]))
        for _ in range(80):
            file.write(b"\n" + b"A" * 2**22)
    found = assert_harmless("hepmc", [p for p in tmp_path.iterdir() if p.is_file() and p.name != "good.hepmc3"])
    for name in ("many.hepmc3", "bomb.gz"):
        assert found[str(tmp_path / name)].startswith("refused: ")


@pytest.mark.parametrize("count", MANY)
def test_calibrations(tmp_path, count):
    good = (FOLDER / "perfect.npz").read_bytes()
    assert_harmless("calibration", list(mutants(good, tmp_path, count // 2, ".npz")))
    np.savez(tmp_path / "pickle.npz", header=np.array([{}], dtype=object))
    assert "refused" in next(iter(assert_harmless("calibration", [tmp_path / "pickle.npz"]).values()))


@pytest.mark.parametrize("count", MANY)
def test_scores(tmp_path, count):
    rng = np.random.default_rng(1)
    columns = {"score": rng.normal(size=(300, 2)), "eventNumber": np.arange(300), "jet": np.zeros(300, int)}
    np.savez_compressed(tmp_path / "good.npz", **columns)
    with h5py.File(tmp_path / "good.h5", "w") as file:
        for name, values in columns.items():
            file.create_dataset(name, data=values, compression="gzip" if name == "jet" else None)
    for suffix in (".npz", ".h5"):
        (folder := tmp_path / f"mutants{suffix}").mkdir()
        paths = list(mutants((tmp_path / f"good{suffix}").read_bytes(), folder, count // 4 if suffix == ".h5" else count, suffix))
        assert any(outcome != "read" for outcome in assert_harmless("scores", paths).values())
    np.savez(tmp_path / "pickle.npz", score=np.array([{}], dtype=object), row=np.arange(1))
    np.savez_compressed(tmp_path / "bomb.npz", score=np.zeros(1 << 28), row=np.arange(1))
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("score", (10**10,), "<f8", chunks=(10**6,), compression="gzip", fillvalue=0.0)
        file.create_dataset("row", (), h5py.string_dtype())
    bad = [tmp_path / name for name in ("pickle.npz", "bomb.npz", "bomb.h5")]
    assert all(outcome.startswith("refused: ") for outcome in assert_harmless("scores", bad).values())


@pytest.mark.parametrize("count", MANY)
def test_results(tmp_path, count):
    from pseudoexp.benchmark.protocol import PROTOCOL

    entry = {"median": 1.0, "error": 0.1, "spread": None, "values": [1.0]}
    good = {"format": 1, "protocol": PROTOCOL, "split": "test", "seeds": 1, "scores_sha256": "0", "headline": entry,
            "about": {"method": "a", "title": "A", "inputs": "39", "parameters": 3, "seeds": [1], "command": "c"},
            "release": {"name": "v1-small", "status": "candidate", "engine": "builtin", "engine_version": "0.1",
                        "dataset_version": "0.2.0", "dataset_hash": "0" * 64},
            "over_seeds": {"auc": entry, "rejection": dict.fromkeys(("0.3", "0.5", "0.6", "0.7"), entry)},
            "figures": {"mass_sculpting": {"0.6": {"distance": 0.1, "noise": 0.1}}}}
    (tmp_path / "good.json").write_text(json.dumps(good))
    assert assert_harmless("result", [tmp_path / "good.json"])[str(tmp_path / "good.json")] == "read"
    assert_harmless("result", list(mutants(json.dumps(good).encode(), tmp_path, 4 * count, ".json")))
    for k, key in enumerate(good):
        for j, value in enumerate((None, [], {}, "x", 1, {"name": "v1-small"}, {"0.6": 3}, {"auc": entry, "rejection": {}})):
            (tmp_path / f"{k}-{j}-wrong.json").write_text(json.dumps(good | {key: value}))
    assert_harmless("result", sorted(tmp_path.glob("*-wrong.json")))


def test_what_files_say_cannot_command_the_terminal(capsys):
    def broken():
        raise ConfigError("no dataset; it holds \x1b[2J\x07 and \u202e " + "x" * 10_000)

    assert run(lambda **options: broken(), []) == 2
    err = capsys.readouterr().err
    assert "\x1b" not in err and "\u202e" not in err and len(err) < 5000
