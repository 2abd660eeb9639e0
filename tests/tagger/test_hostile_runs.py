"""Damaged and malicious run folders and firmware: one line, no traceback, no code that comes with a network."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import hostile
import numpy as np
import pytest

pytest.importorskip("keras")
import keras

from tagger.runs import Run

TESTS = Path(hostile.__file__).parent


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return Run(model=keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)]), inputs=("pt", "eta", "mass"),
               config={"command": "train"}, metrics={"auc": 0.5}, history={"loss": [1.0, 0.5]},
               scores={"logit": np.zeros(5)}).save(tmp_path_factory.mktemp("runs") / "base")


def outcomes(kind, paths):
    command = [sys.executable, "-P", str(TESTS / "hostile.py"), kind, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, timeout=600, check=False)
    found = dict(json.loads(line) for line in done.stdout.decode("utf-8", "replace").splitlines() if line.startswith('["'))
    assert len(found) == len(paths), done.stderr[-500:]
    assert not [found for found in found.values() if found != "read" and not found.startswith("refused: ")], found
    return found


def damaged(content, rng):
    place, changed = int(rng.integers(len(content))), bytearray(content)
    changed[place:place + int(rng.integers(0, 4))] = rng.bytes(int(rng.integers(0, 8)))
    return bytes(changed)


@pytest.mark.parametrize("count", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_folders(tmp_path, run, count):
    rng, folders = np.random.default_rng(count), []
    for name in ("config.json", "features.json", "metrics.json", "history.csv", "scores.npz", "histograms.json"):
        for k in range(count):
            folders.append(tmp_path / f"{name}-{k}")
            shutil.copytree(run, folders[-1])
            (folders[-1] / name).write_bytes(damaged((run / name).read_bytes(), rng))
    for text in ("[" * 50_000, "[1]", '{"inputs": 3}', "\x00"):
        folders.append(tmp_path / f"text-{len(folders)}")
        shutil.copytree(run, folders[-1])
        (folders[-1] / "features.json").write_text(text)
    outcomes("run", folders)


@pytest.mark.parametrize("count", [6, pytest.param(80, marks=pytest.mark.slow)])
def test_networks(tmp_path, run, count):
    rng, paths = np.random.default_rng(count), []
    for k in range(count):
        paths.append(tmp_path / f"{k}.keras")
        paths[-1].write_bytes(damaged((run / "model.keras").read_bytes(), rng))
    outcomes("network", paths)


def rewritten(path, source, changed):
    """Copy a saved network with one changed member; the archive is whole, so that the damage is found behind it."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(path, "w") as copy:
        for name in archive.namelist():
            copy.writestr(name, changed.get(name, archive.read(name)))
    return path


@pytest.mark.parametrize("count", [3, pytest.param(150, marks=pytest.mark.slow)])
def test_members_of_networks(tmp_path, run, count):
    rng, paths = np.random.default_rng(count), []
    with zipfile.ZipFile(run / "model.keras") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    for name in ("config.json", "metadata.json", "model.weights.h5"):
        paths += [rewritten(tmp_path / f"{name}-{k}.keras", run / "model.keras", {name: damaged(content[name], rng)})
                  for k in range(count)]
    huge = json.loads(content["config.json"])
    huge["config"]["layers"][-1]["config"]["units"] = 10**9
    paths.append(rewritten(tmp_path / "huge.keras", run / "model.keras", {"config.json": json.dumps(huge)}))
    assert "may ask for more" in outcomes("network", paths)[str(paths[-1])]


def test_code_in_a_network_is_not_run(tmp_path, run):
    """Safe mode refuses functions that come with the file; a class from anywhere is not imported either."""
    mark = tmp_path / "mark"
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Lambda(lambda x: x)])
    model.save(tmp_path / "lambda.keras")
    with zipfile.ZipFile(run / "model.keras") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(content["config.json"])
    config["config"]["layers"][-1] |= {"module": "os", "class_name": "system", "config": {"command": f"touch {mark}"}}
    content["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "system.keras", "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    found = outcomes("network", [tmp_path / "lambda.keras", tmp_path / "system.keras"])
    assert all(outcome.startswith("refused: ") for outcome in found.values()) and not mark.exists()
