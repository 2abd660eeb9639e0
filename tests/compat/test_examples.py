"""Every example runs as it stands, wherever the tools that it shows are installed."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from mock_file import mock_file

import pseudoexp

ROOT = Path(__file__).parents[2]
EXAMPLES = {"ftag_tools": (("ftag",), "hbb"), "puma": (("puma", "ftag"), "wrote roc.png"), "salt": (("salt",), "hbb: "),
            "scikit_learn": (("sklearn",), "AUC on"), "pandas": (("pandas",), "weight"), "tf_data": (("tensorflow",), "AUC"),
            "pytorch": (("torch",), "test jets right"), "hugging_face": (("datasets", "pyarrow"), "'validation': "),
            "uproot": (("uproot", "awkward"), "mean hbb mass")}
"""What each needs, and a part of what it prints."""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return mock_file(tmp_path_factory.mktemp("examples") / "data.h5", n=3000, tracks=5)


def test_all_examples_are_listed():
    assert sorted(p.stem for p in (ROOT / "examples").glob("with_*.py")) == sorted(f"with_{name}" for name in EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name, path, tmp_path):
    needs, printed = EXAMPLES[name]
    if missing := [package for package in needs if find_spec(package) is None]:
        pytest.skip(f"{', '.join(missing)} not installed")
    environment = os.environ | {"PYTHONPATH": str(Path(pseudoexp.__file__).parents[1]), "HF_HOME": str(tmp_path / "cache"),
                                "HF_HUB_OFFLINE": "1", "MPLBACKEND": "Agg", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, ROOT / "examples" / f"with_{name}.py", path], capture_output=True, text=True,
                          cwd=tmp_path, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout
