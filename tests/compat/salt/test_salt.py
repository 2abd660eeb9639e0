"""Salt reads what `convert --to salt` writes, normalises with it, trains and tests with the configuration that comes along."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from mock_file import mock_file

import pseudoexp
from pseudoexp.dataset.schema import INPUTS

torch = pytest.importorskip("torch")
SaltDataset = pytest.importorskip("salt.data").SaltDataset
from salt.models import InputNorm  # noqa: E402


@pytest.fixture(scope="module", params=[0, 5], ids=["jets", "tracks"])
def folder(request, tmp_path_factory):
    path = mock_file(tmp_path_factory.mktemp("salt") / "a.h5", n=4000, tracks=request.param)
    pseudoexp.convert(path, path.with_name("salt"), to="salt")
    return path.with_name("salt")


def data_set(folder, name):
    labels = {"jets": ["flavour_label", "benchmarkWeight"]}
    variables = {"jets": list(INPUTS)}
    if "tracks" in h5py.File(folder / f"{name}.h5"):
        variables["tracks"], labels["tracks"] = ["d0", "deta"], ["ftagTruthOriginLabel"]
    return SaltDataset(folder / f"{name}.h5", folder / "norm_dict.yaml", variables, "fit", labels=labels), variables


@pytest.mark.parametrize("name", ["train", "val", "test"])
def test_its_data_set_has_our_rows(folder, name):
    rows = pseudoexp.load(folder.parent / "a.h5", name)
    salts, _ = data_set(folder, name)
    inputs, masks, labels = salts[0:len(salts)]
    assert np.array_equal(inputs["jets"].numpy(), rows.data)
    assert np.array_equal(labels["jets"]["flavour_label"].numpy() == 0, rows.target == 1)
    assert np.array_equal(labels["jets"]["benchmarkWeight"].numpy(), rows.weight.astype("f4"))
    if "tracks" in inputs:
        with h5py.File(folder / f"{name}.h5") as file:
            valid = file["tracks"]["valid"]
        assert np.array_equal(masks["tracks"].numpy(), ~valid) and torch.isfinite(inputs["tracks"]).all()


def test_its_normalisation_gives_mean_0_and_spread_1(folder):
    salts, variables = data_set(folder, "train")
    inputs, masks, _ = salts[0:len(salts)]
    norm = InputNorm(folder / "norm_dict.yaml", variables, "jets", {name: name for name in variables})
    scaled = norm(dict(inputs))
    assert torch.allclose(scaled["jets"].mean(0), torch.zeros(39), atol=1e-3)
    assert torch.allclose(scaled["jets"].std(0), torch.ones(39), atol=1e-3)
    if "tracks" in scaled:
        valid = scaled["tracks"][~masks["tracks"]]
        assert torch.allclose(valid.mean(0), torch.zeros(2), atol=1e-3) and torch.allclose(valid.std(0), torch.ones(2), atol=1e-2)


def salt(folder, *arguments):
    environment = os.environ | {"COMET_OFFLINE_DIRECTORY": str(folder)}
    done = subprocess.run([Path(sys.executable).with_name("salt"), *map(str, arguments)], capture_output=True, text=True,
                          cwd=folder, env=environment, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_training_and_test(folder):
    short = ["--trainer.accelerator=cpu", "--data.num_workers=0", "--data.batch_size=200"]
    salt(folder, "fit", f"--config={folder / 'salt.yaml'}", "--force", "--trainer.max_epochs=2",
         f"--trainer.default_root_dir={folder}/logs", *short)
    run = next((folder / "logs").glob("pseudoexp_*"))
    salt(folder, "test", f"--config={run / 'config.yaml'}", f"--data.test_file={folder / 'test.h5'}", *short)
    with h5py.File(next(run.rglob("*test*.h5"))) as file:
        scores = file["jets"]["pseudoexp_phbb"]
        signal = file["jets"]["flavour_label"] == 0
    assert len(scores) == len(pseudoexp.load(folder.parent / "a.h5", "test").target)
    assert scores[signal].mean() > scores[~signal].mean() + 0.1
