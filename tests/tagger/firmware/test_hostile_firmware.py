"""Damaged exports: any byte of any file that is read may be wrong; one line says so, without a traceback or a hang."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import hostile
import numpy as np
import pytest

pytest.importorskip("da4ml")
import tiny_firmware as tiny

from pseudoexp.errors import SchemaError
from tagger.firmware.fixed_point import FixedNetwork

TESTS = Path(hostile.__file__).parent
NAMES = ("firmware.json", "network.json", "check.npz", "src/tagger_firmware.v", "src/tagger_core.v")
EDGES = (-1, 0, 10**6, 2**63, 10**400, 0.5, "1", None, [], {})


def outcomes(kind, folders):
    command = [sys.executable, "-P", str(TESTS / "hostile.py"), kind, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, timeout=600, check=False)
    found = dict(json.loads(line) for line in done.stdout.decode("utf-8", "replace").splitlines() if line.startswith('["'))
    assert len(found) == len(folders), done.stderr[-500:]
    assert not [said for said in found.values() if "\n" in said or (said != "read" and not said.startswith("refused: "))], found
    assert b"Warning" not in done.stderr, done.stderr[-500:]
    return list(found.values())


def damaged(content, rng):
    place, changed = int(rng.integers(len(content))), bytearray(content)
    changed[place:place + int(rng.integers(0, 4))] = rng.bytes(int(rng.integers(0, 8)))
    return bytes(changed)


def digits(content, rng):
    """Another number somewhere: what is still JSON, or Verilog."""
    changed, places = bytearray(content), [k for k, byte in enumerate(content) if chr(byte).isdigit()]
    place = places[int(rng.integers(len(places)))]
    changed[place:place + 1] = str(int(rng.integers(-9, 10**int(rng.integers(1, 18))))).encode()
    return bytes(changed)


def copies(tmp_path, base, names, count, rng, *ways):
    for name in names:
        for way in ways:
            for k in range(count):
                folder = tmp_path / f"{name.replace('/', '-')}-{way.__name__}-{k}"
                shutil.copytree(base, folder)
                (folder / name).write_bytes(way((base / name).read_bytes(), rng))
                yield folder


@pytest.mark.parametrize("count", [4, pytest.param(100, marks=pytest.mark.slow)])
def test_exports_of_verilog(tmp_path, count):
    tiny.write(tmp_path / "base")
    folders = [tmp_path / "base", *copies(tmp_path, tmp_path / "base", NAMES, count, np.random.default_rng(count), damaged),
               *copies(tmp_path, tmp_path / "base", NAMES[:2], count, np.random.default_rng(count), digits)]
    found = outcomes("firmware", folders)
    assert found[0] == "read" and sum(said != "read" for said in found) > len(found) / 4


def leaves(content, here=()):
    """Yield the way to every value."""
    for key, value in content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ():
        yield (*here, key)
        yield from leaves(value, (*here, key))


@pytest.mark.parametrize("share", [30, pytest.param(1, marks=pytest.mark.slow)])
def test_values_at_the_edges(tmp_path, share):
    tiny.write(tmp_path / "base")
    folders = []
    for name in ("firmware.json", "network.json"):
        text = (tmp_path / "base" / name).read_text()
        changes = [(way, value) for way in leaves(json.loads(text)) for value in EDGES]
        for k, (way, value) in list(enumerate(changes))[::share]:
            content = json.loads(text)
            inner = content
            for key in way[:-1]:
                inner = inner[key]
            inner[way[-1]] = value
            folders.append(tmp_path / f"{name}-{k}")
            shutil.copytree(tmp_path / "base", folders[-1])
            (folders[-1] / name).write_text(json.dumps(content))
    assert any(said != "read" for said in outcomes("firmware", folders))


@pytest.mark.parametrize("change", [
    {"weight_bits": -1}, {"weight_bits": 10**6}, {"input_bits": 0}, {"input_bits": 10**30}, {"signed": [5, 0]},
    {"fractional": [-100, 0]}, {"integer": [10**6, 0]}, {"integer": [62, 62]}])
def test_shifts_that_are_not_defined_are_refused(tmp_path, change):
    tiny.network().save(tmp_path / "network.json")
    content = json.loads((tmp_path / "network.json").read_text())
    content["layers"][0] |= change
    (tmp_path / "network.json").write_text(json.dumps(content))
    with pytest.raises(SchemaError, match="not a network of whole numbers, or damaged"):
        FixedNetwork.load(tmp_path / "network.json")


@pytest.mark.parametrize("count", [2, pytest.param(60, marks=pytest.mark.slow)])
def test_exports_of_onnx(tmp_path, count):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    tiny.write_onnx(tmp_path / "base")
    folders = [tmp_path / "base", *copies(tmp_path, tmp_path / "base", ("model.onnx", "firmware.json", "check.npz"), count,
                                          np.random.default_rng(count), damaged)]
    assert outcomes("firmware", folders)[0] == "read"
