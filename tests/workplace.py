"""Where the commands of a page run: a folder with what the page takes for granted, small releases, this process."""

import re
import shutil
from pathlib import Path

import numpy as np
from in_process import InProcess
from mock_file import mock_file
from toy_releases import TEXT as RELEASES
from toy_releases import frozen

import pseudoexp
from pseudoexp.benchmark import identities, registry, save_scores, store
from pseudoexp.benchmark.rows import read_rows
from pseudoexp.cli.app import app
from pseudoexp.cli.app import run as run_program
from pseudoexp.dataset.probe import probe
from pseudoexp.dataset.schema import INPUTS as INPUT_NAMES
from pseudoexp.production import run as production
from tagger.cli import main as run_tagger

ROOT = Path(pseudoexp.__file__).parents[1]
FILES = {"README.md": ("a.h5", "b.h5", "mine.toml", "sweep.toml", "hbb.hepmc.gz", "qcd.hepmc.gz", "scores.npz"),
         "BENCHMARK.md": ("data.h5", "val.npz", "v1-small.h5"), "docs/validation.md": ("pythia8.h5", "builtin.h5", "mine.toml"),
         "docs/compatibility.md": ("data.h5",), "docs/firmware.md": ("data.h5", "runs/half"), "docs/scaling.md": ("shards/3.h5",)}
"""What a page expects to be there."""
ROWS, TRACKS, EVENTS = 600, 5, 60
TEXTS = {
    "mine.toml": 'base = "atlas-itk"\n[tracking]\nimpact_scale = 2.0\n',
    "sweep.toml": 'data = "a.h5"\nseeds = [1]\nepochs = 2\nprune_epochs = 2\n'
                  '[[scan]]\nkind = "prune"\nmethod = "magnitude"\nnodes = ["50%"]\n'}


def prepare(source, folder, monkeypatch):
    """Go to an empty folder, put there what the page expects, and replace the releases by small ones."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(production, "start_workers", InProcess)
    monkeypatch.setattr(registry, "SOURCE", str(folder / "releases.toml"))
    monkeypatch.setattr(store, "folder", lambda: folder / "cache")
    register(RELEASES)
    for name in ("README.md", "BENCHMARK.md"):  # commands write into them, behind links too
        shutil.copy(ROOT / name, folder)
    for name in ("benchmark", "bench", "examples"):
        (folder / name).symlink_to(ROOT / name)
    for name in FILES.get(source, ()):
        given(folder / name)
    if (release := folder / "v1-small.h5").exists():
        frozen(register, dataset_hash=str(probe(release).attributes["dataset_hash"]))


def register(text):
    """Replace the releases by those of a text."""
    Path(registry.SOURCE).write_text(text)
    registry.releases.cache_clear()
    return registry.releases()


def given(path):
    """Make a file by its name."""
    path.parent.mkdir(exist_ok=True)
    if path.stem == "v1-small":
        shutil.copy(store.require(registry.release("v1-small")).path, path)
    elif path.suffix == ".h5":
        pseudoexp.generate(ROWS, path, seed=1 + sum(map(ord, path.stem)), tracks=TRACKS)
    elif path.suffix == ".gz":
        process = {"hbb": "signal", "qcd": "qcd"}[path.name.partition(".")[0]]
        pseudoexp.events(process, EVENTS, path, engine="builtin")
    elif path.name in TEXTS:
        path.write_text(TEXTS[path.name])
    elif path.suffix == ".npz":
        scores(path)
    else:
        mock_file(path.parents[1] / "mock.h5", 3000)
        small = ("--inputs", ",".join(INPUT_NAMES[:12]), "--hidden", "4", "--epochs", "2")
        assert run(("python", "-m", "tagger", "train", "mock.h5", "--out", str(path), *small)) == 0


def scores(path):
    """Write made-up scores of five seeds: of the release's test split, or of the split that the file is named after."""
    rows = read_rows(probe(path.with_name("data.h5")), path.stem) if path.stem == "val" else identities("v1-small", "test")
    event = rows.event if path.stem == "val" else rows.eventNumber
    save_scores(path, made_up(len(event)), event, rows.jet)


def made_up(rows):
    """Return scores (rows, 5) that know nothing."""
    return np.random.default_rng(1).random((rows, 5))


def names(source):
    """Return what a page's Python blocks take for granted."""
    taken = {"pseudoexp": pseudoexp}
    if source == "BENCHMARK.md":
        taken["score"] = made_up(len(identities("v1-small", "test").row))
    return taken


def in_parts(words):
    """Return the commands that one stands for: `--shard i/n` for both of two parts, each with its own file."""
    if "--shard" not in words:
        return [words]
    at = words.index("--shard") + 1
    number = words[at].partition("/")[0]
    return [(*(re.sub(rf"\b{number}\b", str(i), word) if word.endswith(".h5") else word for word in words[:at]),
             f"{i}/2", *words[at + 1:]) for i in (1, 2)]


def run(words):
    """Run `python -m pseudoexp ...` or `python -m tagger ...` in this process and return its exit code."""
    assert words[:2] == ("python", "-m"), words
    Path("shards").mkdir(exist_ok=True)
    expanded = [name for word in words[3:] for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
    return {"pseudoexp": lambda: run_program(app, expanded), "tagger": lambda: run_tagger(expanded)}[words[2]]()
